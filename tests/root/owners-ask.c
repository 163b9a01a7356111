/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks one thing of lib/sys about a filesystem and prints the answer as lines, for
 * owners.sh and inodes.sh to compare with what the tools of the filesystem say.
 *
 *   owners-ask owners|known|journal DIR ROLE START END
 *   owners-ask extents FILE ROLE START END
 *   owners-ask open DIR FSTYPE INO [GENERATION]	and its path and what it can do
 *   owners-ask openfiles DIR			of DIR's filesystem
 *   owners-ask walk DIR FSTYPE [STOP]		STOP: the callback stops there
 *
 * FREEZE=DIR: freezes that filesystem around the question. MAX=N: room for N.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>

#include "sys/sys-internal.h"

static unsigned int allocations;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
	allocations++;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	allocations++;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	allocations++;
	return __real_realloc(p, n);
}

static struct pmf_extent extents[65536];

static void print_extents(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pmf_extent *e = &extents[i];

		printf("%s ino=%llu %llu-%llu offset=%llu%s\n",
		       pmf_target_kind_to_string(e->kind), (unsigned long long)e->ino,
		       (unsigned long long)e->at.start, (unsigned long long)e->at.end,
		       (unsigned long long)e->offset, e->shared ? " shared" : "");
	}
}

static int ask_extents(const char *what, int fd, char **arg)
{
	struct pmf_range at = { strtoull(arg[1], NULL, 0), strtoull(arg[2], NULL, 0) };
	size_t n = 0, max = getenv("MAX") ? strtoul(getenv("MAX"), NULL, 0) :
					    ARRAY_SIZE(extents);
	enum pmf_site_role role;
	const char *dir = getenv("FREEZE");
	int r, frozen = -1;

	if (pmf_site_role_from_string(arg[0], &role) < 0)
		return -EINVAL;
	if (dir) {
		frozen = open(dir, O_RDONLY | O_DIRECTORY);
		if (frozen < 0 || ioctl(frozen, FIFREEZE, 0) < 0)
			return -EBUSY;
	}
	allocations = 0;
	if (streq(what, "owners"))
		r = pmf_sys_owners(NULL, fd, role, at, extents, max, &n);
	else if (streq(what, "known"))
		r = pmf_sys_known_space(NULL, fd, role, at, extents, max, &n);
	else if (streq(what, "journal"))
		r = pmf_sys_journal(NULL, fd, role, at, extents, max, &n);
	else
		r = pmf_sys_file_extents(NULL, fd, role, at, extents, max, &n);
	if (frozen >= 0 && ioctl(frozen, FITHAW, 0) < 0)
		return -EIO;
	if (allocations > 0)
		printf("allocations %u\n", allocations);
	if (r == 0)
		print_extents(n);
	return r;
}

static int ask_inode(int fd, const char *fstype, const char *ino, const char *generation)
{
	struct pmf_file_id id = {
		.ino = strtoull(ino, NULL, 0),
		.generation = generation ? strtoul(generation, NULL, 0) : 0,
		.known = generation,
	};
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int file = -1;
	struct pmf_inode inode;
	int r;

	r = pmf_sys_open_inode(NULL, fd, fstype, &id, &inode, &file);
	if (r < 0)
		return r;
	printf("%s %u %s", pmf_target_kind_to_string(inode.kind), inode.generation,
	       fcntl(file, F_GETFL) & O_PATH ? "handle" : "open");
	r = pmf_sys_inode_path(NULL, fd, file, &path);
	printf(" %s\n", r < 0 ? strerrorname_np(-r) : path);
	return 0;
}

static int ask_open_files(int fd)
{
	_cleanup_free_ struct pmf_file_id *v = NULL;
	struct stat st;
	size_t n = 0;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = pmf_sys_open_files(NULL, st.st_dev, &v, &n);
	for (size_t i = 0; i < n; i++)
		printf("%llu\n", (unsigned long long)v[i].ino);
	return r;
}

struct walk { unsigned long n, stop; uint64_t done, total; };

static int take_file(const struct pmf_file_id *id, void *userdata)
{
	struct walk *w = userdata;

	printf("%llu %u\n", (unsigned long long)id->ino, id->generation);
	return ++w->n == w->stop ? 42 : 0;
}

static int take_progress(uint64_t done, uint64_t total, void *userdata)
{
	struct walk *w = userdata;

	if (done < w->done || done > total)
		printf("progress goes from %llu to %llu of %llu\n",
		       (unsigned long long)w->done, (unsigned long long)done,
		       (unsigned long long)total);
	w->done = done;
	w->total = total;
	return 0;
}

static int ask_walk(int fd, const char *fstype, const char *stop)
{
	struct walk w = { .stop = stop ? strtoul(stop, NULL, 0) : 0 };
	int r;

	r = pmf_sys_walk_files(NULL, fd, fstype, take_file, &w, take_progress, &w);
	if (r > 0)
		printf("stopped %d\n", r);
	else if (r == 0)
		printf("progress %llu of %llu\n", (unsigned long long)w.done,
		       (unsigned long long)w.total);
	return MIN(r, 0);
}

int main(int argc, char **argv)
{
	int r = -EINVAL, fd;

	if (argc < 3)
		return 2;
	alarm(60);
	fd = open(argv[2], O_RDONLY);
	if (fd < 0) {
		perror(argv[2]);
		return 2;
	}
	if (argc == 6 && !streq(argv[1], "open"))
		r = ask_extents(argv[1], fd, argv + 3);
	else if (argc >= 5 && streq(argv[1], "open"))
		r = ask_inode(fd, argv[3], argv[4], argv[5]);
	else if (streq(argv[1], "openfiles"))
		r = ask_open_files(fd);
	else if (argc >= 4 && streq(argv[1], "walk"))
		r = ask_walk(fd, argv[3], argv[4]);
	if (r < 0)
		printf("error %s\n", strerrorname_np(-r));
	return 0;
}
