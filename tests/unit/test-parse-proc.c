/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of /proc, honest ones and those that a hostile process would like. */
#include <sys/sysmacros.h>

#include "sys/parse.h"
#include "test.h"

static int maps(const char *line, struct pmf_maps_line *ret)
{
	return pmf_parse_maps_line(line, strlen(line), ret);
}

TEST(maps_line)
{
	struct pmf_maps_line l;

	CHECK_EQ(maps("7f0000200000-7f0000400000 rw-s 00200000 103:00 131"
		      "                        /mnt/a file (deleted)", &l), 0);
	CHECK_EQ(l.start, 0x7f0000200000);
	CHECK_EQ(l.end, 0x7f0000400000);
	CHECK_EQ(l.offset, 0x200000);
	CHECK(l.devno == makedev(259, 0));
	CHECK_EQ(l.ino, 131);
	CHECK_EQ(l.path_len, strlen("/mnt/a file (deleted)"));
	CHECK(memcmp(l.path, "/mnt/a file (deleted)", l.path_len) == 0);
}

TEST(maps_line_without_path)
{
	struct pmf_maps_line l;

	CHECK_EQ(maps("00400000-00401000 r-xp 00000000 fd:12345 18446744073709551615 ",
		      &l), 0);
	CHECK(l.path == NULL);
	CHECK(l.devno == makedev(0xfd, 0x12345));
	CHECK_EQ(l.ino, -1);
	CHECK_EQ(maps("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0", &l), 0);
}

TEST(maps_line_cut_anywhere)
{
	static const char line[] =
		"7f0000200000-7f0000400000 rw-s 00200000 103:00 131      /mnt/file";
	size_t whole = strstr(line, "131") + 1 - line, n;
	struct pmf_maps_line l;

	for (n = 0; n < strlen(line); n++) {
		/* exact size, so that a sanitizer sees a byte read too many */
		char *copy = malloc(n ?: 1);
		int err;

		memcpy(copy, line, n);
		err = pmf_parse_maps_line(copy, n, &l);
		free(copy);
		CHECK_EQ(err, n < whole ? -EINVAL : 0);
	}
}

TEST(maps_nonsense)
{
	static const char *const bad[] = {
		"", "-", "zz-00 r", "2-1 rw-p 0 0:0 0", "1-2 rw-p 0 0:0 x",
		"1-2 rw-p 0 1000:0 0", "1-2 rw-p 0 0:100000 0", "1-2 rw-p 0 00 0",
		"11111111111111111-2 rw-p 0 0:0 0", "1-2 rw-p 0 0:0 99999999999999999999",
		"1-2 rw-p 0 0:0 5x",
	};
	struct pmf_maps_line l;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		test_say("%s", bad[i]);
		CHECK_EQ(maps(bad[i], &l), -EINVAL);
	}
}

#define REST " S 1 2 3 0 -1 2097216 5 6 7 8 9 10 11 12 13 14 15 0 4711 16 17"

TEST(stat)
{
	struct pmf_proc_stat st;

	CHECK_EQ(pmf_parse_proc_stat("12 (cat)" REST "\n", &st), 0);
	CHECK_STR(st.comm, "cat");
	CHECK_EQ(st.state, 'S');
	CHECK(st.flags & PMF_PF_KTHREAD);
	CHECK_EQ(st.start_ticks, 4711);
}

TEST(stat_hostile_name)
{
	struct pmf_proc_stat st;

	CHECK_EQ(pmf_parse_proc_stat("12 () S 1 2\n) (x)" REST, &st), 0);
	CHECK_STR(st.comm, ") S 1 2\n) (x");
	CHECK_EQ(st.start_ticks, 4711);
	/* a kernel thread may have a longer one */
	CHECK_EQ(pmf_parse_proc_stat("12 (kworker/u8:2-events_unbound)" REST, &st), 0);
	CHECK_STR(st.comm, "kworker/u8:2-ev");
}

TEST(stat_nonsense)
{
	static const char *const bad[] = {
		"", "12", "12 (cat", "12 cat)", ")(", "12 (cat)", "12 (cat) S",
		"12 (cat) S 1 2 3 0 -1 x 5 6 7 8 9 10 11 12 13 14 15 0 4711",
		"12 (cat) S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 13 14 15 0 ",
	};
	struct pmf_proc_stat st;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		test_say("%s", bad[i]);
		CHECK_EQ(pmf_parse_proc_stat(bad[i], &st), -EINVAL);
	}
}

TEST(uid)
{
	uint32_t uid = 1;

	CHECK_EQ(pmf_parse_proc_uid("Name:\tUid:\\n\nUid:\t1000\t0\t0\t0\nGid:\t1\n",
				    &uid), 0);
	CHECK_EQ(uid, 1000);
	CHECK_EQ(pmf_parse_proc_uid("Name:\tx\nUid:\t4294967295\t0\n", &uid), 0);
	CHECK_EQ(uid, UINT32_MAX);
	CHECK_EQ(pmf_parse_proc_uid("Name:\tx\n", &uid), -EINVAL);
	CHECK_EQ(pmf_parse_proc_uid("Name:\tx\nUid:\t4294967296\n", &uid), -EINVAL);
	CHECK_EQ(pmf_parse_proc_uid("Name:\tx\nUid:\t\n", &uid), -EINVAL);
}

