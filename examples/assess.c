/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * assess DEVICE: which processes would notice if it went away? Changes nothing.
 *
 *	cc assess.c $(pkg-config --cflags --libs libpmemfail)
 */
#include <errno.h>
#include <pmemfail/pmemfail.h>
#include <stdio.h>

static void print_site(const struct pmemfail_site *site)
{
	const char *mountpoint = pmemfail_site_mountpoint(site);

	printf("%s %s\n", pmemfail_site_kind(site), mountpoint ? mountpoint : "");
	for (size_t i = 0; i < pmemfail_site_victims(site); i++)
		printf("\tprocess %d of user %u\n",
		       (int)pmemfail_victim_pid(pmemfail_site_victim(site, i)),
		       (unsigned int)pmemfail_victim_uid(pmemfail_site_victim(site, i)));
}

int main(int argc, char **argv)
{
	struct pmemfail_failure *f = NULL;
	struct pmemfail *lib;
	int r;

	if (argc != 2) {
		fputs("usage: assess DEVICE\n", stderr);
		return 2;
	}
	r = pmemfail_new(&lib);
	if (r >= 0)
		r = pmemfail_read_config(lib, NULL);
	if (r >= 0)
		r = pmemfail_assess(lib, argv[1], &f);
	if (r < 0)
		fprintf(stderr, "assess: %s\n", pmemfail_why());
	for (size_t i = 0; i < pmemfail_failure_sites(f); i++)
		print_site(pmemfail_failure_site(f, i));
	pmemfail_failure_free(f);
	pmemfail_unref(lib);
	return r == -ENODEV ? 4 : r < 0;
}
