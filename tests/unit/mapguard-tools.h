/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that can be lost, for the tests of the guard for applications: real SIGBUS from
 * files that were cut while they were mapped. The handler is one for each process and
 * stays, so every case runs in a child of its own.
 */
#ifndef MAPGUARD_TOOLS_H
#define MAPGUARD_TOOLS_H

#include <pmemfail/guard.h>
#include <signal.h>

#include "test.h"

#define PAGE ((size_t)4096)
#define ALIVE 0

/* n pages, each filled with its number + 1; writable. */
unsigned char *memory_new(size_t n);
/* That page can be accessed no more: BUS_ADRERR. */
void memory_lose(unsigned char *memory, size_t page);

/* Wait status of a child that runs fn: ALIVE when it came through. */
int in_child(void (*fn)(void));

/* In the child: SIGBUS as if nothing had touched it, as sanitizers do. */
void sigbus_default(void);
/* In the child: send itself what only the kernel sends others. */
void sigbus_self(int code, const void *address, int lsb);

/* In the child, in place of CHECK. */
__attribute__((noreturn)) void need_failed(const char *file, int line, const char *what);
#define NEED(cond) ((cond) ? (void)0 : need_failed(__FILE__, __LINE__, #cond))

/* A case that runs in a child and comes through. */
#define CHILD_TEST(ident)						\
	static void child_##ident(void);				\
	TEST(ident)							\
	{								\
		CHECK_EQ(in_child(child_##ident), ALIVE);		\
	}								\
	static void child_##ident(void)

#endif
