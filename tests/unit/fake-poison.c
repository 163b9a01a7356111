// SPDX-License-Identifier: GPL-2.0-only
/* The fake machine's files, who owns what, and its badblocks. See fake-sys.h. */
#include "fake-internal.h"

static struct fake_inode *find(struct fake *f, size_t fs, uint64_t ino)
{
	for (size_t i = 0; i < f->n_inodes; i++)
		if (f->inodes[i].fs == fs && f->inodes[i].ino == ino && !f->inodes[i].gone)
			return &f->inodes[i];
	return NULL;
}

/* Clipped, as the real ones are; ino 0: whosever. */
static int list(struct fake *f, const struct fake_fs *fs, uint64_t ino, struct pmf_range at,
		struct pmf_extent *v, size_t max, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_extents; i++) {
		const struct fake_extent *x = &f->extents[i];
		struct pmf_extent e = x->e;

		if (&f->fs[x->fs] != fs || !pmf_range_overlaps(e.at, at) ||
		    (ino && ino != e.ino))
			continue;
		if (n == max)
			return -ENOBUFS;
		e.at = pmf_range_clip(e.at, at);
		e.offset += e.at.start - x->e.at.start;
		v[n++] = e;
	}
	*ret_n = n;
	return 0;
}

int fake_owners(struct pmf_sys *s, int fd, enum pmf_site_role role, struct pmf_range at,
		struct pmf_extent *v, size_t max, size_t *ret_n)
{
	LOCKED(s);
	ENTER("owners", true);
	const struct fake_fs *fs = fake_private(f)->by_fd[fd];

	if (role == PMF_ROLE_LOG)
		fake_broke(f, "owners of a log");
	if (fs->down)
		return -EIO;
	return fs->knows ? list(f, fs, 0, at, v, max, ret_n) : -EOPNOTSUPP;
}

/* Files' bytes are used by something unknown; ext4's journal, too. */
int fake_known_space(struct pmf_sys *s, int fd, enum pmf_site_role role, struct pmf_range at,
		     struct pmf_extent *v, size_t max, size_t *ret_n)
{
	(void)role;
	LOCKED(s);
	ENTER("known_space", true);
	const struct fake_fs *fs = fake_private(f)->by_fd[fd];
	int r;

	if (fs->down)
		return -EIO;
	r = list(f, fs, 0, at, v, max, ret_n);
	for (size_t i = 0; r >= 0 && i < *ret_n; i++)
		if (v[i].ino || v[i].kind == PMF_TARGET_LOG)
			v[i] = (struct pmf_extent){ .kind = PMF_TARGET_UNKNOWN, .at = v[i].at };
	return r;
}

int fake_journal(struct pmf_sys *s, int fd, enum pmf_site_role role, struct pmf_range at,
		 struct pmf_extent *v, size_t max, size_t *ret_n)
{
	(void)role;
	LOCKED(s);
	ENTER("journal", false);
	const struct fake_fs *fs = fake_private(f)->by_fd[fd];
	size_t kept = 0;
	int r;

	f->journal_reads++;
	if (!streq_ptr(fs->fstype, "ext4"))
		return -EOPNOTSUPP;
	r = list(f, fs, 0, at, v, max, ret_n);
	for (size_t i = 0; r >= 0 && i < *ret_n; i++)
		if (v[i].kind == PMF_TARGET_LOG)
			v[kept++] = v[i];
	if (r >= 0)
		*ret_n = kept;
	return r;
}

int fake_open_inode(struct pmf_sys *s, int fd, const char *fstype,
		    const struct pmf_file_id *id, struct pmf_inode *ret, int *ret_fd)
{
	LOCKED(s);
	ENTER("open_inode", false);
	struct fake_fs *fs = fake_private(f)->by_fd[fd];
	struct fake_inode *in = find(f, (size_t)(fs - f->fs), id->ino);

	if (fs->down)
		return -EIO;
	if (!streq_ptr(fs->fstype, fstype))
		fake_broke(f, "an inode of %s opened as %s", fs->name, fstype);
	if (!in)
		return -ENOENT;
	if (id->known && id->generation != in->generation)
		return -ESTALE;
	if (in->kind == PMF_TARGET_METADATA)
		return -EPERM;
	*ret = (struct pmf_inode){ in->generation, in->kind };
	*ret_fd = fake_fd();
	fake_private(f)->by_fd[*ret_fd] = fs;
	fake_private(f)->inode_by_fd[*ret_fd] = in;
	return 0;
}

