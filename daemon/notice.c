/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the library's notices look like in the log: one entry for the failure, one
 * for each site, one for each process that was told. manager.c calls this.
 *
 * An entry about a process names its unit as journald's OBJECT_SYSTEMD_UNIT=, so
 * that "systemctl status" of a service that died by SIGBUS says who sent it.
 */
#include "notice.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "names.h"

#define MAX_VICTIMS 64	/* entries for one failure; the record has them all */
#define MAX_TARGETS 64	/* the same */

static const char *device_of(const struct pmemfail_failure *f)
{
	const char *name = pmemfail_failure_device_name(f);

	if (!name)
		name = pmemfail_failure_device_id(f);
	return name ? name : "a pmem device";
}

static int priority_of(enum pmemfail_state s)
{
	switch (s) {
	case PMEMFAIL_PENDING:
	case PMEMFAIL_HANDLING:
	case PMEMFAIL_HANDLED:
		return LOG_WARNING;	/* memory is going: never just information */
	case PMEMFAIL_CLEARED:
		return LOG_NOTICE;
	case PMEMFAIL_FAILED:
	case PMEMFAIL_UNSUPPORTED:
		break;
	}
	return LOG_ERR;
}

static struct log_entry *begin(const struct pmemfail_failure *f, int priority,
			       const char *message_id)
{
	struct log_entry *e = log_begin(priority, message_id);

	log_number(e, FIELD_FAILURE_ID, pmemfail_failure_id(f));
	log_field(e, FIELD_DEVICE, pmemfail_failure_device_name(f));
	log_field(e, FIELD_DEVICE_ID, pmemfail_failure_device_id(f));
	return e;
}

static void log_head(const struct pmemfail_failure *f)
{
	enum pmemfail_state state = pmemfail_failure_state(f);
	const char *reason = pmemfail_failure_reason(f);
	struct log_entry *e = begin(f, priority_of(state), MESSAGE_FAILURE);

	log_field(e, FIELD_KIND, pmemfail_failure_kind(f));
	log_field(e, FIELD_SOURCE, pmemfail_failure_source(f));
	log_field(e, FIELD_STATE, pmemfail_state_name(state));
	if (pmemfail_failure_hold_ns(f) > 0)
		log_number(e, FIELD_HOLD_USEC, pmemfail_failure_hold_ns(f) / 1000);
	log_end(e, "%s: failure %llu (%s, by %s) is %s%s%s", device_of(f),
		(unsigned long long)pmemfail_failure_id(f), pmemfail_failure_kind(f),
		pmemfail_failure_source(f), pmemfail_state_name(state), reason ? ": " : "",
		reason ? reason : "");
}

static void log_site(const struct pmemfail_failure *f, const struct pmemfail_site *s)
{
	const char *problem = pmemfail_site_problem(s), *name = pmemfail_site_name(s);
	struct log_entry *e = begin(f, problem ? LOG_ERR : LOG_NOTICE, MESSAGE_SITE);

	log_field(e, FIELD_SITE, name);
	log_field(e, FIELD_FSTYPE, pmemfail_site_fstype(s));
	log_field(e, FIELD_MOUNTPOINT, pmemfail_site_mountpoint(s));
	log_number(e, FIELD_TOLD, pmemfail_site_told(s));
	log_number(e, FIELD_FROZEN_USEC, pmemfail_site_frozen_ns(s) / 1000);
	if (problem)
		log_end(e, "%s: %s: %s", device_of(f), name ? name : "a site", problem);
	else if (pmemfail_site_holder(s))
		log_end(e, "%s: %s is used by %s, which pmemfail cannot handle", device_of(f),
			name ? name : "a site", pmemfail_site_holder(s));
	else
		log_end(e, "%s: %s: files taken away: %llu, processes told: %llu, frozen for"
			" %llu ms", device_of(f), name ? name : "a site",
			(unsigned long long)pmemfail_site_files(s),
			(unsigned long long)pmemfail_site_told(s),
			(unsigned long long)pmemfail_site_frozen_ns(s) / 1000000);
}

