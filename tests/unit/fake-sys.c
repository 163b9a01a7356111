// SPDX-License-Identifier: GPL-2.0-only
/* A machine to handle removals on. See fake-sys.h. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "fake-errors.h"
#include "fake-internal.h"

struct pmf_freeze {
	struct fake_fs *fs;
	bool frozen;
};

_Thread_local struct fake_fs *fake_frozen_here;

static const char *const ops[] = {
	"mounted_fstype", "open_site", "unmount", "is_own", "freeze_prepare", "freeze",
	"thaw", "shutdown", "attempt_open", "attempt_resume", "attempt_guard", "revoke_fs", "revoke_file",
	"attempt_victims", "hold_release", "describe_victims", "scan_victims",
	"signal_victim", "lock_device", "owners", "known_space", "journal", "open_inode", "file_extents", "open_files",
	"walk_files", "inode_path", "remount_ro", "read_badblocks", "mark_bad", "binding_id",
};

const char *fake_op(size_t i)
{
	return i < ARRAY_SIZE(ops) ? ops[i] : NULL;
}

void fake_broke(struct fake *f, const char *fmt, ...)
{
	va_list ap;

	if (f->broken[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(f->broken, sizeof(f->broken), fmt, ap);
	va_end(ap);
}

static int fail_by_table(struct fake *f, const char *op)
{
	unsigned int n = fake_errors_of(op);

	f->fail_error = n > 0 ? fake_error_of(op, f->fail_kth % n) : 0;
	f->no_such_error = n == 0;
	return f->fail_error;
}

/* Count the call, and say whether it is the one to fail. */
int fake_enter(struct fake *f, const char *op, bool frozen_ok)
{
	f->now_ns += 1000;
	f->calls++;
	if (f->on_call)
		f->on_call(f, op);
	if (f->die_nth > 0 && --f->die_nth == 0) {
		(void)snprintf(f->failed_op, sizeof(f->failed_op), "%s", op);
		f->dying = true;
	}
	if (fake_frozen_here && !frozen_ok)
		fake_broke(f, "%s while %s is frozen by this thread", op, fake_frozen_here->name);
	if (f->fail_op && streq(f->fail_op, op))
		return f->fail_error;
	if (f->fail_nth == 0 || --f->fail_nth > 0)
		return 0;
	(void)snprintf(f->failed_op, sizeof(f->failed_op), "%s", op);
	return f->fail_by_table ? fail_by_table(f, op) : f->fail_error;
}

void fake_takes(struct fake *f)
{
	if (f->must_record && !f->recorded)
		fake_broke(f, "taken away before it was on record");
}

struct fake_fs *fake_fs_by_devno(struct fake *f, dev_t d)
{
	size_t i;

	for (i = 0; i < f->n_fs; i++)
		if (f->fs[i].devno == d)
			return &f->fs[i];
	return NULL;
}

int fake_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd >= FAKE_FDS)
		abort();
	return fd;
}

void fake_refault(struct fake_fs *fs)
{
	bool refused = fs->dax_dead || (fs->down && streq_ptr(fs->fstype, "xfs"));

	if (fs->refaults && fs->mounted && !refused && fs->entries == 0)
		fs->entries = 1;
}

static uint64_t op_now_boottime(struct pmf_sys *s)
{
	LOCKED(s);
	return f->now_ns += 10;
}

static uint64_t op_now_realtime(struct pmf_sys *s)
{
	LOCKED(s);
	return 1700000000000000 + f->now_ns / 1000;
}

static void op_sleep(struct pmf_sys *s, uint64_t us)
{
	LOCKED(s);
	f->now_ns += us * 1000;
	for (size_t i = 0; i < f->n_fs; i++)
		if (f->fs[i].pinned_for && f->fs[i].pinned_for != UINT32_MAX)
			f->fs[i].pinned_for--;
	for (size_t i = 0; i < f->n_procs; i++)
		if (f->procs[i].told && !f->procs[i].stays)
			f->procs[i].gone = true;
}

