/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of XFS that pmemfail makes, as the kernel has them (fs/xfs/libxfs/
 * xfs_fs.h). Written out because the installed header comes with xfsprogs, not
 * with the kernel's headers, and may be older than the kernel that runs.
 */
#ifndef PMF_SYS_XFS_ABI_H
#define PMF_SYS_XFS_ABI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PMF_XFS_MAGIC	0x58465342	/* statfs(2) */
#define PMF_EXT4_MAGIC	0xef53

/* Types of file handles: of the kernel (linux/exportfs.h), and of xfs_export.h. */
#define PMF_HANDLE_INO32_GEN	1
#define PMF_HANDLE_INO64_GEN	0x81

struct pmf_xfs_geometry {
	__u32 blocksize, rtextsize, agblocks, agcount, logblocks, sectsize, inodesize,
	      imaxpct;
	__u64 datablocks, rtblocks, rtextents, logstart;
	__u8 uuid[16];
	__u32 sunit, swidth;
	__s32 version;
	__u32 flags, logsectsize, rtsectsize, dirblocksize, logsunit, sick, checked;
	__u64 reserved[17];
};
#define PMF_XFS_GEOMETRY	_IOR('X', 126, struct pmf_xfs_geometry)
#define PMF_XFS_GEOMETRY_RMAPBT	(1U << 19)

/* Head of BULKSTAT and INUMBERS. */
struct pmf_xfs_bulk_head {
	__u64 ino;		/* to begin with; the kernel puts the next one here */
	__u32 flags, icount, ocount, agno;
	__u64 reserved[5];
};

struct pmf_xfs_bulkstat {
	__u64 ino, size, blocks, xflags;
	__s64 atime, mtime, ctime, btime;
	__u32 gen, uid, gid, projectid, atime_nsec, mtime_nsec, ctime_nsec, btime_nsec,
	      blksize, rdev, cowextsize_blks, extsize_blks, nlink, extents, aextents;
	__u16 version, forkoff, sick, checked, mode, pad2;
	__u64 extents64, pad[6];
};

/* The kernel counts the head alone in the number of the call. */
#define PMF_XFS_BULKSTAT	_IOR('X', 127, struct pmf_xfs_bulk_head)

struct pmf_xfs_inumbers {
	__u64 startino, allocmask;
	__u8 alloccount, version, padding[6];
};
#define PMF_XFS_INUMBERS	_IOR('X', 128, struct pmf_xfs_bulk_head)

/* GETPARENTS, since 6.10; EOPNOTSUPP unless the filesystem was made with it. */
struct pmf_xfs_parents {
	__u32 cursor[4];
	__u16 iflags, oflags;
	__u32 bufsize;
	__u64 reserved;
	__u64 buffer_address;
	/* here ends the kernel's struct */
	char buffer[4096] __attribute__((aligned(8)));
};
#define PMF_XFS_PARENTS_ROOT	(1U << 0)
/* The size in the number is that of the kernel's struct. */
#define PMF_XFS_GETPARENTS	_IOC(_IOC_READ | _IOC_WRITE, 'X', 62, 40)

struct pmf_xfs_parent {
	__u64 fsid;
	__u16 fid_len, fid_pad;
	__u32 generation;
	__u64 ino;
	__u32 reclen;		/* of the whole record */
	__u32 reserved;
	char name[];
};

#endif
