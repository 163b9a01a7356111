// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record on a real disk: a corrupt file, a later version, a full disk, a
 * read-only one or a writer that died in a commit lose nothing.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store-tools.h"
#include "test.h"

static size_t count_kept(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	size_t n = 0;

	while (d && (e = readdir(d)))
		n += strncmp(e->d_name, "failures.db.corrupt-", 20) == 0;
	if (d)
		closedir(d);
	return n;
}

/* After the file was spoilt: read-only says so, writable begins anew beside it. */
static const char *begins_anew(const char *dir, int read_only_error)
{
	_cleanup_failure_ f = sample_failure();
	_cleanup_free_ char *kept = NULL;
	_cleanup_store_ s = NULL;
	uint64_t id;
	struct stat st;

	if (pmf_store_open(dir, false, &s, &kept) != read_only_error || s || kept)
		return "read-only open";
	if (count_kept(dir) != 0)
		return "read-only open moved it";
	if (pmf_store_open(dir, true, &s, &kept) != 0)
		return "open";
	if (!kept || stat(kept, &st) < 0 || count_kept(dir) != 1)
		return "not kept";
	if (pmf_store_put(s, f) != 0 || f->id < 1000000000)
		return "put, or an id that may repeat";
	s = pmf_store_close(s);
	id = f->id;
	free(TAKE_PTR(kept));
	f->id = 0;
	if (pmf_store_open(dir, true, &s, &kept) != 0 || kept || pmf_store_put(s, f) != 0 ||
	    f->id != id + 1)
		return "reopen";
	return NULL;
}

static bool make(const char *dir)
{
	_cleanup_failure_ f = sample_failure();
	_cleanup_store_ s = NULL;
	unsigned int i;

	if (pmf_store_open(dir, true, &s, NULL) < 0)
		return false;
	for (i = 0; i < 20; i++) {
		f->id = 0;
		if (pmf_store_put(s, f) < 0)
			return false;
	}
	return true;
}

static bool scribble(const char *dir, off_t at, size_t n)
{
	_cleanup_free_ char *path = file_in(dir), *noise = malloc(n);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	memset(noise, 0x5a, n);
	return fd >= 0 && pwrite(fd, noise, n, at) == (ssize_t)n;
}

TEST(no_database_at_all)
{
	const char *dir = test_dir();

	CHECK(make(dir) && scribble(dir, 0, 200));
	CHECK_STR(begins_anew(dir, -EBADMSG), NULL);
}

TEST(a_damaged_page)
{
	_cleanup_free_ char *kept = NULL;
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();

	CHECK(make(dir) && scribble(dir, 2 * 4096, 3 * 4096));
	CHECK_EQ(pmf_store_open(dir, true, &s, &kept), 0);
	CHECK(kept && count_kept(dir) == 1);
}

TEST(a_later_version)
{
	const char *dir = test_dir();

	CHECK(make(dir) && sql(dir, "PRAGMA user_version = 3"));
	CHECK_STR(begins_anew(dir, -EPROTONOSUPPORT), NULL);
}

TEST(somebody_elses_database)
{
	const char *dir = test_dir();

	CHECK(sql(dir, "CREATE TABLE t (x); PRAGMA user_version = 1"));
	CHECK_STR(begins_anew(dir, -EBADMSG), NULL);
}

TEST(tables_missing)
{
	const char *dir = test_dir();

	CHECK(make(dir) && sql(dir, "DROP TABLE failure_case"));
	CHECK_STR(begins_anew(dir, -EBADMSG), NULL);
}

TEST(not_there)
{
	_cleanup_free_ char *sub = NULL;
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();

	CHECK_EQ(pmf_store_open(dir, false, &s, NULL), -ENOENT);
	CHECK_EQ(pmf_format(&sub, "%s/none", dir), 0);
	CHECK_EQ(pmf_store_open(sub, false, &s, NULL), -ENOENT);
	CHECK_EQ(pmf_store_open(sub, true, &s, NULL), 0);	/* makes it */
}

TEST(a_planted_symlink_is_not_followed)
{
	_cleanup_free_ char *path = NULL, *there = NULL;
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();
	struct stat st;

	path = file_in(dir);
	CHECK_EQ(pmf_format(&there, "%s/elsewhere", dir), 0);
	CHECK_EQ(symlink(there, path), 0);
	CHECK(pmf_store_open(dir, true, &s, NULL) < 0);
	CHECK(!s && stat(there, &st) < 0);
}

TEST(an_interrupted_creation)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();
	int fd;

	path = file_in(dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	safe_close(fd);
	CHECK_EQ(pmf_store_open(dir, false, &s, NULL), -ENOENT);
	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	CHECK_EQ(count_kept(dir), 0);
}

