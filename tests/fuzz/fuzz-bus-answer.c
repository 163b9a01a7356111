// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers to the library over D-Bus, by somebody who calls himself pmemfaild. What is
 * taken is what is promised: the device that was asked for, ranges in order and apart,
 * properties of their types; else the call fails with a sentence.
 */
#include "bus.h"
#include "fuzz-message.h"

static void refused(int r)
{
	CHECK(r < 0 && *pmemfail_why());
}

static void ranges(sd_bus_message *m, struct fuzz *f)
{
	struct pmf_ranges set = { 0 };
	int r;

	fuzz_append_ranges(m, f);
	fuzz_message_end(m);
	r = pmf_bus_read_ranges(m, &set);
	fuzz_check_ranges(&set, UINT64_MAX);
	if (r < 0)
		refused(r);
	else
		CHECK(sd_bus_message_at_end(m, 1) > 0);
	pmf_ranges_done(&set);
}

static void failures(sd_bus_message *m, struct fuzz *f, bool several)
{
	struct pmf_failure **v = NULL;
	size_t n = 0;
	int r;

	fuzz_append_string(m, f);
	fuzz_message_end(m);
	if (several) {
		r = pmf_bus_read_failures(m, &v, &n);
	} else {
		v = calloc(1, sizeof(*v));
		CHECK(v);
		r = pmf_bus_read_failure(m, 12, v);
		n = r == 0;
		CHECK(r < 0 || v[0]->id == 12);
	}
	for (size_t i = 0; i < n; i++) {
		CHECK(v[i]->device_id && v[i]->state < PMF_STATE_N);
		pmf_failure_free(v[i]);
	}
	free(v);
	if (r < 0)
		refused(r);
}

static void device(sd_bus_message *m, struct fuzz *f)
{
	struct pmf_device d = { 0 };
	int r;

	fuzz_append_string(m, f);
	fuzz_message_end(m);
	r = pmf_bus_read_device(m, "p/n", &d);
	CHECK(r < 0 || streq(d.id, "p/n"));
	if (r < 0)
		refused(r);
	pmf_device_done(&d);
}

static void properties(sd_bus_message *m, struct fuzz *f)
{
	static const struct pmf_bus_want want[] = {
		{ "BadRanges", "a(tt)" }, { "BadRangesComplete", "b" }, { "Size", "t" },
	};
	static const char *const names[] = { "BadRanges", "BadRangesComplete", "Size", NULL };
	struct pmf_ranges set = { 0 };
	uint64_t size;
	int r, complete;
	size_t i;

	fuzz_append_options(m, f, names);
	fuzz_message_end(m);
	CHECK(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
	while ((r = pmf_bus_next_value(m, want, ARRAY_SIZE(want), &i)) > 0) {
		CHECK(i < ARRAY_SIZE(want));
		r = i == 0 ? pmf_bus_read_ranges(m, &set) :
		    i == 1 ? sd_bus_message_read(m, "b", &complete) :
			     sd_bus_message_read(m, "t", &size);
		if (r < 0)
			break;	/* ranges out of order; the others are as wanted */
		CHECK(pmf_bus_value_done(m) == 0);
	}
	if (r < 0)
		refused(r);
	pmf_ranges_done(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	_cleanup_message_ sd_bus_message *m = fuzz_message_of("Answer");

	switch (fuzz_u8(&f) % 5) {
	case 0: ranges(m, &f); break;
	case 1: failures(m, &f, false); break;
	case 2: failures(m, &f, true); break;
	case 3: device(m, &f); break;
	case 4: properties(m, &f); break;
	}
	return 0;
}
