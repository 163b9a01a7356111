// SPDX-License-Identifier: GPL-2.0-only
/* The fake machine's kernel module and processes. See fake-sys.h. */
#include "fake-internal.h"

int fake_attempt_open(struct pmf_sys *s, int *ret)
{
	LOCKED(s);
	ENTER("attempt_open", false);
	int fd;

	if (f->no_module)
		return -ENODEV;
	fd = fake_fd();
	memset(fake_private(f)->told[fd], 0, sizeof(fake_private(f)->told[fd]));
	fake_private(f)->attempt[fd] = true;
	*ret = fd;
	return 0;
}

int fake_attempt_resume(struct pmf_sys *s, uint64_t failure_id, int *ret)
{
	LOCKED(s);
	ENTER("attempt_resume", false);
	struct fake_private *p = fake_private(f);
	int fd;

	if (f->no_module)
		return -ENODEV;
	if (p->failure_id == failure_id)	/* what it told since then */
		memcpy(p->kept, p->told[p->kept_fd], sizeof(p->kept));
	else
		memset(p->kept, 0, sizeof(p->kept));
	fd = fake_fd();
	memcpy(p->told[fd], p->kept, sizeof(p->kept));
	p->attempt[fd] = true;
	p->failure_id = failure_id;
	p->kept_fd = fd;
	*ret = fd;
	return 0;
}

void fake_attempt_finish(struct pmf_sys *s, uint64_t failure_id)
{
	LOCKED(s);
	struct fake_private *p = fake_private(f);

	if (p->failure_id == failure_id)
		p->failure_id = 0;
}

int fake_attempt_guard(struct pmf_sys *s, int attempt, int fd, bool arm)
{
	LOCKED(s);
	ENTER("attempt_guard", true);
	struct fake_fs *fs = fake_private(f)->by_fd[fd];

	if (!fake_private(f)->attempt[attempt])
		fake_broke(f, "guard on what is no attempt");
	if (!arm && fs->frozen && !fs->foreign_freeze)
		fake_broke(f, "guard of %s disarmed while it is frozen", fs->name);
	fs->armed = arm;
	return 0;
}

static void fill_victim(struct pmf_victim *v, const struct fake_proc *p, size_t fs)
{
	*v = (struct pmf_victim){ .pid = p->pid, .start_ns = (uint64_t)p->pid * 1000,
				  .ino = 100 + fs, .told = p->told > 0, .address = 0x1000 };
}

static void check_revoke(struct fake *f, const struct fake_fs *fs, unsigned int flags)
{
	if (fake_frozen_here && fake_frozen_here != fs)
		fake_broke(f, "revoke of %s by the thread that froze another", fs->name);
	if ((flags & PMF_REVOKE_DROP_DIRTY) && !fs->down)
		fake_broke(f, "dirty entries of %s dropped before its shutdown", fs->name);
	for (size_t i = 0; (flags & PMF_REVOKE_STOP_DAX) && i < f->n_fs; i++)
		if (f->fs[i].mounted && f->fs[i].fstype && !f->fs[i].down)
			fake_broke(f, "DAX stopped with %s still up", f->fs[i].name);
}

static int take_away(struct fake *f, int attempt, int fd, unsigned int flags,
		  struct pmf_victim *victims, size_t max, struct pmf_revoke_result *ret)
{
	struct fake_fs *fs = fake_private(f)->by_fd[fd];
	struct pmf_revoke_result res = {};
	size_t i, n = (size_t)(fs - f->fs);

	if (attempt < 0 || !fake_private(f)->attempt[attempt])
		fake_broke(f, "revoke without an attempt");
	check_revoke(f, fs, flags);
	if (!(flags & PMF_REVOKE_LOOK))
		fake_takes(f);
	res.entries = fs->entries;
	res.pinned = fs->pinned_for > 0;
	for (i = 0; i < f->n_procs; i++) {
		struct fake_proc *p = &f->procs[i];
		bool *told = &fake_private(f)->told[attempt][i];

		if (!(p->maps & (1U << n)) || p->gone)
			continue;
		res.vmas++;
		if (!(flags & PMF_REVOKE_LOOK) && !*told) {
			*told = true;
			p->told++;
			res.told++;
		}
		if (victims && res.victims_total < max)
			fill_victim(&victims[res.victims_total], p, n);
		res.victims_total++;
	}
	if (flags & PMF_REVOKE_STOP_DAX)
		for (i = 0; i < f->n_fs; i++)
			f->fs[i].dax_dead = true;
	if (!(flags & PMF_REVOKE_LOOK)) {
		if (flags & PMF_REVOKE_DROP_DIRTY)
			fs->dirty = 0;
		fs->entries = fs->dirty + (fs->pinned_for ? 1 : 0);
	}
	res.files = res.vmas > 0;
	res.entries_left = fs->entries;
	fake_refault(fs);		/* as soon as the lock is dropped */
	*ret = res;
	return 0;
}

