/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's log: one entry is a priority, a MESSAGE_ID, a sentence and fields.
 * To the journal with its fields when stderr leads there, else to stderr as a line
 * with systemd's <N> prefix. Every text is escaped on the way in: names of
 * processes and files belong to other users.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdint.h>
#include <syslog.h>

/* Finds out where stderr leads. Before that, entries go to stderr. */
void log_open(void);

/* Entries less urgent than this (LOG_DEBUG: none) are not sent; from any thread. */
void log_set_level(int level);
int log_level(void);
/* "auto" (the begin), "journal", "console", "null"; -EINVAL: another word. */
int log_set_target(const char *name);
const char *log_target_name(void);

struct log_entry;

/*
 * Begin, add, and log_end() sends. Each thread has one entry of its own, of fixed
 * size, so nothing here can fail for want of memory; finish one before the next.
 */
struct log_entry *log_begin(int priority, const char *message_id);
/* NULL value: no field. */
void log_field(struct log_entry *e, const char *name, const char *value);
void log_number(struct log_entry *e, const char *name, uint64_t value);
void log_end(struct log_entry *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* An entry without fields. */
void log_say(int priority, const char *message_id, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