static int op_mounted_fstype(struct pmf_sys *s, const char *name, const char **ret)
{
	LOCKED(s);
	ENTER("mounted_fstype", false);
	for (size_t i = 0; i < f->n_fs; i++)
		if (streq(f->fs[i].name, name) && f->fs[i].mounted && f->fs[i].fstype) {
			*ret = f->fs[i].fstype;
			return 0;
		}
	return -ENOENT;
}

static int op_open_site(struct pmf_sys *s, const struct pmf_site *site, int *ret)
{
	LOCKED(s);
	ENTER("open_site", false);
	struct fake_fs *fs = fake_fs_by_devno(f, site->fs_devno);
	int fd;

	if (!fs || !fs->mounted)
		return -ENOENT;
	fd = fake_fd();
	fake_private(f)->by_fd[fd] = fs;
	fake_private(f)->inode_by_fd[fd] = NULL;
	*ret = fd;
	return 0;
}

static int op_unmount(struct pmf_sys *s, dev_t devno, unsigned int *ret_n)
{
	LOCKED(s);
	ENTER("unmount", false);
	struct fake_fs *fs = fake_fs_by_devno(f, devno);

	if (!fs || !fs->mounted || fs->hidden) {
		*ret_n = 0;
		return 0;
	}
	for (size_t i = 0; i < f->n_procs; i++)
		if ((f->procs[i].maps & (1U << (fs - f->fs))) && !f->procs[i].gone)
			return -EBUSY;
	if (fs->frozen)
		fake_broke(f, "%s unmounted while frozen", fs->name);
	fs->mounted = false;
	fs->entries = fs->dirty = 0;
	*ret_n = 1;
	return 0;
}

static int op_is_own(struct pmf_sys *s, int fd, const struct pmf_policy *p, bool *ret)
{
	(void)p;
	LOCKED(s);
	ENTER("is_own", false);
	*ret = fake_private(f)->by_fd[fd]->own;
	return 0;
}

static int op_freeze_prepare(struct pmf_sys *s, int fd, const char *name, uint64_t timeout,
			     struct pmf_freeze **ret)
{
	(void)timeout;
	LOCKED(s);
	ENTER("freeze_prepare", false);
	struct pmf_freeze *z = calloc(1, sizeof(*z));

	if (!z)
		return -ENOMEM;
	z->fs = fake_private(f)->by_fd[fd];
	if (!streq(z->fs->name, name) && !streq_ptr(z->fs->log_name, name))
		fake_broke(f, "freeze of %s under the name %s", z->fs->name, name);
	if (z->fs->own)
		fake_broke(f, "%s is our own and is to be frozen", name);
	f->prepared++;
	*ret = z;
	return 0;
}

static int op_freeze(struct pmf_sys *s, struct pmf_freeze *z)
{
	LOCKED(s);
	ENTER("freeze", false);
	if (z->fs->foreign_freeze)
		return -EBUSY;
	if (f->freeze_late)
		return -ETIMEDOUT;
	z->frozen = z->fs->frozen = true;
	z->fs->dirty = 0;	/* written back */
	z->fs->freezes++;
	fake_move(f, z->fs);
	fake_frozen_here = z->fs;
	return 0;
}

static int op_thaw(struct pmf_sys *s, struct pmf_freeze *z)
{
	LOCKED(s);
	fake_frozen_here = NULL;	/* also when it fails: the section is over */
	ENTER("thaw", true);
	if (z->frozen)
		z->fs->thaws++;
	z->frozen = z->fs->frozen = z->fs->foreign_freeze = false;
	return 0;
}

static struct pmf_freeze *op_freeze_done(struct pmf_sys *s, struct pmf_freeze *z)
{
	LOCKED(s);
	if (!z)
		return NULL;
	(void)fake_enter(f, "freeze_done", z->frozen);	/* guard and record stay */
	fake_frozen_here = NULL;
	f->freed++;
	free(z);
	return NULL;
}

