// SPDX-License-Identifier: GPL-2.0-only
/* What the pmemfaild that is none answers; see fake-bus.h. */
#include "fake-server.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

#define MANAGER	"org.pmemfail1.Manager"
#define JOB	"/org/pmemfail1/job/7"

struct server {
	struct fake_bus_shared *s;
	sd_bus *bus;
	bool over;		/* the job */
	unsigned int looks;	/* how often it was asked for */
	int inhibitor;		/* our end of it */
};

static int text(sd_bus_message *m, const char *format, uint64_t id)
{
	size_t n = strlen(format) + 64;
	char *s = malloc(n);
	int r;

	if (!s)
		abort();
	/* The id stands first in the document: "%llu" would be a format of others' text. */
	(void)snprintf(s, n, "{\"id\":%llu,%s", (unsigned long long)id, format + 1);
	r = sd_bus_reply_method_return(m, "s", s);
	free(s);
	return r;
}

static int huge(sd_bus_message *m, size_t n)
{
	char *s = malloc(n + 1);
	int r;

	if (!s)
		abort();
	memset(s, '[', n);
	s[n] = '\0';
	r = sd_bus_reply_method_return(m, "s", s);
	free(s);
	return r;
}

/* The filter's Before; of the others the client knows nothing. */
static uint64_t before(sd_bus_message *m)
{
	uint64_t id = UINT64_MAX;
	const char *key, *state;

	if (sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
		abort();
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		if (sd_bus_message_read(m, "s", &key) < 0 ||
		    (strcmp(key, "Before") == 0 ? sd_bus_message_read(m, "v", "t", &id) :
		     sd_bus_message_read(m, "v", "s", &state)) < 0 ||
		    sd_bus_message_exit_container(m) < 0)
			abort();
	}
	return id;
}

/* Two in an answer, so that a client asks again. */
#define PAGE 2

static int list_failures(struct server *v, sd_bus_message *m)
{
	bool bad = v->s->manner == FAKE_BAD_STATE;
	bool again = v->s->manner == FAKE_SAME_AGAIN;
	uint64_t first = again ? UINT64_MAX : before(m);
	sd_bus_message *answer;
	size_t n = 0;
	int r;

	v->s->lists++;
	r = sd_bus_message_new_method_return(m, &answer);
	if (r >= 0)
		r = sd_bus_message_open_container(answer, 'a', "(tssstto)");
	for (size_t i = 0; r >= 0 && i < 8 && v->s->ids[i] && n < PAGE; i++)
		if (v->s->ids[i] < first && ++n)
			r = sd_bus_message_append(answer, "(tssstto)", v->s->ids[i],
						  "poison", bad ? "mad" : "handled", "an id", 1ULL,
						  v->s->updated[i],
						  "/org/pmemfail1/failure/1");
	if (r >= 0)
		r = sd_bus_message_close_container(answer);
	if (r >= 0)
		r = sd_bus_send(NULL, answer, NULL);
	sd_bus_message_unref(answer);
	return r;
}

static int describe_failures(struct server *v, sd_bus_message *m)
{
	uint64_t first = v->s->manner == FAKE_SAME_AGAIN ? UINT64_MAX : before(m);
	size_t n = 0, size = (strlen(v->s->failure) + 64) * PAGE, end = 1;
	char *s = malloc(size);
	int r;

	if (!s)
		abort();
	v->s->lists++;
	s[0] = '[';
	for (size_t i = 0; i < 8 && v->s->ids[i] && n < PAGE; i++)
		if (v->s->ids[i] < first)
			end += (size_t)snprintf(s + end, size - end, "%s{\"id\":%llu,%s",
						n++ ? "," : "", (unsigned long long)v->s->ids[i],
						v->s->failure + 1);
	(void)snprintf(s + end, size - end, "]");
	r = sd_bus_reply_method_return(m, "s", s);
	free(s);
	return r;
}

static int inhibit(struct server *v, sd_bus_message *m)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
	r = sd_bus_reply_method_return(m, "h", fds[1]);
	close(fds[1]);
	v->inhibitor = fds[0];
	return r;
}

static int assess(struct server *v, sd_bus_message *m)
{
	uint64_t offset = 0, length = 0;
	const char *device, *key = "";
	int deep = 0;

	if (sd_bus_message_read(m, "s", &device) < 0 ||
	    sd_bus_message_enter_container(m, 'a', "(tt)") < 0 ||
	    sd_bus_message_read(m, "(tt)", &offset, &length) < 0 ||
	    sd_bus_message_exit_container(m) < 0 ||
	    sd_bus_message_enter_container(m, 'a', "{sv}") < 0 ||
	    sd_bus_message_read(m, "{sv}", &key, "b", &deep) < 0)
		abort();
	(void)snprintf(v->s->options, sizeof(v->s->options), "%s %llu %llu %s %d", device,
		       (unsigned long long)offset, (unsigned long long)length, key, deep);
	return 0;
}

