// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The file of pages that failed. See trace-keep.h.
 *
 * It guards against the death of the process only: with the machine's memory go the
 * trace's buffer and the file alike. So nothing is synced, but the order of stores is
 * kept, by which each page is at any moment at least in one place.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sys/sys-internal.h"
#include "sys/trace-keep.h"

#define NAME	"memory-failures"
/* "pmffail", and the version of what is below. */
#define MAGIC	0x016c696166666d70ULL
/* Of an entry that is not empty: the page at address 0 is one like the others. */
#define IN_USE	1ULL

struct head {
	uint64_t magic, page_size, max, zero;
	/* Address | IN_USE, those in use first; behind a moment's death perhaps not. */
	_Atomic uint64_t pages[PMF_TRACE_KEEP_MAX];
};

struct pmf_trace_keep {
	struct head *head;
	size_t size, page_size, n;
};

static size_t head_size(size_t page_size)
{
	return (sizeof(struct head) + page_size - 1) / page_size * page_size;
}

/* Ours, and nobody else's to write. */
static bool is_private(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_nlink == 1 &&
	       !(st->st_mode & (S_IRWXG | S_IRWXO));
}

static int open_old(int dir, size_t size, int *ret_fd)
{
	_cleanup_close_ int fd = openat(dir, NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC |
					O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!is_private(&st) || st.st_size != (off_t)size)
		return -EUCLEAN;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int make_new(int dir, size_t size, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int err;

	if (unlinkat(dir, NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* All of it now: later a full file system would be a SIGBUS. */
	err = -posix_fallocate(fd, 0, (off_t)size);
	if (err < 0) {
		(void)unlinkat(dir, NAME, 0);
		return err;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int map(struct pmf_trace_keep *k, int fd)
{
	void *p = mmap(NULL, k->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	k->head = p;
	return 0;
}

static bool is_address(const struct pmf_trace_keep *k, uint64_t entry)
{
	uint64_t spa = entry & ~IN_USE;

	return (entry & IN_USE) && spa % k->page_size == 0 &&
	       spa <= UINT64_MAX - k->page_size;
}

/* Those in use to the front. Returns whether all were empty or addresses. */
static bool take_old(struct pmf_trace_keep *k)
{
	bool good = true;
	uint64_t entry;

	for (size_t i = 0; i < PMF_TRACE_KEEP_MAX; i++) {
		entry = k->head->pages[i];
		if (entry == 0)
			continue;
		if (is_address(k, entry)) {
			k->head->pages[k->n] = entry;
			if (k->n++ != i)
				k->head->pages[i] = 0;
		} else {
			good = false;
			k->head->pages[i] = 0;
		}
	}
	return good;
}

/* Map the one that is there. *ret_good: all of it could be taken. */
static int use_old(struct pmf_trace_keep *k, int dir, bool *ret_good)
{
	_cleanup_close_ int fd = -1;
	int err = open_old(dir, k->size, &fd);

	if (err == 0)
		err = map(k, fd);
	if (err < 0)
		return err;
	if (k->head->magic != MAGIC || k->head->page_size != k->page_size ||
	    k->head->max != PMF_TRACE_KEEP_MAX || k->head->zero != 0) {
		munmap(TAKE_PTR(k->head), k->size);
		return -EUCLEAN;
	}
	*ret_good = take_old(k);
	return 0;
}

static int use_new(struct pmf_trace_keep *k, int dir)
{
	_cleanup_close_ int fd = -1;
	int err = make_new(dir, k->size, &fd);

	if (err == 0)
		err = map(k, fd);
	if (err < 0)
		return err;
	k->head->page_size = k->page_size;
	k->head->max = PMF_TRACE_KEEP_MAX;
	atomic_thread_fence(memory_order_release);
	k->head->magic = MAGIC;
	return 0;
}

int pmf_trace_keep_open(const char *run_dir, size_t page_size, struct pmf_trace_keep **ret)
{
	struct pmf_trace_keep *k;
	_cleanup_close_ int dir = -1;
	bool good = true;
	int err, old;

	/* "." is the directory itself, checked as every one below it */
	err = pmf_run_dir_open(run_dir, ".", true, &dir);
	if (err < 0)
		return err;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->page_size = page_size;
	k->size = head_size(page_size) + page_size;
	old = use_old(k, dir, &good);
	err = old < 0 ? use_new(k, dir) : 0;
	if (err < 0) {
		pmf_trace_keep_close(k);
		return err;
	}
	*ret = k;
	return (old < 0 && old != -ENOENT) || !good;
}

struct pmf_trace_keep *pmf_trace_keep_close(struct pmf_trace_keep *k)
{
	if (k && k->head)
		munmap(k->head, k->size);
	free(k);
	return NULL;
}

void *pmf_trace_keep_buffer(struct pmf_trace_keep *k)
{
	return (char *)k->head + head_size(k->page_size);
}

void pmf_trace_keep_clear_buffer(struct pmf_trace_keep *k)
{
	/* Its records' entries first. */
	atomic_thread_fence(memory_order_seq_cst);
	memset(pmf_trace_keep_buffer(k), 0, k->page_size);
}

size_t pmf_trace_keep_count(const struct pmf_trace_keep *k)
{
	return k->n;
}

uint64_t pmf_trace_keep_at(const struct pmf_trace_keep *k, size_t i)
{
	assert(i < k->n);
	return k->head->pages[i] & ~IN_USE;
}

bool pmf_trace_keep_add(struct pmf_trace_keep *k, uint64_t spa)
{
	if (k->n == PMF_TRACE_KEEP_MAX)
		return false;
	k->head->pages[k->n++] = spa | IN_USE;
	return true;
}

void pmf_trace_keep_drop(struct pmf_trace_keep *k, size_t i)
{
	assert(i < k->n);
	k->n--;
	/* Twice there rather than not at all. */
	k->head->pages[i] = k->head->pages[k->n];
	k->head->pages[k->n] = 0;
}
