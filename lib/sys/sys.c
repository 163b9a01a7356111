/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The real machine: the table of sys.h, filled. Each operation is in the file
 * that sys.h names above it.
 */
#include "sys/read.h"
#include "sys/sys-internal.h"

static const struct pmf_sys_ops real_ops = {
	.now_boottime_ns = pmf_sys_now_boottime_ns,
	.now_realtime_us = pmf_sys_now_realtime_us,
	.sleep_us = pmf_sys_sleep_us,

	.read_topology = pmf_sys_read_topology,
	.mounted_fstype = pmf_sys_mounted_fstype,

	.open_site = pmf_sys_open_site,
	.unmount = pmf_sys_unmount,
	.is_own = pmf_sys_is_own,

	.freeze_prepare = pmf_sys_freeze_prepare,
	.freeze = pmf_sys_freeze,
	.thaw = pmf_sys_thaw,
	.freeze_done = pmf_sys_freeze_done,
	.thaw_leftovers = pmf_sys_thaw_leftovers,

	.shutdown = pmf_sys_shutdown,

	.module_probe = pmf_sys_module_probe,
	.attempt_open = pmf_sys_attempt_open,
	.attempt_resume = pmf_sys_attempt_resume,
	.attempt_finish = pmf_sys_attempt_finish,
	.attempt_guard = pmf_sys_attempt_guard,
	.revoke_fs = pmf_sys_revoke_fs,
	.revoke_file = pmf_sys_revoke_file,
	.attempt_victims = pmf_sys_attempt_victims,

	.hold_open = pmf_sys_hold_open,
	.hold_watch = pmf_sys_hold_watch,
	.hold_read = pmf_sys_hold_read,
	.hold_release = pmf_sys_hold_release,

	.describe_victims = pmf_sys_describe_victims,
	.scan_victims = pmf_sys_scan_victims,
	.signal_victim = pmf_sys_signal_victim,

	.read_badblocks = pmf_sys_read_badblocks,
	.mark_bad = pmf_sys_mark_bad,
	.binding_id = pmf_sys_binding_id,

	.owners = pmf_sys_owners,
	.known_space = pmf_sys_known_space,
	.journal = pmf_sys_journal,
	.file_extents = pmf_sys_file_extents,
	.open_inode = pmf_sys_open_inode,
	.inode_path = pmf_sys_inode_path,
	.open_files = pmf_sys_open_files,
	.walk_files = pmf_sys_walk_files,

	.remount_ro = pmf_sys_remount_ro,

	.list_hooks = pmf_sys_list_hooks,
	.run_hook = pmf_sys_run_hook,

	.lock_device = pmf_sys_lock_device,
};

int pmf_sys_new(const struct pmf_policy *policy, struct pmf_sys **ret)
{
	_cleanup_free_ struct pmf_sys *s = calloc(1, sizeof(*s));
	_cleanup_free_ struct pmf_real *real = calloc(1, sizeof(*real));
	int r;

	if (!s || !real)
		return -ENOMEM;
	real->policy = *policy;
	real->policy.overrides = NULL;	/* the caller's, and not for us to know */
	real->policy.n_overrides = 0;
	r = pmf_guard_new(&real->guard);
	if (r < 0)
		return r;
	s->ops = &real_ops;
	s->data = TAKE_PTR(real);
	*ret = TAKE_PTR(s);
	return 0;
}

struct pmf_sys *pmf_sys_free(struct pmf_sys *s)
{
	struct pmf_real *real;

	if (!s)
		return NULL;
	real = pmf_real(s);
	(void)pmf_guard_free(real->guard);
	free(real);
	free(s);
	return NULL;
}
