// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who the victims are: the unit that they run in, the file that they map.
 *
 * All of this is chosen by whoever runs the process, and is for people only. A
 * path is as the kernel spells it in /proc/PID/maps: with " (deleted)" behind it
 * when the name is gone, and from the root of its mount when that is not one of
 * ours. Only the table of operations (sys.c) refers to this; scan.c uses
 * process.h.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "sys/maps-reader.h"
#include "sys/process.h"
#include "sys/read.h"

#define STALL_MS	300
#define TOTAL_MS	1000
#define FILE_MAX	(1 << 16)

static uint64_t tick_ns(void)
{
	long hz = sysconf(_SC_CLK_TCK);

	assert(hz > 0);
	return 1000000000 / (uint64_t)hz;
}

uint64_t pmf_ticks_from_ns(uint64_t ns)
{
	return ns / tick_ns();	/* as nsec_to_clock_t() */
}

uint64_t pmf_ns_from_ticks(uint64_t ticks)
{
	uint64_t ns;

	return __builtin_mul_overflow(ticks, tick_ns(), &ns) ? UINT64_MAX : ns;
}

int pmf_process_open(int32_t pid, uint64_t start_ticks, int *ret_dir)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int dir = -1;
	struct pmf_proc_stat st;
	char path[32];
	int err;

	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	err = pmf_read_file(dir, "stat", FILE_MAX, &text, NULL);
	if (err == 0)
		err = pmf_parse_proc_stat(text, &st);
	if (err < 0)
		return err == -ENOENT ? -ESRCH : err;
	if (st.start_ticks != start_ticks)
		return -ESRCH;
	*ret_dir = TAKE_FD(dir);
	return 0;
}

int pmf_process_unit(int dir, char **ret)
{
	_cleanup_free_ char *text = NULL;
	char unit[1024];
	int err;

	err = pmf_read_file(dir, "cgroup", FILE_MAX, &text, NULL);
	if (err == 0)
		err = pmf_parse_cgroup(text, unit, sizeof(unit));
	if (err < 0)
		return err;
	return strdup_to(ret, unit) ? 0 : -ENOMEM;
}

int pmf_process_uid(int dir, uint32_t *ret)
{
	_cleanup_free_ char *text = NULL;
	int err;

	err = pmf_read_file(dir, "status", FILE_MAX, &text, NULL);
	return err < 0 ? err : pmf_parse_proc_uid(text, ret);
}

/* --- describing --- */

struct describe {
	struct pmf_victim *victims;
	struct pmf_maps_want *wants;
};

/* Does the area show the file that the victim was found at? */
static bool is_its_file(const struct pmf_victim *v, const struct pmf_maps_line *l)
{
	static const char dax[] = "/dev/dax";

	/* The inode of a device-DAX mapping is the device's own, not the node's. */
	return v->ino == 0 || l->ino == v->ino || strncmp(l->path, dax, strlen(dax)) == 0;
}

static int take_path(const struct pmf_maps_hit *hit, void *userdata)
{
	struct describe *d = userdata;
	struct pmf_victim *v = &d->victims[d->wants[hit->index].tag];

	if (!hit->line.path || !is_its_file(v, &hit->line))
		return 0;
	return strdup_to(&v->path, hit->line.path) ? 0 : -ENOMEM;
}

static int compare_wants(const void *a, const void *b)
{
	const struct pmf_maps_want *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->start_ticks != y->start_ticks)
		return x->start_ticks < y->start_ticks ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

/* Its unit, taken from the one before it when that is the same process: with many
 * files mapped there are many records of each. 1: it is there. */
static int take_unit(struct pmf_victim *v, const struct pmf_victim *before)
{
	_cleanup_close_ int dir = -1;
	int err;

	if (before && before->unit && before->pid == v->pid &&
	    before->start_ns == v->start_ns)
		return strdup_to(&v->unit, before->unit) ? 1 : -ENOMEM;
	err = pmf_process_open(v->pid, pmf_ticks_from_ns(v->start_ns), &dir);
	if (err == 0)
		err = pmf_process_unit(dir, &v->unit);
	if (err == -ENOMEM)
		return err;
	return dir >= 0;
}

int pmf_sys_describe_victims(struct pmf_sys *s, struct pmf_victim *victims, size_t n)
{
	_cleanup_free_ struct pmf_maps_want *wants = NULL;
	struct describe d = { .victims = victims };
	struct pmf_maps_query q = {
		.by_address = true,
		.stall_ms = STALL_MS,
		.total_ms = TOTAL_MS,
		.fn = take_path,
		.userdata = &d,
	};
	size_t i, left_out;
	int err;

	(void)s;
	if (n == 0)
		return 0;
	d.wants = wants = calloc(n, sizeof(*wants));
	if (!wants)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		err = take_unit(&victims[i], i > 0 ? &victims[i - 1] : NULL);
		if (err < 0)
			return err;
		if (err == 0)
			continue;	/* gone, or not this one any more */
		wants[q.n++] = (struct pmf_maps_want){
			.pid = victims[i].pid,
			.start_ticks = pmf_ticks_from_ns(victims[i].start_ns),
			.address = victims[i].address,
			.tag = i,
		};
	}
	qsort(wants, q.n, sizeof(*wants), compare_wants);
	q.wants = wants;
	return q.n ? pmf_read_maps(&q, &left_out) : 0;
}
