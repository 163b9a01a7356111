/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading /proc/PID/maps, or what is open, of processes that may not want to be read.
 *
 * The read takes the process's mmap_lock (m_start()), and a process can see to it
 * that this lasts for ever: one thread waits for a page of a FUSE file, another
 * for the lock. So a child does the reading, which is killed when it gets no
 * further, and that process is left out. proc.c, scan.c and openfiles.c call this.
 */
#ifndef PMF_SYS_MAPS_READER_H
#define PMF_SYS_MAPS_READER_H

#include "sys/parse.h"

#define PMF_ANY_START UINT64_MAX

struct pmf_maps_want {
	int32_t pid;
	uint64_t start_ticks;	/* as in its stat, or PMF_ANY_START */
	uint64_t address;	/* only for by_address */
	size_t tag;		/* the caller's own */
};

struct pmf_open_file {
	int32_t task;		/* which has it; 0: all of the process */
	int32_t fd;
	int mount;
	uint64_t ino;
};

struct pmf_maps_hit {
	size_t index;		/* of the want */
	uint64_t start_ticks;
	char comm[16];
	struct pmf_maps_line line;	/* its path is terminated, and NULL when it is
					 * longer than anyone should have it */
	struct pmf_open_file file;	/* instead, with files */
};

struct pmf_maps_query {
	const struct pmf_maps_want *wants;
	size_t n;
	/* The area at each wanted address: wants sorted by pid, start, address.
	 * Otherwise all areas of files of devno. */
	bool by_address;
	dev_t devno;
	bool dax;		/* devno is a device-DAX node */
	bool files;		/* what is open, instead: of any devno, by no address */
	unsigned int stall_ms;	/* longest for one step of one process */
	unsigned int total_ms;	/* longest in all */
	/* Called for each; non-zero stops and is returned. */
	int (*fn)(const struct pmf_maps_hit *hit, void *userdata);
	void *userdata;
};

/* *ret_left_out: how many wants could not be answered in time. Kernel threads and
 * processes that are gone or another by now have no areas. */
int pmf_read_maps(const struct pmf_maps_query *q, size_t *ret_left_out);

#endif