/* A child begins a transaction that reaches the disk, and dies without a word. */
static bool die_in_a_commit(const char *dir)
{
	_cleanup_free_ char *path = file_in(dir);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		sqlite3 *db;

		if (sqlite3_open(path, &db) != SQLITE_OK ||
		    sqlite3_exec(db, "PRAGMA cache_size = 1; BEGIN IMMEDIATE;"
				 "UPDATE failure SET doc = 'lost', state = 'lost';"
				 "UPDATE failure_case SET doc = hex(zeroblob(3000))",
				 NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

TEST(a_writer_that_died_is_rolled_back)
{
	_cleanup_free_ char *journal = NULL;
	_cleanup_failure_ back = NULL;
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();
	struct stat st;

	CHECK_EQ(pmf_format(&journal, "%s/failures.db-journal", dir), 0);
	CHECK(make(dir) && die_in_a_commit(dir));
	CHECK(stat(journal, &st) == 0 && st.st_size > 0);
	CHECK_EQ(pmf_store_open(dir, false, &s, NULL), 0);	/* a reader, even */
	CHECK_EQ(pmf_store_get(s, 1, &back), 0);
	s = pmf_store_close(s);
	CHECK(die_in_a_commit(dir));
	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
	back = pmf_failure_free(back);
	CHECK_EQ(pmf_store_get(s, 1, &back), 0);
	CHECK_EQ(count_kept(dir), 0);
}

/* Write so many bytes, or until it is full. */
static bool fill(const char *path, size_t n)
{
	_cleanup_close_ int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	static const char block[4096];

	for (; fd >= 0 && n > 0; n -= sizeof(block))
		if (write(fd, block, sizeof(block)) != sizeof(block))
			break;
	return fd >= 0;
}

TEST(the_journal_of_a_corrupt_file_goes_with_it)
{
	_cleanup_free_ char *journal = NULL, *moved = NULL, *kept = NULL;
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();
	struct stat st;

	CHECK_EQ(pmf_format(&journal, "%s/failures.db-journal", dir), 0);
	/* Too short to be played back: SQLite would leave it lying there. */
	CHECK(make(dir) && scribble(dir, 0, 200) && fill(journal, 4096));
	CHECK_EQ(pmf_store_open(dir, true, &s, &kept), 0);
	CHECK(kept);
	CHECK_EQ(pmf_format(&moved, "%s-journal", kept), 0);
	CHECK(stat(moved, &st) == 0 && st.st_size == 4096);
	CHECK(stat(journal, &st) < 0 && errno == ENOENT);
}

/* A small filesystem of our own, if we may. */
static bool own_tmpfs(const char *dir, const char *options)
{
	static bool unshared;

	if (!unshared) {
		if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			return false;
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			return false;
		unshared = true;
	}
	return mount("tmpfs", dir, "tmpfs", 0, options) == 0;
}

TEST(a_full_disk)
{
	_cleanup_failure_ f = sample_failure();
	_cleanup_failure_ back = NULL;
	_cleanup_free_ char *filler = NULL;
	const char *dir = test_dir();
	uint64_t last;
	int r;

	if (!own_tmpfs(dir, "size=192k"))
		SKIP("may not mount a tmpfs: %s", strerror(errno));
	CHECK_EQ(pmf_format(&filler, "%s/filler", dir), 0);
	CHECK(fill(filler, 64 * 1024));
	{
		_cleanup_store_ s = NULL;

		CHECK_EQ(pmf_store_open(dir, true, &s, NULL), 0);
		do {
			last = f->id;
			f->id = 0;
			r = pmf_store_put(s, f);
		} while (r == 0 && last < 10000);
		CHECK_EQ(r, -ENOSPC);
		CHECK_EQ(f->id, 0);	/* not recorded, and it says so */
		CHECK(last > 0);
		CHECK_EQ(pmf_store_get(s, last + 1, &back), -ENOENT);
		CHECK_EQ(pmf_store_get(s, last, &back), 0);
		CHECK_EQ(unlink(filler), 0);
		CHECK_EQ(pmf_store_put(s, f), 0);	/* goes on once there is room */
	}
	CHECK_EQ(umount(dir), 0);
}

TEST(no_room_even_to_begin)
{
	_cleanup_free_ char *filler = NULL;
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();

	if (!own_tmpfs(dir, "size=16k"))
		SKIP("may not mount a tmpfs: %s", strerror(errno));
	CHECK_EQ(pmf_format(&filler, "%s/filler", dir), 0);
	CHECK(fill(filler, 64 * 1024));
	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), -ENOSPC);
	CHECK_EQ(umount(dir), 0);
}

TEST(a_read_only_disk)
{
	_cleanup_failure_ back = NULL;
	_cleanup_store_ s = NULL;
	const char *dir = test_dir();

	if (!own_tmpfs(dir, "size=4m"))
		SKIP("may not mount a tmpfs: %s", strerror(errno));
	CHECK(make(dir));
	CHECK_EQ(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_EQ(pmf_store_open(dir, true, &s, NULL), -EROFS);
	CHECK_EQ(pmf_store_open(dir, false, &s, NULL), 0);
	CHECK_EQ(pmf_store_get(s, 1, &back), 0);
	s = pmf_store_close(s);
	CHECK_EQ(umount(dir), 0);
}
