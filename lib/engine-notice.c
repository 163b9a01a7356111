// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages from threads to the engine, and notices from the engine to its caller.
 */
#include <sys/eventfd.h>

#include "base/str.h"
#include "engine.h"

/* A caller that never asks must not make us grow: the record has every failure. */
#define MAX_NOTICES 1024

void pmf_engine_send(struct pmemfail_engine *e, struct pmf_message *m)
{
	cds_wfcq_node_init(&m->node);
	(void)cds_wfcq_enqueue(&e->queue_head, &e->queue_tail, &m->node);
	(void)eventfd_write(e->message_fd, 1);	/* full: it is readable anyway */
}

struct pmf_message *pmf_engine_receive(struct pmemfail_engine *e)
{
	struct cds_wfcq_node *n;

	/* Only this thread dequeues, so no lock. WOULDBLOCK: a sender is between
	 * its two steps and wakes us when it is through. */
	n = __cds_wfcq_dequeue_nonblocking(&e->queue_head, &e->queue_tail);
	if (!n || n == CDS_WFCQ_WOULDBLOCK)
		return NULL;
	return caa_container_of(n, struct pmf_message, node);
}

_public_ struct pmemfail_notice *pmemfail_notice_free(struct pmemfail_notice *n)
{
	if (n) {
		pmf_failure_free(n->failure);
		free(n->text);
		free(n->device);
		free(n);
	}
	return NULL;
}

static struct pmemfail_notice *take_first(struct pmemfail_engine *e)
{
	struct pmemfail_notice *n = e->notices;

	if (!n)
		return NULL;
	e->notices = n->next;
	if (!e->notices)
		e->notices_tail = &e->notices;
	e->n_notices--;
	n->next = NULL;
	return n;
}

/* Does one that waits say the same already? */
static bool waits(struct pmemfail_engine *e, enum pmemfail_notice_kind kind)
{
	if (kind != PMEMFAIL_DEVICES_CHANGED)
		return false;
	for (struct pmemfail_notice *n = e->notices; n; n = n->next)
		if (n->kind == kind)
			return true;
	return false;
}

static void add(struct pmemfail_engine *e, struct pmemfail_notice *n)
{
	if (e->n_notices >= MAX_NOTICES)
		pmemfail_notice_free(take_first(e));
	*e->notices_tail = n;
	e->notices_tail = &n->next;
	e->n_notices++;
}

void pmf_engine_notice(struct pmemfail_engine *e, enum pmemfail_notice_kind kind,
		       struct pmf_failure *f, char *text)
{
	struct pmemfail_notice *n = waits(e, kind) ? NULL : calloc(1, sizeof(*n));

	if (!n) {
		pmf_failure_free(f);
		free(text);
		return;
	}
	n->kind = kind;
	n->failure = f;
	n->text = text;
	add(e, n);
}

static void add_device(struct pmemfail_engine *e, enum pmemfail_notice_kind kind,
		       const char *id, bool on, uint64_t token)
{
	struct pmemfail_notice *n = calloc(1, sizeof(*n));

	if (!n || !strdup_to(&n->device, id)) {
		free(n);
		return;
	}
	n->kind = kind;
	n->on = on;
	n->token = token;
	add(e, n);
}

void pmf_engine_notice_device(struct pmemfail_engine *e, enum pmemfail_notice_kind kind,
			      const char *id, bool on)
{
	add_device(e, kind, id, on, 0);
}

void pmf_engine_notice_token(struct pmemfail_engine *e, enum pmemfail_notice_kind kind,
			     const char *id, uint64_t token)
{
	add_device(e, kind, id, false, token);
}

void pmf_engine_notices_done(struct pmemfail_engine *e)
{
	struct pmemfail_notice *n;

	while ((n = take_first(e)))
		pmemfail_notice_free(n);
}

_public_ int pmemfail_engine_next(struct pmemfail_engine *e, struct pmemfail_notice **ret)
{
	struct pmemfail_notice *n;

	if (!e || !ret)
		return pmf_why(-EINVAL, "pmemfail_engine_next() needs an engine and a place for "
			       "the notice");
	n = take_first(e);
	if (!n)
		return pmf_why(-EAGAIN, "there is no notice");
	*ret = n;
	return 0;
}

_public_ enum pmemfail_notice_kind pmemfail_notice_get_kind(const struct pmemfail_notice *n)
{
	return n ? n->kind : PMEMFAIL_DEVICES_CHANGED;
}

_public_ const struct pmemfail_failure *pmemfail_notice_failure(const struct pmemfail_notice *n)
{
	return n && n->failure ? pmf_failure_to_public(n->failure) : NULL;
}

_public_ const char *pmemfail_notice_text(const struct pmemfail_notice *n)
{
	return n ? n->text : NULL;
}

_public_ const char *pmemfail_notice_device(const struct pmemfail_notice *n)
{
	return n ? n->device : NULL;
}

_public_ bool pmemfail_notice_on(const struct pmemfail_notice *n)
{
	return n && n->on;
}

_public_ uint64_t pmemfail_notice_token(const struct pmemfail_notice *n)
{
	return n ? n->token : 0;
}