static void log_target(const struct pmemfail_failure *f, const struct pmemfail_site *s,
		       const struct pmemfail_target *t)
{
	int result = pmemfail_target_result(t);
	struct log_entry *e = begin(f, result < 0 ? LOG_ERR : LOG_NOTICE, MESSAGE_TARGET);
	const char *path = pmemfail_target_path(t);
	uint64_t start, end;

	pmemfail_target_range(t, &start, &end);
	if (start == end)
		pmemfail_target_at(t, &start, &end);
	log_field(e, FIELD_SITE, pmemfail_site_name(s));
	log_field(e, FIELD_MOUNTPOINT, pmemfail_site_mountpoint(s));
	log_field(e, FIELD_TARGET, pmemfail_target_kind(t));
	log_field(e, FIELD_ACTION, pmemfail_target_action(t));
	log_field(e, FIELD_PATH, path);
	if (pmemfail_target_ino(t))
		log_number(e, FIELD_INODE, pmemfail_target_ino(t));
	log_number(e, FIELD_OFFSET, start);
	log_number(e, FIELD_LENGTH, end - start);
	if (result < 0)
		log_number(e, FIELD_ERRNO, (uint64_t)-result);
	log_end(e, "%s: bad bytes %llu to %llu of %s %s (%s%s%s)", device_of(f),
		(unsigned long long)start, (unsigned long long)end, pmemfail_target_kind(t),
		path ? path : pmemfail_site_name(s) ? pmemfail_site_name(s) : "",
		pmemfail_target_action(t), result < 0 ? " failed: " : "",
		result < 0 ? strerror(-result) : "");
}

static void log_hooks(const struct pmemfail_failure *f)
{
	for (size_t i = 0; i < pmemfail_failure_hooks(f); i++) {
		const struct pmemfail_hook *h = pmemfail_failure_hook(f, i);
		int status = pmemfail_hook_status(h);
		struct log_entry *e = begin(f, status ? LOG_WARNING : LOG_INFO, MESSAGE_HOOK);
		const char *why = pmemfail_hook_why(h);

		log_field(e, FIELD_HOOK, pmemfail_hook_name(h));
		log_number(e, status < 0 ? FIELD_ERRNO : FIELD_EXIT_STATUS,
			   (uint64_t)(status < 0 ? -status : status));
		if (status < 0)
			log_end(e, "hook %s was not run for failure %llu: %s",
				pmemfail_hook_name(h),
				(unsigned long long)pmemfail_failure_id(f),
				why ? why : strerror(-status));
		else
			log_end(e, "hook %s ended with status %d for failure %llu%s",
				pmemfail_hook_name(h), status,
				(unsigned long long)pmemfail_failure_id(f),
				pmemfail_hook_timed_out(h) ? ": it took too long" : "");
	}
}

static bool is_unit(const char *unit)
{
	size_t n = unit ? strlen(unit) : 0;

	return n > 8 && strcmp(unit + n - 8, ".service") == 0 && !strchr(unit, '/');
}

static void log_victim(const struct pmemfail_failure *f, const struct pmemfail_site *s,
		       const struct pmemfail_victim *v)
{
	struct log_entry *e = begin(f, LOG_NOTICE, MESSAGE_VICTIM);
	const char *path = pmemfail_victim_path(v), *unit = pmemfail_victim_unit(v);
	char address[24];

	snprintf(address, sizeof(address), "%#llx",
		 (unsigned long long)pmemfail_victim_address(v));
	log_field(e, FIELD_SITE, pmemfail_site_name(s));
	log_number(e, FIELD_PID, (uint64_t)pmemfail_victim_pid(v));
	log_number(e, FIELD_UID, pmemfail_victim_uid(v));
	log_field(e, FIELD_COMM, pmemfail_victim_comm(v));
	log_field(e, FIELD_UNIT, unit);
	if (is_unit(unit))
		log_field(e, FIELD_OBJECT_UNIT, unit);
	log_field(e, FIELD_ADDRESS, address);
	log_field(e, FIELD_PATH, path);
	log_end(e, "%s: sent SIGBUS to process %d (%s) of user %u for %s at %s%s",
		device_of(f), pmemfail_victim_pid(v), pmemfail_victim_comm(v),
		pmemfail_victim_uid(v), path ? path : "a file", address,
		pmemfail_victim_ignores(v) ? ", which it ignores" : "");
}

