/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pure parsers of what the kernel prints: device-mapper tables, /proc, lists of bad
 * blocks, trace events. They touch nothing but their arguments, so that they can be tested and
 * fuzzed without a machine. lib/sys calls them. Those of parse-proc.c do not
 * allocate: the reader of maps runs where malloc() may not be called.
 */
#ifndef PMF_SYS_PARSE_H
#define PMF_SYS_PARSE_H

#include "model/topology.h"

/* --- parse-dm.c --- */

/*
 * One target of a device-mapper table, positions in sectors. Appends its
 * segments, if any. Returns 1 when data can be followed through it (linear,
 * striped), 0 when it holds none (error, zero), -EOPNOTSUPP for another type,
 * -EINVAL for nonsense, -ENOMEM. On failure nothing is appended.
 */
int pmf_dm_parse_target(uint64_t start, uint64_t length, const char *type,
			const char *params, struct pmf_segment **segments, size_t *n,
			size_t *cap);

/* --- parse-proc.c --- */

/* A line of /proc/PID/maps. */
struct pmf_maps_line {
	uint64_t start, end;	/* addresses */
	uint64_t offset;	/* bytes in the file */
	dev_t devno;		/* of the superblock */
	uint64_t ino;
	const char *path;	/* in the line, not terminated; NULL: none */
	size_t path_len;	/* newlines are \012 in it, and the kernel does not
				 * escape the backslash: not decoded */
};

/* line of n bytes, without its newline. -EINVAL. */
int pmf_parse_maps_line(const char *line, size_t n, struct pmf_maps_line *ret);

struct pmf_proc_stat {
	char comm[16];
	char state;
	uint64_t flags;		/* PF_* of the kernel */
	uint64_t start_ticks;	/* since boot, in units of 1/sysconf(_SC_CLK_TCK) */
};
#define PMF_PF_EXITING	0x00000004
#define PMF_PF_KTHREAD	0x00200000

int pmf_parse_proc_stat(const char *text, struct pmf_proc_stat *ret);

/* The real uid out of /proc/PID/status. */
int pmf_parse_proc_uid(const char *text, uint32_t *ret);

/*
 * Who runs a process, out of /proc/PID/cgroup: the system's unit, foo.service;
 * when that is itself a manager or container, also the innermost unit of those
 * below it, user@1000.service/bar.service: a user names the latter as they like,
 * so it never stands alone. Without a unit the path of the cgroup. -ENOENT: the
 * root. -ENAMETOOLONG.
 */
int pmf_parse_cgroup(const char *text, char *buf, size_t size);

/* Mount and inode of an open file, from its fdinfo. -EBADMSG. */
int pmf_parse_fdinfo(const char *text, int *ret_mount, uint64_t *ret_ino);

/*
 * Next swap area of /proc/swaps: its path, decoded, and whether it is a block
 * device. Returns 1, or 0 at the end. *pos begins at the text.
 */
int pmf_parse_swaps(const char **pos, char *path, size_t size, bool *ret_block);

/*
 * The value of KEY=VALUE among mount options, separated by commas, as libmount gives
 * them. -ENOENT: not there, or without a value; -ENAMETOOLONG.
 */
int pmf_parse_mount_option(const char *options, const char *key, char *buf, size_t size);

/* --- parse-badblocks.c --- */

/*
 * The text of a badblocks file, n bytes, as bytes of whatever the list is of; page is
 * the kernel's page size. *ret_full: the list is full, or longer than what sysfs
 * prints of it: there may be more. What *ret had is freed. -EINVAL, -ERANGE.
 */
int pmf_parse_badblocks(const char *text, size_t n, size_t page, struct pmf_ranges *ret,
			bool *ret_full);
/* Add to a set of bytes of the device what of a region's list lies in it. An address
 * that is UINT64_MAX is unknown: adds nothing. */
int pmf_badblocks_of_region(const struct pmf_ranges *region, uint64_t region_spa,
			    uint64_t spa, uint64_t size, struct pmf_ranges *to);
/* Outwards to sectors. -EINVAL: empty, or not in a device of this size. */
int pmf_badblocks_widen(struct pmf_range r, uint64_t size, struct pmf_range *ret);
/* Take from *rest, which is in whole sectors, as much as one entry of a list holds.
 * False: nothing is left. */
bool pmf_badblocks_piece(struct pmf_range *rest, uint64_t *ret_sector,
			 unsigned int *ret_count);

/* --- parse-trace.c --- */

struct pmf_trace_field {
	size_t offset, size;	/* bytes */
};

/* Where a record of ras:memory_failure_event has what. */
struct pmf_trace_layout {
	uint64_t id;		/* that its type must be */
	struct pmf_trace_field type, pfn;
};

/* Out of the event's format file. -EBADMSG: not of such an event. */
int pmf_parse_trace_format(const char *text, size_t n, const char *system,
			   const char *event, struct pmf_trace_layout *ret);
/* Returns 1, with the physical range of the page, or 0 for another event's record.
 * -EBADMSG. */
int pmf_parse_trace_record(const void *record, size_t n, const struct pmf_trace_layout *l,
			   uint64_t page, struct pmf_range *ret_spa);

/* All such records of a page of a trace's buffer, of n bytes, which is as much as a page
 * of memory. -EBADMSG: some of it is none; what comes before that was given.
 * *ret_missed, also then: records before it were lost. */
typedef void (*pmf_trace_page_fn)(struct pmf_range spa, void *userdata);
int pmf_parse_trace_page(const void *page, size_t n, const struct pmf_trace_layout *l,
			 pmf_trace_page_fn fn, void *userdata, bool *ret_missed);

#endif