int fake_file_extents(struct pmf_sys *s, int fd, enum pmf_site_role role,
		      struct pmf_range at, struct pmf_extent *v, size_t max, size_t *ret_n)
{
	(void)role;
	LOCKED(s);
	ENTER("file_extents", true);
	const struct fake_inode *in = fake_private(f)->inode_by_fd[fd];

	return list(f, &f->fs[in->fs], in->ino, at, v, max, ret_n);
}

int fake_open_files(struct pmf_sys *s, dev_t devno, struct pmf_file_id **ret, size_t *ret_n)
{
	LOCKED(s);
	ENTER("open_files", false);
	struct pmf_file_id *ids = calloc(FAKE_INODES, sizeof(*ids));
	size_t n = 0;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_inodes; i++)
		if (f->inodes[i].open && f->fs[f->inodes[i].fs].devno == devno)
			ids[n++] = (struct pmf_file_id){ f->inodes[i].ino,
							 f->inodes[i].generation, true };
	*ret = ids;
	*ret_n = n;
	return 0;
}

int fake_walk_files(struct pmf_sys *s, int fd, const char *fstype,
		    int (*fn)(const struct pmf_file_id *id, void *userdata), void *userdata,
		    pmf_progress_fn progress, void *progress_data)
{
	(void)fstype;
	(void)progress;
	(void)progress_data;
	LOCKED(s);
	ENTER("walk_files", false);
	const struct fake_fs *fs = fake_private(f)->by_fd[fd];
	int r = 0;

	for (size_t i = 0; i < f->n_inodes && r == 0; i++) {
		struct pmf_file_id id = { f->inodes[i].ino, f->inodes[i].generation, true };

		if (&f->fs[f->inodes[i].fs] == fs)
			r = fn(&id, userdata);
	}
	return r;
}

int fake_inode_path(struct pmf_sys *s, int fd, int file_fd, char **ret)
{
	(void)fd;
	LOCKED(s);
	ENTER("inode_path", false);
	if (fake_private(f)->inode_by_fd[file_fd]->open)
		return -ENOENT;
	return strdup_to(ret, "/by/dentry") ? 0 : -ENOMEM;
}

int fake_remount_ro(struct pmf_sys *s, int fd, const struct pmf_site *site)
{
	(void)site;
	LOCKED(s);
	ENTER("remount_ro", false);
	fake_private(f)->by_fd[fd]->read_only = true;
	return 0;
}

int fake_read_badblocks(struct pmf_sys *s, const struct pmf_device *d,
			struct pmf_ranges *ret, bool *ret_full)
{
	(void)d;
	LOCKED(s);
	ENTER("read_badblocks", false);
	int r = 0;

	for (size_t i = 0; i < f->n_bad && r >= 0; i++)
		r = pmf_ranges_add(ret, f->bad[i]);
	*ret_full = false;
	return r;
}

int fake_mark_bad(struct pmf_sys *s, const struct pmf_device *d, struct pmf_range r)
{
	(void)d;
	LOCKED(s);
	ENTER("mark_bad", false);
	f->marks++;
	if (f->n_bad < 8)
		f->bad[f->n_bad++] = r;
	return 0;
}

int fake_binding_id(struct pmf_sys *s, const struct pmf_device *d, char **ret)
{
	(void)d;
	LOCKED(s);
	ENTER("binding_id", false);
	return strdup_to(ret, f->binding) ? 0 : -ENOMEM;
}

