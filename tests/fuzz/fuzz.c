// SPDX-License-Identifier: GPL-2.0-only
/* See fuzz.h. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "fuzz.h"
#include "../remove-tree.h"

_Noreturn void fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

void fuzz_take(struct fuzz *f, void *to, size_t n)
{
	size_t have = MIN(n, f->n);

	memset(to, 0, n);
	if (have > 0)
		memcpy(to, f->p, have);
	f->p += have;
	f->n -= have;
}

uint8_t fuzz_u8(struct fuzz *f)
{
	uint8_t v;

	fuzz_take(f, &v, sizeof(v));
	return v;
}

uint32_t fuzz_u32(struct fuzz *f)
{
	uint32_t v;

	fuzz_take(f, &v, sizeof(v));
	return v;
}

uint64_t fuzz_u64(struct fuzz *f)
{
	uint64_t v;

	fuzz_take(f, &v, sizeof(v));
	return v;
}

uint64_t fuzz_edge(struct fuzz *f)
{
	uint8_t how = fuzz_u8(f);

	switch (how >> 6) {
	case 0:
		return (uint64_t)(how & 63) << 9;
	case 1:
		return UINT64_MAX - ((uint64_t)(how & 63) << 9);
	case 2:
		return (1ULL << (how & 63)) + fuzz_u8(f);
	default:
		return fuzz_u64(f);
	}
}

static char *text(struct fuzz *f, size_t n)
{
	char *s = malloc(n + 1);

	CHECK(s);
	fuzz_take(f, s, n);
	for (size_t i = 0; i < n; i++)
		if (s[i] == '\0')
			s[i] = '0';
	s[n] = '\0';
	return s;
}

char *fuzz_line(struct fuzz *f)
{
	const uint8_t *newline = f->n > 0 ? memchr(f->p, '\n', f->n) : NULL;
	char *s = text(f, newline ? (size_t)(newline - f->p) : f->n);

	if (newline)
		(void)fuzz_u8(f);
	return s;
}

char *fuzz_rest(struct fuzz *f)
{
	return text(f, f->n);
}

void *fuzz_bytes(struct fuzz *f, size_t *ret_n)
{
	void *p = malloc(f->n);	/* nothing at all: any byte of it is too many */

	*ret_n = f->n;
	CHECK(p);
	fuzz_take(f, p, f->n);
	return p;
}

void fuzz_check_ranges(const struct pmf_ranges *set, uint64_t end)
{
	for (size_t i = 0; i < set->n; i++) {
		CHECK(set->v[i].start < set->v[i].end && set->v[i].end <= end);
		CHECK(i == 0 || set->v[i - 1].end < set->v[i].start);
	}
}

/* --- files ----------------------------------------------------------------- */

static char dir[64];

static void remove_dir(void)
{
	remove_tree(dir);
}

const char *fuzz_dir(void)
{
	if (!*dir) {
		snprintf(dir, sizeof(dir), "%s/pmemfail-fuzz-XXXXXX",
			 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		CHECK(mkdtemp(dir));
		(void)atexit(remove_dir);
	}
	return dir;
}

void fuzz_file(const char *name, const void *data, size_t n)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fuzz_dir(), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (char *p = path + strlen(fuzz_dir()) + 1; fd < 0 && (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
	if (fd < 0)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && pmf_write_all(fd, data, n) == 0);
	close(fd);
}
