/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages that failed and are not on disk yet, kept in RuntimeDirectory over the death of
 * the process: reading a trace's buffer takes out of it what is read. The file is mapped,
 * so what is written into it is there, whenever the process is killed. Of the engine,
 * which is alone; trace.c calls.
 */
#ifndef PMF_SYS_TRACE_KEEP_H
#define PMF_SYS_TRACE_KEEP_H

#include "model/range.h"

/* Pages that it has room for: as many as come while the disk is slow. */
#define PMF_TRACE_KEEP_MAX	8192

struct pmf_trace_keep;

/*
 * With what a predecessor left in it. A file that is not such a one, of this version, is
 * replaced: then 1 is returned; so it is when part of it is no address.
 */
int pmf_trace_keep_open(const char *run_dir, size_t page_size, struct pmf_trace_keep **ret);
struct pmf_trace_keep *pmf_trace_keep_close(struct pmf_trace_keep *k);

/* Room for one page of the trace's buffer, to be read into, so that at no moment its
 * records are in no place that outlives us. All zero unless a predecessor died there. */
void *pmf_trace_keep_buffer(struct pmf_trace_keep *k);
/* Each record of the buffer is kept by itself, or will never be asked for. */
void pmf_trace_keep_clear_buffer(struct pmf_trace_keep *k);

size_t pmf_trace_keep_count(const struct pmf_trace_keep *k);
uint64_t pmf_trace_keep_at(const struct pmf_trace_keep *k, size_t i);
/* False: there is no room. */
bool pmf_trace_keep_add(struct pmf_trace_keep *k, uint64_t spa);
/* Another one takes its place: go on with the same i. */
void pmf_trace_keep_drop(struct pmf_trace_keep *k, size_t i);

#endif