int fake_revoke_fs(struct pmf_sys *s, int attempt, int fd, unsigned int flags,
			enum pmf_signal signal, struct pmf_victim *victims, size_t max,
			struct pmf_revoke_result *ret)
{
	LOCKED(s);
	ENTER("revoke_fs", victims == NULL);
	if (f->n_inodes > 0 && (flags & PMF_REVOKE_LOOK))
		return fake_look_files(f, fake_private(f)->by_fd[fd], victims, max, ret);
	if (f->n_inodes > 0)
		fake_broke(f, "all of %s revoked for poison", fake_private(f)->by_fd[fd]->name);
	if (!(flags & PMF_REVOKE_LOOK) && signal != PMF_SIGNAL_EVERY)
		fake_broke(f, "removal does not tell everybody");
	return take_away(f, attempt, fd, flags, victims, max, ret);
}

int fake_revoke_file(struct pmf_sys *s, int attempt, int fd, struct pmf_range range,
			  unsigned int flags, enum pmf_signal signal,
			  struct pmf_victim *victims, size_t max,
			  struct pmf_revoke_result *ret)
{
	LOCKED(s);
	ENTER("revoke_file", victims == NULL);
	if (fake_private(f)->inode_by_fd[fd])
		return fake_revoke_inode(f, attempt, fake_private(f)->inode_by_fd[fd], range,
					 flags, signal, victims, max, ret);
	if (f->n_inodes == 0 && (range.start != 0 || range.end != UINT64_MAX))
		fake_broke(f, "not all of the device-DAX node");
	return take_away(f, attempt, fd, flags, victims, max, ret);
}

/* Those who map fs (all filesystems for fs < 0), told by the attempt if given. */
static int list_victims(struct fake *f, ssize_t fs, const bool *told,
			struct pmf_victim **ret, size_t *ret_n)
{
	struct pmf_victim *v = calloc(FAKE_PROCS, sizeof(*v));
	size_t i, n = 0;

	if (!v)
		return -ENOMEM;
	for (i = 0; i < f->n_procs; i++) {
		struct fake_proc *p = &f->procs[i];
		unsigned int maps = p->maps ?: 1;

		if ((told && !told[i]) || (fs >= 0 && (p->gone || !(p->maps & (1U << fs)))))
			continue;
		fill_victim(&v[n++], p, fs >= 0 ? (size_t)fs :
			    (size_t)__builtin_ctz(maps));
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

int fake_attempt_victims(struct pmf_sys *s, int attempt, struct pmf_victim **ret,
			      size_t *ret_n)
{
	LOCKED(s);
	ENTER("attempt_victims", false);
	return list_victims(f, -1, fake_private(f)->told[attempt], ret, ret_n);
}

int fake_describe(struct pmf_sys *s, struct pmf_victim *v, size_t n)
{
	LOCKED(s);
	ENTER("describe_victims", false);
	for (size_t i = 0; i < n; i++)
		if (!v[i].path && !strdup_to(&v[i].path, "/a/file"))
			return -ENOMEM;
	return 0;
}

int fake_scan(struct pmf_sys *s, dev_t devno, struct pmf_victim **ret, size_t *ret_n)
{
	LOCKED(s);
	ENTER("scan_victims", false);
	struct fake_fs *fs = fake_fs_by_devno(f, devno);

	return fs ? list_victims(f, fs - f->fs, NULL, ret, ret_n) : -ENOENT;
}

int fake_signal(struct pmf_sys *s, const struct pmf_victim *v)
{
	LOCKED(s);
	ENTER("signal_victim", false);
	for (size_t i = 0; i < f->n_procs; i++)
		if (f->procs[i].pid == v->pid && !f->procs[i].gone) {
			f->procs[i].told++;
			return 0;
		}
	return -ESRCH;
}

void fake_after_death(struct fake *f, bool fdstore)
{
	struct fake_private *p = fake_private(f);
	uint64_t id = fdstore ? p->failure_id : 0;
	bool kept[FAKE_PROCS];

	for (size_t i = 0; i < f->n_fs; i++)
		if (f->fs[i].frozen && !f->fs[i].foreign_freeze && !f->fs[i].armed &&
		    !f->no_module)
			fake_broke(f, "dead with %s frozen, and the module does not know",
				   f->fs[i].name);
	memcpy(kept, p->told[p->kept_fd], sizeof(kept));
	*p = (struct fake_private){ .failure_id = id };
	if (id)		/* fd 0 is no attempt of anybody's */
		memcpy(p->told[0], kept, sizeof(kept));
	pthread_mutex_init(&p->lock, NULL);	/* it may have died with it */
	for (size_t i = 0; i < f->n_fs; i++)
		f->fs[i].armed = 0;
	f->held = f->dying = false;
	f->freed = f->prepared;
	f->die_nth = f->fail_nth = 0;
}
