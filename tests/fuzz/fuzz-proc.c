// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of /proc. Names of processes, files and cgroups in them are anybody's choice:
 * none may pass for something else, and what is cut out must lie in the text.
 */
#include <inttypes.h>
#include <sys/sysmacros.h>

#include "fuzz.h"
#include "sys/parse.h"

static void maps(const char *line, size_t n)
{
	struct pmf_maps_line l, again;
	char text[256];
	int m;

	if (pmf_parse_maps_line(line, n, &l) < 0)
		return;
	CHECK(l.start <= l.end);
	CHECK(!l.path || (l.path > line && l.path_len > 0 && l.path + l.path_len == line + n));
	/* as the kernel writes it, the same comes back */
	m = snprintf(text, sizeof(text), "%08" PRIx64 "-%08" PRIx64 " rw-s %08" PRIx64
		     " %02x:%02x %" PRIu64 "      /x", l.start, l.end, l.offset,
		     major(l.devno), minor(l.devno), l.ino);
	CHECK(pmf_parse_maps_line(text, (size_t)m, &again) == 0);
	CHECK(again.start == l.start && again.end == l.end && again.offset == l.offset &&
	      again.devno == l.devno && again.ino == l.ino && again.path_len == 2);
}

/* A process calls itself what it likes: what follows its name must come out all the same. */
static void stat_of(const char *name)
{
	struct pmf_proc_stat st;
	char text[512];
	bool cut;

	(void)pmf_parse_proc_stat(name, &st);
	cut = snprintf(text, sizeof(text), "77 (%.300s) S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20"
		       " 0 1 0 98765 0\n", name) >= (int)sizeof(text);
	CHECK(!cut && pmf_parse_proc_stat(text, &st) == 0);
	CHECK(st.state == 'S' && st.flags == 4194560 && st.start_ticks == 98765);
	CHECK(strncmp(st.comm, name, sizeof(st.comm) - 1) == 0);
}

static void uid(const char *text)
{
	uint32_t v;
	char own[64];

	if (pmf_parse_proc_uid(text, &v) < 0)
		return;
	snprintf(own, sizeof(own), "\nUid:\t%" PRIu32, v);
	/* leading zeros apart */
	CHECK(strstr(text, own) || strstr(text, "\nUid:\t0"));
}

static void cgroup(const char *text, size_t size)
{
	_cleanup_free_ char *buf = malloc(size);

	CHECK(buf);
	if (pmf_parse_cgroup(text, buf, size) < 0)
		return;
	CHECK(strlen(buf) < size && *buf && !strchr(buf, '\n'));
	CHECK(strchr(buf, '/') || strstr(text, buf));
}

static void swaps(const char *text, size_t size)
{
	_cleanup_free_ char *path = malloc(size);
	const char *pos = text, *before = text;
	bool block;

	CHECK(path);
	for (; pmf_parse_swaps(&pos, path, size, &block) > 0; before = pos) {
		CHECK(pos > before && pos <= text + strlen(text));
		CHECK(*path == '/' && strlen(path) < size);
		CHECK(!block || strstr(text, "partition"));
	}
}

static void option(const char *options, size_t size)
{
	_cleanup_free_ char *buf = malloc(size), *whole = NULL;
	char key[] = "logdev";

	CHECK(buf);
	if (pmf_parse_mount_option(options, key, buf, size) < 0)
		return;
	CHECK(*buf && strlen(buf) < size && !strchr(buf, ','));
	CHECK(asprintf(&whole, "%s=%s", key, buf) > 0 && strstr(options, whole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	uint8_t which = fuzz_u8(&f);
	size_t room = 2 + fuzz_u8(&f), n;
	_cleanup_free_ char *text = NULL;

	if (which % 6 == 0) {
		text = fuzz_bytes(&f, &n);
		maps(text, n);
		return 0;
	}
	text = fuzz_rest(&f);
	switch (which % 6) {
	case 1: stat_of(text); break;
	case 2: uid(text); break;
	case 3: cgroup(text, room); break;
	case 4: swaps(text, room); break;
	case 5: option(text, room); break;
	}
	return 0;
}
