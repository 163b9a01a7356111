// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/self/mountinfo, whose mount points, sources and options are anybody's choice in
 * a mount namespace of theirs. Only mounts of what was asked for come out, whole.
 */
#include <sys/sysmacros.h>

#include <libmount.h>

#include "fuzz.h"
#include "sys/topology-read.h"

struct libmnt_table *__real_mnt_new_table_from_file(const char *path);
struct libmnt_table *__wrap_mnt_new_table_from_file(const char *path);

struct libmnt_table *__wrap_mnt_new_table_from_file(const char *path)
{
	char ours[128];

	CHECK(streq(path, "/proc/self/mountinfo"));
	snprintf(ours, sizeof(ours), "%s/mountinfo", fuzz_dir());
	return __real_mnt_new_table_from_file(ours);
}

static unsigned int lines_with(const char *text, const char *word)
{
	unsigned int n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

static void check_mount(const struct pmf_mount *m)
{
	const char *o = m->options;

	if (!m->dax)
		return;
	CHECK(o && strstr(o, "dax"));
	CHECK(m->fstype && (streq(m->fstype, "xfs") || strncmp(m->fstype, "ext", 3) == 0));
}

static void of_device(const char *text)
{
	struct pmf_mount *v = NULL;
	size_t n = 0;

	if (pmf_mounts_of(makedev(259, 3), &v, &n) < 0) {
		CHECK(!v);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		CHECK(v[i].devno == makedev(259, 3));
		check_mount(&v[i]);
	}
	CHECK(n <= lines_with(text, "259"));
	pmf_mounts_free(v, n);
}

static void of_topology(void)
{
	_cleanup_(pmf_topology_freep) struct pmf_topology *t = calloc(1, sizeof(*t));
	struct pmf_build b = { .t = t };

	CHECK(t);
	CHECK(pmf_add_block(&b, PMF_BLOCK_DISK, makedev(259, 3), "pmem0", "/dev/pmem0", "disk",
			    NULL) == 0);
	(void)pmf_read_mounts(&b);
	for (size_t i = 0; i < t->n_mounts; i++) {
		const struct pmf_mount *m = &t->mounts[i];

		/* no device of ours has the name that an option could give */
		CHECK(m->log_devno == 0 && m->rt_devno == 0 && m->devno == makedev(259, 3));
		check_mount(m);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	_cleanup_free_ char *text = fuzz_rest(&f);

	fuzz_file("mountinfo", text, size);
	of_device(text);
	of_topology();
	return 0;
}
