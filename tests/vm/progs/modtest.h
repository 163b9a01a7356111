/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * modtest.h: what the module's direct testers share
 *
 * Why: the module is tested by its ioctls alone, without library and daemon.
 * Included by one file per program.
 */
#ifndef PROGS_MODTEST_H
#define PROGS_MODTEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/pmemfail.h>

/* Ends the test: something around the tested thing does not work. */
__attribute__((noreturn, format(printf, 1, 2)))
static inline void broken(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(2);
}

static inline int module_open(int flags)
{
	int fd = open(PMEMFAIL_DEV_PATH, O_RDWR | O_CLOEXEC | flags);

	if (fd < 0)
		broken("open %s", PMEMFAIL_DEV_PATH);
	return fd;
}

/* 0 or the errno: what the interface promises. */
static inline int call(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? errno : 0;
}

static inline const char *error_name(int error)
{
	return error ? strerrorname_np(error) : "OK";
}

#endif
