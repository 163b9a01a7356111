// SPDX-License-Identifier: GPL-2.0-only
/*
 * bus-storm: send calls without waiting for any answer, as an unkind client would.
 *
 *	bus-storm N [vanish | long | patient | lists]
 *
 * Prints "answers=N errors=N" when all have been answered; with "vanish" it ends as
 * soon as all are sent; "long" sends questions with long answers; "patient" waits for
 * one before it asks the next; "lists" asks for lists only, and prints "untaken=N", too:
 * those refused because the bus takes nothing. Built by bus.sh and bus-many.sh.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

static unsigned long answers, errors, untaken;

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);

	(void)userdata;
	(void)error;
	answers++;
	errors += e != NULL;
	untaken += e && e->message && strstr(e->message, "does not take");
	return 0;
}

static int send_one(sd_bus *bus, unsigned long i)
{
	static const char *const members[] = { "ListDevices", "DescribeFailure", "Replay" };
	const char *member = members[i % 3];
	const char *types = i % 3 == 0 ? NULL : i % 3 == 1 ? "t" : "s";

	if (i % 3 == 1)
		return sd_bus_call_method_async(bus, NULL, "org.pmemfail1", "/org/pmemfail1",
						"org.pmemfail1.Manager", member, on_answer,
						NULL, types, (uint64_t)i);
	return sd_bus_call_method_async(bus, NULL, "org.pmemfail1", "/org/pmemfail1",
					"org.pmemfail1.Manager", member, on_answer, NULL, types,
					"");
}

static int send_long(sd_bus *bus, unsigned long i)
{
	if (i % 3 == 0)
		return sd_bus_call_method_async(bus, NULL, "org.pmemfail1", "/org/pmemfail1",
						"org.freedesktop.DBus.ObjectManager",
						"GetManagedObjects", on_answer, NULL, "");
	return sd_bus_call_method_async(bus, NULL, "org.pmemfail1", "/org/pmemfail1",
					"org.pmemfail1.Manager", i % 3 == 1 ? "ListFailures" :
					"DescribeFailures", on_answer, NULL, "a{sv}", 0);
}

static int send_list(sd_bus *bus)
{
	return sd_bus_call_method_async(bus, NULL, "org.pmemfail1", "/org/pmemfail1",
					"org.pmemfail1.Manager", "ListFailures", on_answer, NULL,
					"a{sv}", 0);
}

/* One more answer, or none within 20 s. */
static int wait_for_answer(sd_bus *bus)
{
	unsigned long before = answers;
	int r = 0;

	while (r >= 0 && answers == before && sd_bus_is_open(bus)) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, 20000000);
	}
	return answers > before ? 0 : -1;
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	bool is_patient = argc > 2 && strcmp(argv[2], "patient") == 0;
	bool is_long = is_patient || (argc > 2 && strcmp(argv[2], "long") == 0);
	bool lists = argc > 2 && strcmp(argv[2], "lists") == 0;
	sd_bus *bus = NULL;

	if (n == 0 || sd_bus_open_system(&bus) < 0)
		return 1;
	for (unsigned long i = 0; i < n; i++)
		if ((lists ? send_list(bus) : is_long ? send_long(bus, i) : send_one(bus, i)) < 0 ||
		    (is_patient && wait_for_answer(bus) < 0))
			return 1;
	if (argc > 2 && !is_long && !lists)
		return sd_bus_flush(bus) < 0;
	while (answers < n && wait_for_answer(bus) == 0)
		;
	printf("answers=%lu errors=%lu", answers, errors);
	if (lists)
		printf(" untaken=%lu", untaken);
	putchar('\n');
	return answers < n;
}