void fake_move(struct fake *f, const struct fake_fs *fs)
{
	if (f->moves == 0 || f->n_extents == 0 || &f->fs[f->extents[0].fs] != fs)
		return;
	f->moves--;
	f->extents[0].e.offset += 4096;
	f->extents[0].told = 0;		/* of these bytes nobody was */
}

static void fill(const struct fake *f, struct pmf_victim *v, size_t proc,
		 const struct fake_inode *in)
{
	*v = (struct pmf_victim){ .pid = f->procs[proc].pid,
				  .start_ns = (uint64_t)f->procs[proc].pid * 1000,
				  .ino = in->ino, .generation = in->generation };
}

int fake_look_files(struct fake *f, const struct fake_fs *fs, struct pmf_victim *victims,
		    size_t max, struct pmf_revoke_result *ret)
{
	*ret = (struct pmf_revoke_result){};
	for (size_t i = 0; i < f->n_inodes; i++)
		for (size_t p = 0; p < f->n_procs && &f->fs[f->inodes[i].fs] == fs; p++) {
			if (!(f->inodes[i].maps & (1U << p)))
				continue;
			if (ret->victims_total < max)
				fill(f, &victims[ret->victims_total], p, &f->inodes[i]);
			ret->victims_total++;
		}
	return 0;
}

/* The revoke must be of bytes that are bad and of this file now. */
static void note(struct fake *f, const struct fake_inode *in, struct pmf_range range,
		 unsigned int told)
{
	bool any = false;

	for (size_t i = 0; i < f->n_extents; i++) {
		struct fake_extent *x = &f->extents[i];
		struct pmf_range have = { x->e.offset,
					  x->e.offset + (x->e.at.end - x->e.at.start) };

		if (x->fs != in->fs || x->e.ino != in->ino || x->e.kind != PMF_TARGET_FILE ||
		    !pmf_range_overlaps(have, range))
			continue;
		any = true;
		x->revoked++;
		if ((x->told & told) && !f->forgetful)
			fake_broke(f, "of inode %llu somebody told twice",
				   (unsigned long long)in->ino);
		x->told |= told;
	}
	if (!any)
		fake_broke(f, "good bytes of inode %llu revoked", (unsigned long long)in->ino);
}

int fake_revoke_inode(struct fake *f, int attempt, struct fake_inode *in,
		      struct pmf_range range, unsigned int flags, enum pmf_signal signal,
		      struct pmf_victim *victims, size_t max, struct pmf_revoke_result *ret)
{
	unsigned int told = 0;

	*ret = (struct pmf_revoke_result){ .files = 1 };
	if (attempt < 0 || !fake_private(f)->attempt[attempt])
		fake_broke(f, "revoke without an attempt");
	if (in->kind != PMF_TARGET_FILE)
		fake_broke(f, "inode %llu is no file", (unsigned long long)in->ino);
	if (flags & ~PMF_REVOKE_LOOK)
		fake_broke(f, "dirty entries dropped for poison");
	if (!(flags & PMF_REVOKE_LOOK))
		fake_takes(f);
	for (size_t p = 0; p < f->n_procs; p++) {
		bool *t = &fake_private(f)->told[attempt][p];

		if (!(in->maps & (1U << p)))
			continue;
		ret->vmas++;
		if (!(flags & PMF_REVOKE_LOOK) && !*t) {
			*t = true;
			told |= 1U << p;
			f->procs[p].told++;
			ret->told++;
		}
		if (ret->victims_total < max)
			fill(f, &victims[ret->victims_total], p, in);
		ret->victims_total++;
	}
	if (flags & PMF_REVOKE_LOOK)
		return 0;
	if (signal != f->signal)
		fake_broke(f, "the wrong signal");
	if (f->must_mark && f->marks == 0 && !f->failed_op[0] && !f->fail_op)
		fake_broke(f, "revoked before it was marked bad");
	if (fake_frozen_here && fake_frozen_here != &f->fs[in->fs])
		fake_broke(f, "revoked by the thread that froze another");
	if (f->fs[in->fs].down)
		fake_broke(f, "revoked after the shutdown");
	note(f, in, range, told);
	return 0;
}
