// SPDX-License-Identifier: GPL-2.0-only
/*
 * examples/guard.c, run for real: its file is cut while it copies it, when it waits for
 * its output to be read.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/str.h"
#include "test.h"

#define SIZE (1UL << 20)
#define LEFT (SIZE / 2)
#define PAGE 4096UL

static char copy[SIZE + 1];

/* It is built beside this program. */
static void example_path(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *end;

	path[n < 0 ? 0 : n] = '\0';
	end = strrchr(path, '/');
	if (!end || (size_t)(end - path) + sizeof("/example-guard") > size)
		abort();
	strcpy(end, "/example-guard");
}

static pid_t start(const char *file, const char *log, int *ret_out)
{
	char path[4096];
	int out[2];
	pid_t pid;

	example_path(path, sizeof(path));
	if (pipe2(out, O_CLOEXEC) < 0)
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		int err = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (dup2(out[1], 1) == 1 && dup2(err, 2) == 2)
			execl(path, path, file, NULL);
		_exit(127);
	}
	close(out[1]);
	*ret_out = out[0];
	return pid;
}

static size_t read_to_end(int fd, char *buffer, size_t n)
{
	size_t have = 0;
	ssize_t r;

	while (have < n && (r = read(fd, buffer + have, n - have)) > 0)
		have += (size_t)r;
	return have;
}

/* Fills a file of that name with pages that differ. */
static int file_new(const char *name)
{
	static char page[PAGE];
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	for (size_t i = 0; fd >= 0 && i < SIZE / PAGE; i++) {
		memset(page, (int)(i % 255 + 1), PAGE);
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			abort();
	}
	return fd;
}

static bool copied_well(size_t left)
{
	for (size_t i = 0; i < SIZE; i++)
		if (copy[i] != (i < left ? (char)(i / PAGE % 255 + 1) : 0))
			return false;
	return true;
}

static void run(bool cut)
{
	_cleanup_free_ char *file = NULL, *log = NULL;
	static char said[64 << 10];
	_cleanup_close_ int fd = -1, out = -1, err = -1;
	const char *dir = test_dir();
	int status;
	pid_t pid;

	CHECK(!pmf_format(&file, "%s/file", dir) && !pmf_format(&log, "%s/log", dir));
	fd = file_new(file);
	CHECK(fd >= 0);
	pid = start(file, log, &out);
	/* it has mapped the file, and cannot be far: the pipe is full */
	CHECK_EQ(read(out, copy, 1), 1);
	if (cut)
		CHECK(!ftruncate(fd, LEFT));
	CHECK_EQ(read_to_end(out, copy + 1, SIZE), SIZE - 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, cut ? 1 << 8 : 0);
	CHECK(copied_well(cut ? LEFT : SIZE));
	err = open(log, O_RDONLY | O_CLOEXEC);
	memset(said, 0, sizeof(said));
	read_to_end(err, said, sizeof(said) - 1);
	CHECK_EQ(!strstr(said, "lost: 4096 bytes at 524288\n"), !cut);
	CHECK_EQ(!strstr(said, "lost: 4096 bytes at 1044480\n"), !cut);
	CHECK(!strstr(said, "at 520192\n"));
}

TEST(a_whole_file_is_copied)
{
	run(false);
}

TEST(what_is_lost_is_zeroes)
{
	run(true);
}
