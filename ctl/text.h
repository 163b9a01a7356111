/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that is safe and fits: escaping, display width, shortening, and numbers
 * for people. Names of processes and files are other users' bytes and may hold
 * terminal commands: whatever reaches the terminal goes through text_escape().
 */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* malloc'd, never NULL: a tool that is out of memory ends here. */
char *text_escape(const char *s);
/* malloc'd: a JSON text that means the same and does no more to a terminal, with
 * controls, and what deceives, as \uXXXX. */
char *text_json(const char *s);
/* Columns that an escaped string takes on the terminal. */
size_t text_width(const char *s);
/* malloc'd: s within width columns, what is too much replaced in the middle, since
 * both ends of a path say more than its middle. */
char *text_shorten(const char *s, size_t width);

#define TEXT_NUMBER_MAX 40
/* Each writes into buf and returns it. */
const char *text_size(char buf[static TEXT_NUMBER_MAX], uint64_t bytes);
const char *text_duration(char buf[static TEXT_NUMBER_MAX], uint64_t ns);
const char *text_time(char buf[static TEXT_NUMBER_MAX], uint64_t realtime_us);
/* "1 process", "2 processes", "no process". */
const char *text_count(char buf[static TEXT_NUMBER_MAX], uint64_t n, const char *one,
		       const char *many);
/* A user's name from /etc/passwd, else the number. Not getpwuid(): a directory
 * service that hangs must not hang the tool that is used when storage fails. */
const char *text_user(char buf[static TEXT_NUMBER_MAX], uint32_t uid);

enum text_colour { TEXT_PLAIN, TEXT_GOOD, TEXT_WARN, TEXT_BAD, TEXT_DIM, TEXT_BOLD };
/* The escape sequence that begins it; "" for plain. TEXT_END ends any. */
const char *text_colour(enum text_colour c);
#define TEXT_END "\033[0m"

/* malloc() and friends that end the program. */
void *text_alloc(void *p);

#endif
