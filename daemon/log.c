/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's log; see log.h. main.c, manager.c and notice.c call this, also from
 * the library's threads by its log callback, never between freeze and thaw.
 *
 * Why buffers of fixed size: the log must work when memory is short, which is when
 * a machine that loses memory is likely to be. What does not fit is cut.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Our field names carry their own meaning: no CODE_FILE= of this wrapper. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#define MAX_FIELDS	20
#define ROOM		6144	/* of all fields; a path has up to 4096 */

struct log_entry {
	struct iovec fields[MAX_FIELDS + 1];	/* and the sentence */
	size_t n, used;
	int priority;
	char text[ROOM];
};

static bool to_journal;

enum target { TARGET_AUTO, TARGET_JOURNAL, TARGET_CONSOLE, TARGET_NULL, TARGET_N };

static const char *const targets[TARGET_N] = { "auto", "journal", "console", "null" };
static atomic_int target = TARGET_AUTO, max_level = LOG_DEBUG;

void log_set_level(int level)
{
	atomic_store(&max_level, level);
}

int log_level(void)
{
	return atomic_load(&max_level);
}

int log_set_target(const char *name)
{
	for (int i = 0; i < TARGET_N; i++)
		if (strcmp(targets[i], name) == 0) {
			atomic_store(&target, i);
			return 0;
		}
	return -EINVAL;
}

const char *log_target_name(void)
{
	return targets[atomic_load(&target)];
}

/*
 * systemd says in JOURNAL_STREAM which device and inode the stream has that it
 * connected; if stderr was sent elsewhere since, it is not the journal.
 */
void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	to_journal = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
		     fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* What reorders or hides its neighbours, or is as good as blank, lies to the reader:
 * the same that pmemfailctl shows as escapes. */
static bool deceives(uint32_t c)
{
	static const struct { uint32_t first, last; } bad[] = {
		{ 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c }, { 0x115f, 0x1160 },
		{ 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
		{ 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (c >= bad[i].first && c <= bad[i].last)
			return true;
	return false;
}

/* Length of the well-formed UTF-8 character at s that is no control; 0: none. */
static size_t printable(const unsigned char *s)
{
	uint32_t c;
	size_t n;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f && s[0] != '\\';
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	c = s[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	/* overlong, surrogate, C1 control, too large */
	if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c <= 0xdfff) || c < 0xa0)
		return 0;
	return deceives(c) ? 0 : n;
}

/* Append s escaped, as much as fits, never a part of an escape or character. */
static void append(char *to, size_t room, size_t *used, const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p;) {
		size_t n = printable(p);

		if (*used + 5 > room)
			break;
		if (n > 0) {
			memcpy(to + *used, p, n);
			*used += n;
			p += n;
		} else {
			*used += (size_t)snprintf(to + *used, room - *used, "\\x%02x", *p);
			p++;
		}
	}
}

void log_field(struct log_entry *e, const char *name, const char *value)
{
	size_t begin = e->used;

	if (!value || e->n == MAX_FIELDS || begin + strlen(name) + 8 > sizeof(e->text))
		return;
	e->used += (size_t)snprintf(e->text + begin, sizeof(e->text) - begin, "%s=", name);
	append(e->text, sizeof(e->text), &e->used, value);
	e->fields[e->n++] = (struct iovec){ e->text + begin, e->used - begin };
}

void log_number(struct log_entry *e, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	log_field(e, name, text);
}

struct log_entry *log_begin(int priority, const char *message_id)
{
	static _Thread_local struct log_entry entry;

	entry.n = entry.used = 0;
	entry.priority = priority;
	log_number(&entry, "PRIORITY", (uint64_t)priority);
	log_field(&entry, "MESSAGE_ID", message_id);
	log_field(&entry, "SYSLOG_IDENTIFIER", "pmemfaild");
	return &entry;
}

__attribute__((format(printf, 2, 0)))
static void end(struct log_entry *e, const char *fmt, va_list ap)
{
	static const char key[] = "MESSAGE=";
	char text[1024], message[2048];
	size_t used = sizeof(key) - 1;
	int to = atomic_load(&target);

	if (e->priority > atomic_load(&max_level) || to == TARGET_NULL)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	memcpy(message, key, used);
	append(message, sizeof(message), &used, text);
	e->fields[e->n++] = (struct iovec){ message, used };
	if ((to == TARGET_JOURNAL || (to == TARGET_AUTO && to_journal)) &&
	    sd_journal_sendv(e->fields, (int)e->n) >= 0)
		return;
	if (to == TARGET_JOURNAL)
		return;
	dprintf(STDERR_FILENO, "<%d>%.*s\n", e->priority, (int)(used - (sizeof(key) - 1)),
		message + sizeof(key) - 1);
}

void log_end(struct log_entry *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end(e, fmt, ap);
	va_end(ap);
}

void log_say(int priority, const char *message_id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end(log_begin(priority, message_id), fmt, ap);
	va_end(ap);
}
