// SPDX-License-Identifier: GPL-2.0-only
/*
 * The errors of each operation. See fake-errors.h.
 *
 * Left out is what is an answer rather than a failure: -ENOENT of mounted_fstype or
 * open_inode, -ESTALE of open_inode, -EPERM of open_inode (it is metadata), -EOPNOTSUPP
 * of file_extents (it is a directory). Given for what is there, those would be lies, and
 * whoever believes them is not wrong. Scenarios have them where they are true.
 */
#include "base/str.h"
#include "fake-errors.h"

const struct fake_errors fake_errors[] = {
	{ "read_topology", { -ENOMEM, -EMFILE, -ENODEV, -EIO },
	  "memory and files of libndctl; a device that goes while it is read; sysfs" },
	{ "mounted_fstype", { -EACCES, -ENOMEM, -EIO },
	  "access() of a name in /sys/fs: any but ENOENT is passed on" },
	{ "open_site", { -ENOENT, -ESTALE, -EMFILE, -EBUSY, -EIO, -EOPNOTSUPP, -ENOMEM },
	  "gone, covered by another, claimed by another, unreadable, no fsopen() option" },
	{ "unmount", { -EBUSY, -ENOMEM, -EIO },
	  "in use (umount2()); mountinfo that cannot be read" },
	{ "is_own", { -EMFILE, -ENOMEM, -ENAMETOOLONG, -EACCES },
	  "looks at its own directories and binaries" },
	{ "freeze_prepare", { -ENOMEM, -EMFILE, -ENOSPC, -EBADF, -EAGAIN, -EPERM },
	  "a record in /run, which may be full; O_PATH of what is shut down; no thread" },
	{ "freeze", { -ETIMEDOUT, -EBUSY, -EIO, -EOPNOTSUPP, -ENOSPC },
	  "FIFREEZE: late, frozen by another, writeback fails, none; its mark in /run" },
	{ "thaw", { -EIO, -ENOMEM }, "FITHAW, after all its tries: thaw_super()" },
	{ "freeze_done", { 0 }, "cannot fail" },
	{ "shutdown", { -EOPNOTSUPP, -EPERM, -ENOTTY, -EROFS },
	  "neither XFS nor ext4; capable(); not in this kernel; mnt_want_write()" },
	{ "attempt_open", { -ENODEV, -EPROTO, -EACCES, -EMFILE, -ENOMEM },
	  "no module, another ABI, the node's mode; files and memory" },
	{ "attempt_resume", { -ENODEV, -EPROTO, -EACCES, -EMFILE, -ENOMEM },
	  "as attempt_open, and F_DUPFD" },
	{ "attempt_guard", { -EINVAL, -EBADF, -ENOMEM },
	  "kernel/pin.c: no filesystem to freeze, a bad fd, memory" },
	{ "revoke_fs", { -EINTR, -ENOMEM, -EBADF, -EINVAL },
	  "kernel/revoke.c: killed while it waits for a mapping, memory, a bad fd" },
	{ "revoke_file", { -EINTR, -ENOMEM, -EBADF, -EINVAL }, "as revoke_fs" },
	{ "attempt_victims", { -ENOMEM, -EPROTO, -EFAULT },
	  "memory for the list; a list that never ends" },
	{ "hold_open", { -ENODEV, -EPROTO, -EACCES, -EMFILE }, "as attempt_open" },
	{ "hold_watch", { -EBUSY, -ENOENT, -ENOTBLK, -EMFILE, -ENOMEM },
	  "another watches it; the node is gone or is another; files and memory" },
	{ "hold_read", { -EPROTO, -EIO }, "a record of another length; read()" },
	{ "hold_release", { -EBADF, -EFAULT }, "the module's fd is broken" },
	{ "module_probe", { -ENODEV, -EPROTO, -EACCES, -EMFILE }, "as attempt_open" },
	{ "thaw_leftovers", { -EIO, -EACCES, -EMFILE },
	  "FITHAW of one; run_dir is not ours; files" },
	{ "describe_victims", { -ENOMEM, -EMFILE }, "only these stop it: /proc may say what it likes" },
	{ "scan_victims", { -ENOMEM, -EMFILE, -EACCES }, "reads all of /proc" },
	{ "signal_victim", { -ESRCH, -EPERM, -EMFILE, -EINVAL },
	  "gone, another user namespace's, pidfd_open(), init" },
	{ "lock_device", { -EBUSY, -EPERM, -ENOSPC, -EROFS, -EMFILE },
	  "another has it; a file in run_dir" },
	{ "owners", { -EOPNOTSUPP, -EIO, -EBADF, -ENOMEM, -ENOBUFS, -EINVAL },
	  "GETFSMAP: not in ext4 or without rmapbt, shut down or unreadable, O_PATH" },
	{ "known_space", { -EOPNOTSUPP, -EIO, -EBADF, -ENOMEM, -ENOBUFS }, "as owners" },
	{ "journal", { -EOPNOTSUPP, -EIO, -EMFILE, -ENODEV, -ENOMEM },
	  "reads the device's blocks, which may be the bad ones" },
	{ "open_inode", { -EAGAIN, -EIO, -EMFILE, -ENFILE, -ENOMEM, -EACCES },
	  "a lease; an inode that cannot be read; files and memory" },
	{ "file_extents", { -EIO, -EINTR, -ENOMEM, -EBADF, -ENOBUFS },
	  "FIEMAP: extents that cannot be read, a signal, memory" },
	{ "open_files", { -ENOMEM, -EMFILE, -EACCES }, "reads all of /proc" },
	{ "walk_files", { -EIO, -ENOMEM, -EMFILE, -EOPNOTSUPP }, "reads directories" },
	{ "inode_path", { -ENOENT, -ENOMEM, -EIO, -EMFILE }, "/proc/self/fd; parent pointers" },
	{ "remount_ro", { -EBUSY, -EIO, -EPERM, -EROFS },
	  "reconfigure_super(): open for writing, sync fails, denied, an error of the journal" },
	{ "read_badblocks", { -ENODEV, -EIO, -EMFILE, -ENOMEM, -EACCES },
	  "sysfs of a device that may go" },
	{ "mark_bad", { -ENOSPC, -EOPNOTSUPP, -EACCES, -EIO, -EMFILE },
	  "the list is full, is none, sysfs" },
	{ "binding_id", { -EOPNOTSUPP, -EBADMSG, -EMFILE, -ENOMEM },
	  "no disk sequence number, as before 5.15" },
	{ "list_hooks", { -ENOMEM, -EMFILE, -EACCES }, "a directory" },
	{ "run_hook", { -ENOMEM, -EMFILE, -EACCES, -EAGAIN }, "a file, and fork()" },
	{ "store_open", { -ENOSPC, -EROFS, -EBUSY, -EIO }, "SQLite on a filesystem" },
	{ "store_put", { -ENOSPC, -EROFS, -EBUSY, -EIO }, "SQLite on a filesystem" },
	{ "note_write", { -ENOSPC, -EROFS, -EMFILE, -ENOMEM }, "a file in run_dir" },
	{ "note_remove", { -EROFS, -EACCES, -EMFILE }, "a file in run_dir" },
	{ NULL, { 0 }, NULL },
};

static const struct fake_errors *find(const char *op)
{
	for (const struct fake_errors *e = fake_errors; e->op; e++)
		if (streq(e->op, op))
			return e;
	abort();	/* an operation that nobody has thought about */
}

int fake_error_of(const char *op, unsigned int nth)
{
	return nth < FAKE_ERRORS ? find(op)->errors[nth] : 0;
}

unsigned int fake_errors_of(const char *op)
{
	unsigned int n = 0;

	while (fake_error_of(op, n) < 0)
		n++;
	return n;
}
