/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * list: the failures on record, and the file that each has damaged.
 *
 *	cc list.c $(pkg-config --cflags --libs libpmemfail)
 */
#include <ctype.h>
#include <pmemfail/pmemfail.h>
#include <stdio.h>

/* Paths are other users' bytes: they could hold commands for the terminal. */
static void print_safely(const char *s)
{
	for (; *s; s++)
		if (isprint((unsigned char)*s))
			putchar(*s);
		else
			printf("\\x%02x", (unsigned char)*s);
}

static void print_files(const struct pmemfail_site *site)
{
	for (size_t i = 0; i < pmemfail_site_targets(site); i++) {
		const struct pmemfail_target *t = pmemfail_site_target(site, i);
		uint64_t start, end;

		if (!pmemfail_target_path(t))
			continue;
		pmemfail_target_range(t, &start, &end);
		printf("\tbytes %llu to %llu of ", (unsigned long long)start,
		       (unsigned long long)end);
		print_safely(pmemfail_target_path(t));
		putchar('\n');
	}
}

/* What a list gives has no sites: ask for the whole failure. */
static int print_failure(const struct pmemfail_failure *head, void *userdata)
{
	const char *device = pmemfail_failure_device_name(head);
	struct pmemfail_failure *f;

	printf("%llu\t%s\t%s\t%s\n", (unsigned long long)pmemfail_failure_id(head),
	       device ? device : "?", pmemfail_failure_kind(head),
	       pmemfail_state_name(pmemfail_failure_state(head)));
	if (pmemfail_get_failure(userdata, pmemfail_failure_id(head), &f) < 0)
		return 0;	/* it has just left the record */
	for (size_t i = 0; i < pmemfail_failure_sites(f); i++)
		print_files(pmemfail_failure_site(f, i));
	pmemfail_failure_free(f);
	return 0;
}

int main(void)
{
	struct pmemfail *lib;
	int r = pmemfail_new(&lib);

	if (r >= 0)
		r = pmemfail_read_config(lib, NULL);
	if (r >= 0)
		r = pmemfail_list_failures(lib, -1, print_failure, lib);
	if (r < 0)
		fprintf(stderr, "list: %s\n", pmemfail_why());
	pmemfail_unref(lib);
	return r < 0;
}
