/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.h: what the test programs share: a status file of lines, and a SIGBUS
 * handler that writes down what the kernel told.
 *
 * Why: a case reads what a process saw without racing it, so each line is one
 * write(2) to a file on tmpfs, also from the handler, which therefore formats
 * with nothing but its own code. Included by one file per program.
 */
#ifndef PROGS_REPORT_H
#define PROGS_REPORT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef BUS_MCEERR_AO
#define BUS_MCEERR_AO 5
#endif

#define PAGE 4096UL
#define HUGE (2UL << 20)

static int report_fd = STDOUT_FILENO;
/* SIGBUS that came without this process touching anything: BUS_MCEERR_AO */
static volatile unsigned int told;
/* where an access that fails goes on; per thread */
static __thread sigjmp_buf *volatile recover;
static __thread volatile sig_atomic_t bus_code;

struct line {
	char text[256];
	size_t n;
};

static inline void line_word(struct line *l, const char *s)
{
	while (*s && l->n < sizeof(l->text) - 1)
		l->text[l->n++] = *s++;
}

static inline void line_number(struct line *l, const char *key, uint64_t v, unsigned int base)
{
	char digits[24];
	unsigned int i = sizeof(digits);

	digits[--i] = 0;
	do {
		digits[--i] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	line_word(l, " ");
	line_word(l, key);
	line_word(l, base == 16 ? "=0x" : "=");
	line_word(l, digits + i);
}

static inline void line_write(struct line *l)
{
	l->text[l->n++] = '\n';
	/* tmpfs: short only when it is full, and then the case fails by itself */
	if (write(report_fd, l->text, l->n) < 0)
		_exit(99);
}

__attribute__((format(printf, 1, 2)))
static inline void report(const char *format, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text) - 1, format, ap);
	va_end(ap);
	if (n > (int)sizeof(text) - 2)
		n = sizeof(text) - 2;
	text[n++] = '\n';
	if (write(report_fd, text, n) < 0)
		_exit(99);
}

/* A test program that cannot do its part must not look like one that could. */
__attribute__((format(printf, 1, 2), noreturn))
static inline void broken(const char *format, ...)
{
	char text[512];
	int error = errno;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	report("broken %s: %s", text, strerror(error));
	fprintf(stderr, "%s: %s\n", text, strerror(error));
	exit(98);
}

static inline uint64_t boottime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Whom the first SIGBUS that is sent shall cost the life, in that very moment. */
static pid_t avenged[4];
static unsigned int n_avenged;

static inline void avenge(pid_t pid)
{
	if (n_avenged < sizeof(avenged) / sizeof(avenged[0]))
		avenged[n_avenged++] = pid;
}

static inline void on_sigbus(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)sig;
	(void)context;
	if (info->si_code == BUS_MCEERR_AO || !recover) {
		struct line l = { .n = 0 };

		/* sent, not caused: only these count as being told */
		line_word(&l, "sigbus");
		line_number(&l, "code", info->si_code, 10);
		line_number(&l, "addr", (uintptr_t)info->si_addr, 16);
		line_number(&l, "lsb", info->si_addr_lsb, 10);
		line_number(&l, "n", __sync_add_and_fetch(&told, 1), 10);
		line_number(&l, "pid", getpid(), 10);
		line_number(&l, "tid", syscall(SYS_gettid), 10);
		line_number(&l, "ns", boottime_ns(), 10);
		line_write(&l);
		for (unsigned int i = 0; i < n_avenged; i++)
			kill(avenged[i], SIGKILL);
		n_avenged = 0;
		if (info->si_code > 0 && info->si_code != BUS_MCEERR_AO)
			_exit(97);	/* a fault outside of any probe would repeat */
		errno = saved;
		return;
	}
	bus_code = info->si_code;
	siglongjmp(*recover, 1);
}

static inline void handle_sigbus(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGBUS, &sa, NULL))
		broken("sigaction");
}

/* Read one byte that may be gone: 0 and the value, or the SIGBUS's si_code. */
static inline int try_read(const volatile unsigned char *p, unsigned char *ret)
{
	sigjmp_buf here;

	if (sigsetjmp(here, 1)) {
		recover = NULL;
		return bus_code;
	}
	recover = &here;
	*ret = *p;
	recover = NULL;
	return 0;
}

static inline int try_write(volatile unsigned char *p, unsigned char v)
{
	sigjmp_buf here;

	if (sigsetjmp(here, 1)) {
		recover = NULL;
		return bus_code;
	}
	recover = &here;
	*p = v;
	recover = NULL;
	return 0;
}

static inline void report_to(const char *path)
{
	report_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (report_fd < 0) {
		report_fd = STDERR_FILENO;
		broken("open %s", path);
	}
}

static inline size_t parse_size(const char *s)
{
	char *end;
	unsigned long long n = strtoull(s, &end, 0);

	switch (*end) {
	case 'k': case 'K': n <<= 10; end++; break;
	case 'm': case 'M': n <<= 20; end++; break;
	case 'g': case 'G': n <<= 30; end++; break;
	}
	if (*end || end == s) {
		errno = EINVAL;
		broken("size '%s'", s);
	}
	return n;
}

#endif
