/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Time. CLOCK_BOOTTIME is what the module and /proc/PID/stat count in;
 * CLOCK_REALTIME is for people and the store. May be called frozen.
 */
#include <time.h>

#include "sys/sys-internal.h"

uint64_t pmf_boottime_ns(void)
{
	struct timespec t;
	int r = clock_gettime(CLOCK_BOOTTIME, &t);

	assert(r == 0);		/* since 2.6.39 */
	(void)r;
	return (uint64_t)t.tv_sec * PMF_NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* Async-signal-safe: the guard sleeps with it too. */
void pmf_sleep_us(uint64_t us)
{
	struct timespec t = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000 * PMF_NS_PER_US),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

uint64_t pmf_sys_now_boottime_ns(struct pmf_sys *s)
{
	(void)s;
	return pmf_boottime_ns();
}

uint64_t pmf_sys_now_realtime_us(struct pmf_sys *s)
{
	struct timespec t;
	int r = clock_gettime(CLOCK_REALTIME, &t);

	(void)s;
	assert(r == 0);
	(void)r;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / PMF_NS_PER_US;
}

void pmf_sys_sleep_us(struct pmf_sys *s, uint64_t us)
{
	(void)s;
	pmf_sleep_us(us);
}
