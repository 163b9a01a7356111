// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Every file and directory of a filesystem, for an assessment that wants to know
 * also what nobody has in use. XFS lists its inodes; ext4 has to be walked, which is
 * done by inode numbers and handles: so what is hidden under another mount, or not
 * below the directory that is mounted, belongs to it too. Only sys.c refers to this.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "sys/mount-open.h"
#include "sys/sys-internal.h"
#include "sys/xfs-abi.h"

#define BATCH		512
#define EXT4_ROOT	2

struct walk {
	int fs_fd;
	int (*fn)(const struct pmf_file_id *id, void *userdata);
	void *userdata;
	pmf_progress_fn progress;
	void *progress_data;
	uint64_t done, total;
};

static int begin(struct walk *w)
{
	struct statfs sf;

	if (fstatfs(w->fs_fd, &sf) < 0)
		return -errno;
	w->total = sf.f_files - MIN(sf.f_ffree, sf.f_files);
	return 0;
}

static int tell_progress(struct walk *w)
{
	/* it may grow meanwhile */
	if (!w->progress)
		return 0;
	return w->progress(w->done, MAX(w->done, w->total), w->progress_data);
}

/* --- XFS --- */

static int xfs_walk(struct walk *w)
{
	struct batch {
		struct pmf_xfs_bulk_head head;
		struct pmf_xfs_bulkstat inodes[BATCH];
	};
	_cleanup_free_ struct batch *b = calloc(1, sizeof(*b));
	uint32_t i;
	int r;

	if (!b)
		return -ENOMEM;
	do {
		b->head.icount = BATCH;
		r = pmf_ioctl(w->fs_fd, PMF_XFS_BULKSTAT, b);
		if (r < 0)
			return r;
		for (i = 0; i < b->head.ocount; i++) {
			const struct pmf_xfs_bulkstat *x = &b->inodes[i];
			const struct pmf_file_id id = { x->ino, x->gen, true };

			if (!S_ISREG(x->mode) && !S_ISDIR(x->mode))
				continue;
			r = w->fn(&id, w->userdata);
			if (r != 0)
				return r;
		}
		w->done += i;
		r = tell_progress(w);
	} while (r == 0 && i > 0);
	return r;
}

/* --- ext4 --- */

struct tree {
	struct walk *w;
	uint64_t *seen;		/* a bit per inode: of several links the first counts */
	uint64_t n_inodes;
	uint64_t *dirs;		/* still to be read */
	size_t n, cap;
};

static void tree_done(struct tree *t)
{
	free(t->seen);
	free(t->dirs);
}

static bool seen_before(struct tree *t, uint64_t ino)
{
	uint64_t bit = 1ULL << (ino % 64), *word;

	if (ino >= t->n_inodes)
		return true;	/* it has no such inode */
	word = &t->seen[ino / 64];
	if (*word & bit)
		return true;
	*word |= bit;
	return false;
}

static int take(struct tree *t, uint64_t ino, bool is_dir)
{
	const struct pmf_file_id id = { .ino = ino };
	int r;

	if (is_dir) {
		r = pmf_grow(&t->dirs, &t->cap, t->n + 1, sizeof(*t->dirs));
		if (r < 0)
			return r;
		t->dirs[t->n++] = ino;
	}
	r = t->w->fn(&id, t->w->userdata);
	if (r == 0 && ++t->w->done % BATCH == 0)
		r = tell_progress(t->w);
	return r;
}

/* An old filesystem's directories do not say what their entries are. */
static unsigned char type_of(const struct tree *t, uint64_t ino)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (pmf_open_handle(t->w->fs_fd, PMF_HANDLE_INO32_GEN, ino, 0, &fd) < 0 ||
	    fstat(fd, &st) < 0)
		return DT_UNKNOWN;
	return IFTODT(st.st_mode);
}

static int open_dir(const struct tree *t, uint64_t ino, DIR **ret)
{
	_cleanup_close_ int path_fd = -1, fd = -1;
	DIR *d;
	int err;

	err = pmf_open_handle(t->w->fs_fd, PMF_HANDLE_INO32_GEN, ino, 0, &path_fd);
	if (err == 0)
		err = pmf_reopen(path_fd, O_RDONLY | O_DIRECTORY | O_NOATIME, &fd);
	if (err < 0)
		return err;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	(void)TAKE_FD(fd);
	*ret = d;
	return 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* *problem: why a part of it could not be read. Else as fn. */
static int read_dir(struct tree *t, uint64_t ino, int *problem)
{
	_cleanup_(closedirp) DIR *d = NULL;
	struct dirent *e;
	unsigned char type;
	int r;

	r = open_dir(t, ino, &d);
	if (r < 0) {
		/* gone by now, or a file now, is no problem */
		if (r != -ESTALE && r != -ENOTDIR)
			*problem = r;
		return r == -ENOMEM ? r : 0;
	}
	while ((errno = 0, e = readdir(d))) {
		if (streq(e->d_name, ".") || streq(e->d_name, "..") ||
		    seen_before(t, e->d_ino))
			continue;
		type = e->d_type == DT_UNKNOWN ? type_of(t, e->d_ino) : e->d_type;
		if (type != DT_REG && type != DT_DIR)
			continue;
		r = take(t, e->d_ino, type == DT_DIR);
		if (r != 0)
			return r;
	}
	if (errno > 0)
		*problem = -errno;
	return 0;
}

static int ext4_walk(struct walk *w)
{
	_cleanup_(tree_done) struct tree t = { .w = w };
	int r, problem = 0;
	struct statfs sf;

	if (fstatfs(w->fs_fd, &sf) < 0)
		return -errno;
	t.n_inodes = MIN(sf.f_files, (uint64_t)UINT32_MAX) + 1;
	t.seen = calloc(t.n_inodes / 64 + 1, sizeof(*t.seen));
	if (!t.seen)
		return -ENOMEM;
	(void)seen_before(&t, EXT4_ROOT);
	r = take(&t, EXT4_ROOT, true);
	while (r == 0 && t.n > 0)
		r = read_dir(&t, t.dirs[--t.n], &problem);
	return r != 0 ? r : problem;
}

int pmf_sys_walk_files(struct pmf_sys *s, int fs_fd, const char *fstype,
		       int (*fn)(const struct pmf_file_id *id, void *userdata),
		       void *userdata, pmf_progress_fn progress, void *progress_data)
{
	struct walk w = {
		.fs_fd = fs_fd,
		.fn = fn,
		.userdata = userdata,
		.progress = progress,
		.progress_data = progress_data,
	};
	int r;

	(void)s;
	if (!streq(fstype, "xfs") && !streq(fstype, "ext4"))
		return -EOPNOTSUPP;
	r = begin(&w);
	if (r < 0)
		return r;
	r = streq(fstype, "xfs") ? xfs_walk(&w) : ext4_walk(&w);
	if (r != 0)
		return r;
	/* what nobody can open was in the total: this is the end all the same */
	w.total = w.done;
	return tell_progress(&w);
}
