// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory of hooks with whatever names and modes files in it have, one a line. None
 * is passed over but what is no hook, all come sorted, and what may not run says why.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "sys/sys-internal.h"

#define MOST	6

struct made {
	char *name;
	mode_t mode;
	bool link;
};

/* As pmemfail.conf(5) has it. */
static bool is_no_hook(const char *s)
{
	return *s == '.' || s[strlen(s) - 1] == '~' || strstr(s, ".dpkg-") || streq(s, "README");
}

static bool may_run(const struct made *m)
{
	return !m->link && (m->mode & S_IXUSR) && !(m->mode & (S_IWGRP | S_IWOTH)) &&
	       geteuid() == 0;
}

static size_t make(int dir, struct fuzz *f, struct made *made)
{
	size_t n = 0;

	while (f->n > 0 && n < MOST) {
		struct made m = { .mode = 0400 | (fuzz_u8(f) & 0377) };
		int fd;

		m.link = fuzz_u8(f) == 1;
		m.name = fuzz_line(f);
		/* Nothing is made anywhere else. */
		fd = strchr(m.name, '/') ? -1 : m.link ? symlinkat("/bin/true", dir, m.name) :
			openat(dir, m.name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
		if (fd < 0) {
			free(m.name);	/* no name of a file, or one twice */
			continue;
		}
		if (!m.link) {
			CHECK(fchmod(fd, m.mode) == 0);
			close(fd);
		}
		made[n++] = m;
	}
	return n;
}

static const struct made *find(const struct made *made, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(made[i].name, name))
			return &made[i];
	return NULL;
}

static void check(const char *path, const struct made *made, size_t n)
{
	struct pmf_hook_result *v = NULL;
	size_t n_hooks = 0, want = 0;

	for (size_t i = 0; i < n; i++)
		want += !is_no_hook(made[i].name);
	CHECK(pmf_sys_list_hooks(NULL, path, &v, &n_hooks) == 0);
	if (geteuid() == 0)
		CHECK(n_hooks == want);
	for (size_t i = 0; geteuid() == 0 && i < n_hooks; i++) {
		const struct made *m = find(made, n, v[i].name);

		CHECK(m && !is_no_hook(v[i].name));
		CHECK(i == 0 || strcmp(v[i - 1].name, v[i].name) < 0);
		CHECK(may_run(m) ? v[i].status == 0 && !v[i].why : v[i].status < 0 && v[i].why);
	}
	pmf_hooks_done(v, n_hooks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	struct made made[MOST];
	char path[128];
	size_t n;
	int dir;

	snprintf(path, sizeof(path), "%s/hooks", fuzz_dir());
	CHECK(mkdir(path, 0755) == 0 || errno == EEXIST);
	dir = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	CHECK(dir >= 0);
	n = make(dir, &f, made);
	check(path, made, n);
	for (size_t i = 0; i < n; i++) {
		(void)unlinkat(dir, made[i].name, 0);
		free(made[i].name);
	}
	close(dir);
	return 0;
}