TEST(cgroup)
{
	static const struct { const char *text, *unit; } good[] = {
		{ "0::/system.slice/cron.service\n", "cron.service" },
		{ "0::/system.slice/system-getty.slice/getty@tty1.service\n",
		  "getty@tty1.service" },
		{ "0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/x/a.service\n",
		  "user@1000.service/a.service" },
		{ "0::/system.slice/docker-12.scope/init.scope/x.service/y\n",
		  "docker-12.scope/x.service" },
		{ "0::/system.slice/cron.service/sub (deleted)\n", "cron.service" },
		{ "0::/system.slice/cron.service (deleted)\n", "cron.service" },
		{ "0::/work/group\n", "/work/group" },
		{ "0::/x/.service/y\n", "/x/.service/y" },	/* no name: no unit */
		{ "5:cpu:/a.service\n1:name=systemd:/x.slice/b.service\n0::/c.service",
		  "b.service" },
		{ "5:cpu:/a.service\n0::/init.scope", "init.scope" },
	};
	char buf[256];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CHECK_EQ(pmf_parse_cgroup(good[i].text, buf, sizeof(buf)), 0);
		CHECK_STR(buf, good[i].unit);
	}
	CHECK_EQ(pmf_parse_cgroup("", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(pmf_parse_cgroup("0::/\n", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(pmf_parse_cgroup("0::", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(pmf_parse_cgroup("5:cpu:/a.service\n", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(pmf_parse_cgroup("0::/system.slice/cron.service\n", buf, 12),
		 -ENAMETOOLONG);
	CHECK_EQ(pmf_parse_cgroup("0::/system.slice/cron.service\n", buf, 13), 0);
}

TEST(fdinfo)
{
	uint64_t ino = 0;
	int mount = 0;

	CHECK_EQ(pmf_parse_fdinfo("pos:\t0\nflags:\t02\nmnt_id:\t29\nino:\t18446744073709551615\n"
				  "mnt_id:\t1\nino:\t2\n", &mount, &ino), 0);
	CHECK_EQ(mount, 29);
	CHECK(ino == UINT64_MAX);
	CHECK_EQ(pmf_parse_fdinfo("pos:\t0\nino:\t1\n", &mount, &ino), -EBADMSG);
	CHECK_EQ(pmf_parse_fdinfo("pos:\t0\nmnt_id:\t1\n", &mount, &ino), -EBADMSG);
	CHECK_EQ(pmf_parse_fdinfo("\nmnt_id:\t2147483648\nino:\t1\n", &mount, &ino), -EBADMSG);
	CHECK_EQ(pmf_parse_fdinfo("\nmnt_id:\n\nino:\tx\n", &mount, &ino), -EBADMSG);
	CHECK_EQ(pmf_parse_fdinfo("", &mount, &ino), -EBADMSG);
	CHECK_EQ(mount, 29);
}

TEST(swaps)
{
	const char *pos = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
		"/dev/pmem0p2                            partition\t1048572\t\t0\t\t-2\n"
		"/mnt/a\\040b\\011c\\134d                   file\t\t4\t0\t-3\n"
		"/dev/dm-0\\040(deleted) partition\t8\t0\t-4";
	char path[64];
	bool block = false;

	CHECK_EQ(pmf_parse_swaps(&pos, path, sizeof(path), &block), 1);
	CHECK_STR(path, "/dev/pmem0p2");
	CHECK(block);
	CHECK_EQ(pmf_parse_swaps(&pos, path, sizeof(path), &block), 1);
	CHECK_STR(path, "/mnt/a b\tc\\d");
	CHECK(!block);
	CHECK_EQ(pmf_parse_swaps(&pos, path, sizeof(path), &block), 1);
	CHECK_STR(path, "/dev/dm-0 (deleted)");
	CHECK(block);
	CHECK_EQ(pmf_parse_swaps(&pos, path, sizeof(path), &block), 0);
	CHECK_EQ(pmf_parse_swaps(&pos, path, sizeof(path), &block), 0);
}

TEST(swaps_too_long)
{
	const char *pos = "/very/long/path partition 1 2 3\n/dev/x\tpartition 1 2 3\n";
	char path[8];
	bool block;

	CHECK_EQ(pmf_parse_swaps(&pos, path, sizeof(path), &block), 1);
	CHECK_STR(path, "/dev/x");
	pos = "/dev/\\0";
	CHECK_EQ(pmf_parse_swaps(&pos, path, sizeof(path), &block), 1);
	CHECK_STR(path, "/dev/\\0");
	CHECK(!block);
}

TEST(mount_option)
{
	static const char options[] =
		"rw,logdevice=/x,log,logdev,logdev=,alogdev=/y,logdev=/dev/a b=c,rtdev=/dev/r";
	char buf[16];

	CHECK_EQ(pmf_parse_mount_option(options, "logdev", buf, sizeof(buf)), 0);
	CHECK_STR(buf, "/dev/a b=c");
	CHECK_EQ(pmf_parse_mount_option(options, "rtdev", buf, sizeof(buf)), 0);
	CHECK_STR(buf, "/dev/r");
	CHECK_EQ(pmf_parse_mount_option(options, "logdev", buf, 10), -ENAMETOOLONG);
	CHECK_EQ(pmf_parse_mount_option(options, "logdev", buf, 11), 0);
	CHECK_EQ(pmf_parse_mount_option(options, "dev", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(pmf_parse_mount_option("rtdev=", "rtdev", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(pmf_parse_mount_option("", "rtdev", buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(pmf_parse_mount_option(",,rtdev=x", "rtdev", buf, sizeof(buf)), 0);
	CHECK_STR(buf, "x");
}
