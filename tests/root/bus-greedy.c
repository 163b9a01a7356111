// SPDX-License-Identifier: GPL-2.0-only
/*
 * bus-greedy: users who keep pmemfaild waiting for a person to authenticate.
 *
 *	bus-greedy polkit		be polkit, and never answer
 *	bus-greedy MEMBER N		on N connections four calls each that allow for
 *					authentication, and keep them
 *
 * MEMBER is Assess or Reload. Prints "refused=N" once a second has brought no
 * answer, and then waits for its end. Built by bus-greedy.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define QUIET_US	1000000ULL
#define EACH		4

static unsigned long refused;

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	refused += sd_bus_message_is_method_error(m, NULL) > 0;
	return 0;
}

static int call(sd_bus *bus, const char *member)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(bus, &m, "org.pmemfail1", "/org/pmemfail1",
					       "org.pmemfail1.Manager", member);

	if (r >= 0 && strcmp(member, "Assess") == 0)
		r = sd_bus_message_append(m, "sa(tt)a{sv}", "pmem0", 0, 0);
	if (r >= 0)
		r = sd_bus_message_set_allow_interactive_authorization(m, 1);
	if (r >= 0)
		r = sd_bus_call_async(bus, NULL, m, on_answer, NULL, 600000000ULL);
	sd_bus_message_unref(m);
	return r;
}

/* Until nothing has come for a while. */
static int settle(sd_bus *bus)
{
	int r;

	do {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, QUIET_US);
	} while (r > 0);
	return r;
}

static int be_greedy(const char *member, int n)
{
	sd_bus **buses = calloc((size_t)n, sizeof(sd_bus *));
	int r = 0;

	for (int i = 0; buses && r >= 0 && i < n; i++) {
		r = sd_bus_open_system(&buses[i]);
		for (int k = 0; r >= 0 && k < EACH; k++)
			r = call(buses[i], member);
		if (r >= 0)
			r = sd_bus_flush(buses[i]);
	}
	for (int i = 0; r >= 0 && i < n; i++)
		r = settle(buses[i]);
	if (!buses || r < 0) {
		fprintf(stderr, "bus-greedy: %s\n", strerror(-r));
		return 1;
	}
	printf("refused=%lu\n", refused);
	fflush(stdout);
	pause();
	return 0;
}

static int on_check(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)userdata;
	(void)error;
	sd_bus_message_ref(m);		/* and no answer */
	return 1;
}

static int be_polkit(void)
{
	static const sd_bus_vtable vtable[] = {
		SD_BUS_VTABLE_START(0),
		SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check,
			      SD_BUS_VTABLE_UNPRIVILEGED),
		SD_BUS_VTABLE_END
	};
	sd_bus *bus = NULL;
	int r = sd_bus_open_system(&bus);

	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
					     "org.freedesktop.PolicyKit1.Authority", vtable, NULL);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0);
	while (r >= 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	fprintf(stderr, "bus-greedy: %s\n", strerror(-r));
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "polkit") == 0)
		return be_polkit();
	if (argc == 3)
		return be_greedy(argv[1], atoi(argv[2]));
	return 2;
}
