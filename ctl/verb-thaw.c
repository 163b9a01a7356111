/* SPDX-License-Identifier: GPL-2.0-only */
/* pmemfailctl thaw: undo freezes that a dead pmemfail process left behind. */
#include "ctl.h"
#include "text.h"

int ctl_thaw(struct ctl *c, char **args)
{
	char buf[TEXT_NUMBER_MAX];
	int r;

	(void)args;
	r = pmemfail_thaw_leftovers(c->lib);
	if (r < 0)
		return ctl_error_library(r, "thaw what is left frozen");
	if (c->json) {
		struct json_object *o = ctl_json_new();

		ctl_json_add(o, "thawed", text_alloc(json_object_new_int(r)));
		ctl_json_print(o);
	} else if (r == 0) {
		ctl_say(c, "Nothing was left frozen.");
	} else {
		ctl_say(c, "Thawed %s.", text_count(buf, (uint64_t)r, "filesystem",
						    "filesystems"));
	}
	return CTL_OK;
}
