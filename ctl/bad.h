/* SPDX-License-Identifier: GPL-2.0-only */
/* The bad ranges of devices with their owners, as the kernel and the record tell. */
#ifndef CTL_BAD_H
#define CTL_BAD_H

#include "ctl.h"
#include "strip.h"

/* Poison on record that is not cleared, with sites. */
struct open_failures {
	struct pmemfail_failure **v;
	size_t n;
};

/* 0 or the library's error. */
int open_failures_read(struct pmemfail *lib, struct open_failures *ret);
void open_failures_done(struct open_failures *o);

struct bad {
	struct strip_range *v;
	size_t n;
	uint64_t bytes;
	bool full;	/* the kernel's list is: there may be more */
};

/* Nothing for a device that is not bound. 0 or the library's error. */
int bad_read(struct pmemfail *lib, const struct pmemfail_device *d,
	     const struct open_failures *o, struct bad *ret);
void bad_done(struct bad *b);

/* As a strip with a legend and the first ranges one by one. */
void bad_print(const struct ctl *c, const struct pmemfail_device *d, const struct bad *b,
	       const struct open_failures *o);
/* Adds "badblocks": ranges with start, end and owner, and "badblocks_full". */
void bad_add_json(struct json_object *to, const struct bad *b);

#endif