static int op_shutdown(struct pmf_sys *s, int fd, const char *fstype)
{
	LOCKED(s);
	ENTER("shutdown", true);
	struct fake_fs *fs = fake_private(f)->by_fd[fd];

	if (!streq(fs->fstype, fstype))
		fake_broke(f, "%s shut down as %s", fs->name, fstype);
	fake_refault(fs);		/* one slips in before */
	if (!streq(fstype, "xfs") && !streq(fstype, "ext4"))
		return -EOPNOTSUPP;
	fs->down = true;
	return 0;
}

static int op_hold_release(struct pmf_sys *s, int fd, uint64_t id, bool *ret_ended)
{
	(void)fd;
	(void)id;
	LOCKED(s);
	f->releases++;
	ENTER("hold_release", false);
	*ret_ended = !f->held;
	f->held = false;
	return 0;
}

static int op_lock(struct pmf_sys *s, const char *id, uint64_t timeout, int *ret)
{
	(void)id;
	(void)timeout;
	LOCKED(s);
	ENTER("lock_device", false);
	*ret = fake_fd();
	f->locks++;
	return 0;
}

static atomic_uint allocs_frozen;

void fake_watch_alloc(void)
{
	if (fake_frozen_here)
		atomic_fetch_add(&allocs_frozen, 1);
}

unsigned int fake_allocs_frozen(void)
{
	return atomic_exchange(&allocs_frozen, 0);
}

static const struct pmf_sys_ops fake_ops = {
	.now_boottime_ns = op_now_boottime,
	.now_realtime_us = op_now_realtime,
	.sleep_us = op_sleep,
	.mounted_fstype = op_mounted_fstype,
	.open_site = op_open_site,
	.unmount = op_unmount,
	.is_own = op_is_own,
	.freeze_prepare = op_freeze_prepare,
	.freeze = op_freeze,
	.thaw = op_thaw,
	.freeze_done = op_freeze_done,
	.shutdown = op_shutdown,
	.attempt_open = fake_attempt_open,
	.attempt_resume = fake_attempt_resume,
	.attempt_finish = fake_attempt_finish,
	.attempt_guard = fake_attempt_guard,
	.revoke_fs = fake_revoke_fs,
	.revoke_file = fake_revoke_file,
	.attempt_victims = fake_attempt_victims,
	.hold_release = op_hold_release,
	.describe_victims = fake_describe,
	.scan_victims = fake_scan,
	.signal_victim = fake_signal,
	.lock_device = op_lock,
	.owners = fake_owners,
	.known_space = fake_known_space,
	.journal = fake_journal,
	.open_inode = fake_open_inode,
	.file_extents = fake_file_extents,
	.open_files = fake_open_files,
	.walk_files = fake_walk_files,
	.inode_path = fake_inode_path,
	.remount_ro = fake_remount_ro,
	.read_badblocks = fake_read_badblocks,
	.mark_bad = fake_mark_bad,
	.binding_id = fake_binding_id,
};

bool fake_is_safe(const struct fake *f)
{
	for (size_t i = 0; i < f->n_fs; i++) {
		const struct fake_fs *fs = &f->fs[i];

		if (fs->frozen && !fs->foreign_freeze)
			return false;
		if (fs->mounted && fs->fstype &&
		    (!fs->down || fs->entries || fs->pinned_for))
			return false;
	}
	return true;
}

void fake_init(struct fake *f)
{
	void *p = calloc(1, fake_private_size());

	if (!p)
		abort();
	fake_init_at(f, p);
}

size_t fake_private_size(void)
{
	return sizeof(struct fake_private);
}

void fake_init_at(struct fake *f, void *private)
{
	struct fake_private *p = private;

	pthread_mutex_init(&p->lock, NULL);
	*f = (struct fake){ .sys = { .ops = &fake_ops, .data = f }, .private = p,
			    .fail_error = -EIO, .held = true, .now_ns = 1000000000,
			    .signal = PMF_SIGNAL_ALL, .binding = "boot/1" };
}

void fake_done(struct fake *f)
{
	pthread_mutex_destroy(&fake_private(f)->lock);
	free(f->private);
}