static bool is_final(enum pmemfail_state s)
{
	return s == PMEMFAIL_HANDLED || s == PMEMFAIL_FAILED || s == PMEMFAIL_UNSUPPORTED;
}

/* All but the hooks. */
static void log_failure(const struct pmemfail_failure *f)
{
	size_t told = 0, targets = 0;

	log_head(f);
	if (!is_final(pmemfail_failure_state(f)))
		return;
	for (size_t i = 0; i < pmemfail_failure_sites(f); i++) {
		const struct pmemfail_site *s = pmemfail_failure_site(f, i);

		log_site(f, s);
		for (size_t k = 0; k < pmemfail_site_targets(s); k++)
			if (targets++ < MAX_TARGETS)
				log_target(f, s, pmemfail_site_target(s, k));
		for (size_t k = 0; k < pmemfail_site_victims(s); k++) {
			const struct pmemfail_victim *v = pmemfail_site_victim(s, k);

			if (pmemfail_victim_told(v) && told++ < MAX_VICTIMS)
				log_victim(f, s, v);
		}
	}
	if (told > MAX_VICTIMS)
		log_end(begin(f, LOG_NOTICE, MESSAGE_VICTIM),
			"%s: and %zu more processes: 'pmemfailctl show %llu' lists all",
			device_of(f), told - MAX_VICTIMS,
			(unsigned long long)pmemfail_failure_id(f));
}

/* A failure comes once for each of its versions, and each says only what is new. */
static void log_version(const struct pmemfail_failure *f, bool added)
{
	if (!added && pmemfail_failure_state(f) == PMEMFAIL_HANDLING)
		return;	/* said before; what is new is only that it is on the record */
	if (pmemfail_failure_hooks(f) > 0)
		log_hooks(f);	/* these answers are all that is new */
	else
		log_failure(f);
}

void notice_log_failure(const struct pmemfail_failure *f)
{
	log_failure(f);
	log_hooks(f);
}

void notice_log(const struct pmemfail_notice *n)
{
	const char *text = pmemfail_notice_text(n);

	enum pmemfail_notice_kind kind = pmemfail_notice_get_kind(n);

	switch (kind) {
	case PMEMFAIL_FAILURE_ADDED:
	case PMEMFAIL_FAILURE_CHANGED:
		if (pmemfail_notice_failure(n))
			log_version(pmemfail_notice_failure(n), kind == PMEMFAIL_FAILURE_ADDED);
		break;
	case PMEMFAIL_RECORD_PROBLEM:
		log_say(LOG_ERR, MESSAGE_RECORD_PROBLEM, "%s",
			text ? text : "the record of failures cannot be written");
		break;
	case PMEMFAIL_MODULE_CHANGED:
		log_say(LOG_NOTICE, MESSAGE_MODULE, "%s",
			text ? text : "the kernel module was loaded or is gone");
		break;
	case PMEMFAIL_DEVICES_CHANGED:
	case PMEMFAIL_PROTECTION_CHANGED:
		break;	/* manager.c tells how many are protected now */
	case PMEMFAIL_REMOVAL_BEGINS:
	case PMEMFAIL_REMOVAL_READY:
	case PMEMFAIL_REMOVAL_ENDS:
		break;	/* its failure says all; these are for the bus */
	}
}
