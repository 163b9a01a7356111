/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two ways of a context: directly on this machine, or over D-Bus by pmemfaild.
 * calls.c checks what the caller gave and goes one of them; nobody else asks which it
 * is. Only lib/ itself includes this.
 */
#ifndef PMF_OPS_H
#define PMF_OPS_H

#include "context.h"
#include "flow/progress.h"

/* Arguments are not NULL where the public call wants them, states and such in range;
 * progress may be. */
struct pmf_ops {
	int (*list_devices)(struct pmemfail *ctx, struct pmemfail_devices **ret);
	int (*device_badblocks)(struct pmemfail *ctx, const struct pmf_device *d,
				struct pmf_ranges *bad, bool *ret_full);
	int (*list_failures)(struct pmemfail *ctx, int state, uint64_t before,
			     pmemfail_failure_fn fn, void *userdata);
	int (*get_failure)(struct pmemfail *ctx, uint64_t id, struct pmf_failure **ret);
	int (*assess)(struct pmemfail *ctx, const char *device, struct pmf_failure **ret);
	int (*assess_range)(struct pmemfail *ctx, const char *device, struct pmf_range range,
			    bool deep, pmemfail_progress_fn progress, void *userdata,
			    struct pmf_failure **ret);
	int (*prepare_remove)(struct pmemfail *ctx, const char *device,
			      struct pmf_progress *progress, struct pmf_failure **ret);
	int (*report)(struct pmemfail *ctx, const char *device, struct pmf_range range,
		      pmemfail_failure_fn fn, void *userdata);
	int (*report_spa)(struct pmemfail *ctx, struct pmf_range range,
			  pmemfail_failure_fn fn, void *userdata);
	int (*replay)(struct pmemfail *ctx, const char *device, struct pmf_progress *progress,
		      pmemfail_failure_fn fn, void *userdata);
	int (*diagnose)(struct pmemfail *ctx, struct pmemfail_diagnosis **ret);
	int (*frozen)(struct pmemfail *ctx, pmemfail_name_fn fn, void *userdata);
	int (*event_counters)(struct pmemfail *ctx, uint64_t *ret_events,
			      uint64_t *ret_merges);
	int (*reload)(struct pmemfail *ctx);
	int (*inhibit)(struct pmemfail *ctx, const char *what, const char *who,
		       const char *why);
	int (*monitor)(struct pmemfail *ctx, struct pmemfail_monitor **ret);
};

extern const struct pmf_ops pmf_direct_ops;

int pmf_direct_list_devices(struct pmemfail *ctx, struct pmemfail_devices **ret);
int pmf_direct_device_badblocks(struct pmemfail *ctx, const struct pmf_device *d,
				struct pmf_ranges *bad, bool *ret_full);
int pmf_direct_list_failures(struct pmemfail *ctx, int state, uint64_t before,
			     pmemfail_failure_fn fn, void *userdata);
int pmf_direct_get_failure(struct pmemfail *ctx, uint64_t id, struct pmf_failure **ret);
int pmf_direct_assess(struct pmemfail *ctx, const char *device, struct pmf_failure **ret);
int pmf_direct_assess_range(struct pmemfail *ctx, const char *device, struct pmf_range range,
			    bool deep, pmemfail_progress_fn progress, void *userdata,
			    struct pmf_failure **ret);
int pmf_direct_prepare_remove(struct pmemfail *ctx, const char *device,
			      struct pmf_progress *progress, struct pmf_failure **ret);
int pmf_direct_report(struct pmemfail *ctx, const char *device, struct pmf_range range,
		      pmemfail_failure_fn fn, void *userdata);
int pmf_direct_report_spa(struct pmemfail *ctx, struct pmf_range range,
			  pmemfail_failure_fn fn, void *userdata);
int pmf_direct_replay(struct pmemfail *ctx, const char *device, struct pmf_progress *progress,
		      pmemfail_failure_fn fn, void *userdata);
int pmf_direct_diagnose(struct pmemfail *ctx, struct pmemfail_diagnosis **ret);
int pmf_direct_frozen(struct pmemfail *ctx, pmemfail_name_fn fn, void *userdata);
int pmf_direct_event_counters(struct pmemfail *ctx, uint64_t *ret_events,
			      uint64_t *ret_merges);
int pmf_direct_monitor(struct pmemfail *ctx, struct pmemfail_monitor **ret);

/* devices.c: a list of them, to which the topology belongs; also on failure. */
int pmf_devices_new(struct pmf_topology *t, struct pmemfail_devices **ret);

/* --- monitors -------------------------------------------------------------- */

struct pmf_monitor_ops {
	/* The next notice; -EAGAIN: none for now. */
	int (*next)(struct pmemfail_monitor *m, struct pmemfail_notice **ret);
	/* All but ctx, and m itself. */
	void (*done)(struct pmemfail_monitor *m);
};

/* The first member of what each way has of its own, which is freed with it. */
struct pmemfail_monitor {
	const struct pmf_monitor_ops *ops;
	struct pmemfail *ctx;		/* a reference */
	int fd;				/* for the caller to poll */
};

/* Zeroed, of size bytes, with a reference to ctx. */
struct pmemfail_monitor *pmf_monitor_alloc(struct pmemfail *ctx, size_t size,
					   const struct pmf_monitor_ops *ops);

#endif