static int begin_job(struct server *v, sd_bus_message *m)
{
	v->over = false;
	v->looks = 0;
	if (sd_bus_message_is_method_call(m, NULL, "Assess"))
		assess(v, m);
	return sd_bus_reply_method_return(m, "o", v->s->manner == FAKE_JOB_ELSEWHERE ?
					  "/org/pmemfail1/jobs" : JOB);
}

static int job_is_over(struct server *v)
{
	return sd_bus_emit_signal(v->bus, "/org/pmemfail1", MANAGER, "JobRemoved", "tos", 7ULL,
				  JOB, "done");
}

/* Running when it is asked for first; then a signal says that it is over. */
static int job_properties(struct server *v, sd_bus_message *m)
{
	bool ends = v->s->manner != FAKE_JOB_ENDLESS, fails = v->s->manner == FAKE_JOB_FAILS;
	const char *state = v->over ? fails ? "failed" : "done" : "running";
	int r;

	if (v->s->manner == FAKE_JOB_MAD)
		state = "mad";
	if (v->s->manner == FAKE_JOB_WRONG_TYPE)
		return sd_bus_reply_method_return(m, "a{sv}", 1, "Done", "s", "a lot");
	r = sd_bus_reply_method_return(m, "a{sv}", 6, "State", "s", state,
				       "Done", "t", 1ULL, "Total", "t", 4ULL,
				       "Error", "s", fails ? "it is\nbroken" : "",
				       "Errno", "i", fails ? -EROFS : 0, "Kind", "s", "assess");
	if (v->s->manner == FAKE_JOB_DIES) {
		sd_bus_flush(v->bus);
		_exit(0);
	}
	if (r >= 0 && ends && !v->over) {
		v->over = true;
		r = sd_bus_emit_signal(v->bus, JOB, "org.freedesktop.DBus.Properties",
				       "PropertiesChanged", "sa{sv}as", "org.pmemfail1.Job", 2,
				       "State", "s", "running", "Done", "t", 3ULL, 0);
		if (r >= 0 && v->s->manner != FAKE_JOB_TOLD)
			r = job_is_over(v);
	}
	return r;
}

static int describe_job(struct server *v, sd_bus_message *m)
{
	size_t n = strlen(v->s->failure) + 64;
	char *s = malloc(n);
	int r;

	if (!s)
		abort();
	(void)snprintf(s, n, "[{\"id\":5,%s]", v->s->failure + 1);
	r = sd_bus_reply_method_return(m, "s", s);
	free(s);
	return r;
}

static int properties(struct server *v, sd_bus_message *m)
{
	const char *interface;

	if (sd_bus_message_read(m, "s", &interface) < 0)
		return -EINVAL;
	if (strcmp(interface, "org.pmemfail1.Job") == 0)
		return job_properties(v, m);
	if (strcmp(interface, MANAGER) == 0)
		return sd_bus_reply_method_return(m, "a{sv}", 3, "Version", "s", "9",
						  "ModuleLoaded", "b", 1, "Other", "as", 1, "x");
	return v->s->manner == FAKE_BAD_RANGES ?
		sd_bus_reply_method_return(m, "a{sv}", 1, "BadRanges", "a(tt)", 1, 9ULL, 4ULL) :
		sd_bus_reply_method_return(m, "a{sv}", 3, "BadRanges", "a(tt)", 2, 512ULL, 1024ULL,
					   4096ULL, 8192ULL, "BadRangesComplete", "b", 0,
					   "Size", "t", 1ULL << 30);
}

static int property(struct server *v, sd_bus_message *m)
{
	bool known = v->s->manner != FAKE_NO_COUNTS;
	const char *interface, *name;

	if (sd_bus_message_read(m, "ss", &interface, &name) < 0)
		return -EINVAL;
	if (strcmp(name, "Counters") == 0)
		return sd_bus_reply_method_return(m, "v", "a{st}", 3, "devices", 4ULL,
						  known ? "events" : "other", 7ULL,
						  known ? "merges" : "another", 3ULL);
	return sd_bus_reply_method_return(m, "v", "as", 2, "pmem0", "dm-0");
}

