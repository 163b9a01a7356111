// SPDX-License-Identifier: GPL-2.0-only
/* See fuzz-message.h. */
#include <fcntl.h>
#include <sys/socket.h>

#include "base/str.h"
#include "fuzz-message.h"

/* A bus that nobody listens to: messages need one to be made. */
static sd_bus *a_bus(void)
{
	static sd_bus *bus;
	int fds[2];

	if (!bus) {
		CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
		CHECK(sd_bus_new(&bus) == 0 && sd_bus_set_fd(bus, fds[0], fds[0]) == 0);
		CHECK(sd_bus_start(bus) >= 0);
	}
	return bus;
}

sd_bus_message *fuzz_message_of(const char *member)
{
	sd_bus_message *m;

	CHECK(sd_bus_message_new_method_call(a_bus(), &m, "org.pmemfail1", "/org/pmemfail1",
					     "org.pmemfail1.Manager", member) >= 0);
	return m;
}

void fuzz_message_end(sd_bus_message *m)
{
	CHECK(sd_bus_message_seal(m, 1, 0) >= 0 && sd_bus_message_rewind(m, 1) >= 0);
}

/* sd-bus takes nothing but valid UTF-8, of itself and of others. */
static char *string(struct fuzz *f)
{
	_cleanup_free_ char *line = fuzz_line(f);
	char *clean = NULL;

	CHECK(pmf_str_to_utf8(line, strlen(line), &clean) == 0);
	return clean;
}

void fuzz_append_string(sd_bus_message *m, struct fuzz *f)
{
	_cleanup_free_ char *s = string(f);

	CHECK(sd_bus_message_append(m, "s", s) >= 0);
}

void fuzz_append_ranges(sd_bus_message *m, struct fuzz *f)
{
	unsigned int n = fuzz_u8(f);

	if (n == 0xff)		/* more than anybody may */
		n = 4096 + fuzz_u8(f) % 2;
	CHECK(sd_bus_message_open_container(m, 'a', "(tt)") >= 0);
	while (n-- > 0) {
		uint64_t a = fuzz_edge(f), b = fuzz_edge(f);

		/* where the input is over, as in a long list: some that are in order */
		if (f->n == 0)
			a = 2ULL * (8192 - n), b = a + 1;
		CHECK(sd_bus_message_append(m, "(tt)", a, b) >= 0);
	}
	CHECK(sd_bus_message_close_container(m) >= 0);
}

static void append_variant(sd_bus_message *m, struct fuzz *f)
{
	_cleanup_free_ char *s = NULL;

	switch (fuzz_u8(f) % 4) {
	case 0:
		CHECK(sd_bus_message_append(m, "v", "b", fuzz_u8(f) & 1) >= 0);
		break;
	case 1:
		CHECK(sd_bus_message_append(m, "v", "t", fuzz_edge(f)) >= 0);
		break;
	case 2:
		s = string(f);
		CHECK(sd_bus_message_append(m, "v", "s", s) >= 0);
		break;
	case 3:
		CHECK(sd_bus_message_open_container(m, 'v', "a(tt)") >= 0);
		fuzz_append_ranges(m, f);
		CHECK(sd_bus_message_close_container(m) >= 0);
		break;
	}
}

void fuzz_append_options(sd_bus_message *m, struct fuzz *f, const char *const *names)
{
	unsigned int n_names = 0;

	while (names[n_names])
		n_names++;
	CHECK(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	for (unsigned int n = fuzz_u8(f) % 5; n > 0; n--) {
		_cleanup_free_ char *s = NULL;
		unsigned int i = fuzz_u8(f) % (n_names + 1);

		CHECK(sd_bus_message_open_container(m, 'e', "sv") >= 0);
		s = i < n_names ? strdup(names[i]) : string(f);
		CHECK(s && sd_bus_message_append(m, "s", s) >= 0);
		append_variant(m, f);
		CHECK(sd_bus_message_close_container(m) >= 0);
	}
	CHECK(sd_bus_message_close_container(m) >= 0);
}
