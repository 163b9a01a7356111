/* SPDX-License-Identifier: GPL-2.0-only */
/* Filesystems of which only the log stands on a device of ours. */
#include <sys/mount.h>
#include <sys/stat.h>

#include "../unit/test.h"
#include "read-tools.h"
#include "sys/topology-read.h"

#define RUN(...) (snprintf(command, sizeof(command), __VA_ARGS__) > 0 && system(command) == 0)

/* The one mount of a topology whose only block is devno, or NULL. */
static struct pmf_mount *only_mount_over(dev_t block, struct pmf_build *b)
{
	*b = (struct pmf_build){ .t = calloc(1, sizeof(*b->t)) };
	if (pmf_add_block(b, PMF_BLOCK_DISK, block, "x", "/dev/x", "disk", NULL) < 0 ||
	    pmf_read_mounts(b) < 0 || b->t->n_mounts != 1)
		return NULL;
	return b->t->mounts;
}

static bool sees(dev_t block, const char *path, dev_t log)
{
	struct pmf_mount *m;
	struct pmf_build b;
	bool good;

	m = only_mount_over(block, &b);
	good = m && streq(m->target, path) && m->log_devno == log && !m->rt_devno;
	pmf_topology_free(b.t);
	return good;
}

static void log_device(const char *dir, const char *alias, const char *data,
		       const char *log)
{
	struct stat data_st, log_st;
	char command[1024];
	struct pmf_build b;

	CHECK(stat(data, &data_st) == 0 && stat(log, &log_st) == 0);
	CHECK(RUN("mkfs.xfs -q -f -l logdev=%s,size=70m %s", log, data));
	/* by a link in /dev, as those of device-mapper are */
	CHECK(symlink(strrchr(log, '/') + 1, alias) == 0);
	CHECK(RUN("mount -t xfs -o logdev=%s %s %s", alias, data, dir));
	CHECK(sees(log_st.st_rdev, dir, log_st.st_rdev));
	CHECK(sees(data_st.st_rdev, dir, 0));	/* its log is none of that machine's */
	CHECK(unlink(alias) == 0);
	CHECK(!only_mount_over(log_st.st_rdev, &b));
	pmf_topology_free(b.t);
	/* the same name, but it leads out of /dev */
	CHECK(RUN("ln -s %s %s/../link && ln -s %s/../link %s", log, dir, dir, alias));
	CHECK(!only_mount_over(log_st.st_rdev, &b));
	pmf_topology_free(b.t);
}

TEST(log_device)
{
	static const char alias[] = "/dev/pmemfail-test-log";
	char command[1024], data[64] = "", log[64] = "";
	FILE *loops;

	if (!streq(fstype, "xfs"))
		return;		/* only XFS has its log named */
	fresh();
	CHECK(RUN("truncate -s 310M %1$s && truncate -s 80M %1$s.log", at("data")));
	CHECK(RUN("for f in %1$s %1$s.log; do losetup -f --show $f; done >%1$s.loops",
		  at("data")));
	loops = fopen(at("data.loops"), "r");
	CHECK(loops && fscanf(loops, "%63s %63s", data, log) == 2);
	fclose(loops);
	log_device(at("n"), alias, data, log);
	(void)unlink(alias);
	(void)umount(at("n"));
	CHECK(RUN("losetup -d %s %s; rm %s*", data, log, at("data")));
}