static int answer(struct server *v, sd_bus_message *m)
{
	const char *member = sd_bus_message_get_member(m);
	uint64_t id;

	if (strcmp(member, "ListDevices") == 0)
		return sd_bus_reply_method_return(m, "a(sssstbo)", 1, "an id", "pmem0",
						  "/dev/pmem0", "fsdax", 1ULL << 30, 1,
						  "/org/pmemfail1/device/an_20id");
	if (strcmp(member, "ListFailures") == 0)
		return list_failures(v, m);
	if (strcmp(member, "DescribeFailures") == 0)
		return describe_failures(v, m);
	if (strcmp(member, "GetAll") == 0)
		return properties(v, m);
	if (strcmp(member, "Get") == 0)
		return property(v, m);
	if (strcmp(member, "Inhibit") == 0)
		return inhibit(v, m);
	if (strcmp(member, "Reload") == 0)
		return sd_bus_reply_method_return(m, "");
	if (strcmp(member, "Cancel") == 0) {
		v->s->canceled++;
		return sd_bus_reply_method_return(m, "");
	}
	if (strcmp(member, "DescribeFailure") == 0) {
		if (v->s->huge)
			return huge(m, v->s->huge);
		return sd_bus_message_read(m, "t", &id) < 0 ? -EINVAL :
		       text(m, v->s->failure, id);
	}
	if (strcmp(member, "Describe") == 0)
		return sd_bus_message_is_method_call(m, "org.pmemfail1.Job", NULL) ?
			describe_job(v, m) : sd_bus_reply_method_return(m, "s", v->s->device);
	return begin_job(v, m);
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct server *v = userdata;

	(void)e;
	if (!sd_bus_message_is_method_call(m, NULL, NULL))
		return 0;
	v->s->calls++;
	if (v->s->manner == FAKE_SILENT)
		return 1;
	if (v->s->manner == FAKE_OTHER_SIGNATURE)
		return sd_bus_reply_method_return(m, "u", 7);
	if (v->s->manner == FAKE_ERROR)
		return sd_bus_reply_method_errorf(m, v->s->error_name, "a sentence");
	return answer(v, m) < 0 ? -EIO : 1;
}

static void obey(struct server *v, const struct fake_command *c)
{
	int r = -EINVAL;

	if (c->what == 'a')
		r = sd_bus_emit_signal(v->bus, "/org/pmemfail1", MANAGER, "FailureAdded", "to",
				       c->id, "/org/pmemfail1/failure/1");
	else if (c->what == 'c')
		r = sd_bus_emit_signal(v->bus, "/org/pmemfail1", MANAGER, "FailureChanged", "tos",
				       c->id, "/org/pmemfail1/failure/1", "handled");
	else if (c->what == 'r')
		r = sd_bus_emit_signal(v->bus, "/org/pmemfail1", MANAGER, "PrepareForRemoval",
				       "sb", "an id", 1);
	else if (c->what == 'p')
		r = sd_bus_emit_signal(v->bus, "/org/pmemfail1", MANAGER,
				       "DeviceProtectionChanged", "sb", "an id", 0);
	else if (c->what == 'j')
		r = job_is_over(v);
	else if (c->what == 'x')
		r = sd_bus_emit_signal(v->bus, "/org/pmemfail1", MANAGER, "FailureChanged", "s",
				       "what?");
	if (r < 0)
		abort();
}

_Noreturn void fake_server_run(struct fake_bus_shared *s, int commands, int ready)
{
	struct server v = { .s = s, .inhibitor = -1 };
	struct fake_command c;
	char byte;

	if (sd_bus_open_system(&v.bus) < 0 || sd_bus_request_name(v.bus, "org.pmemfail1", 0) < 0 ||
	    sd_bus_add_filter(v.bus, NULL, on_message, &v) < 0 || write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = sd_bus_get_fd(v.bus), .events = POLLIN },
			{ .fd = commands, .events = POLLIN },
			{ .fd = v.inhibitor, .events = POLLIN },
		};
		int r;

		while ((r = sd_bus_process(v.bus, NULL)) > 0)
			;
		if (r < 0)
			_exit(2);
		fds[2].fd = v.inhibitor;
		if (sd_bus_flush(v.bus) < 0 || poll(fds, 3, -1) < 0)
			_exit(3);
		if (fds[1].revents && read(commands, &c, sizeof(c)) == sizeof(c))
			obey(&v, &c);
		else if (fds[1].revents)
			_exit(0);
		if (fds[2].revents && read(v.inhibitor, &byte, 1) == 0) {
			s->released++;
			close(v.inhibitor);
			v.inhibitor = -1;
		}
	}
}
