// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The trace event of a page that failed, as binary record: its fields are at offsets
 * that the kernel tells, so no text that somebody chose, such as the name of the task
 * it came from, can pass for one. Pure; trace.c calls this.
 */
#include <traceevent/event-parse.h>

#include "sys/parse.h"

static void tep_freep(struct tep_handle **tep)
{
	tep_free(*tep);
}

static int field_of(const struct tep_format_field *f, struct pmf_trace_field *ret)
{
	if (!f || f->offset < 0 || f->size <= 0 || f->size > (int)sizeof(uint64_t))
		return -EBADMSG;
	*ret = (struct pmf_trace_field){ (size_t)f->offset, (size_t)f->size };
	return 0;
}

int pmf_parse_trace_format(const char *text, size_t n, const char *system,
			   const char *event, struct pmf_trace_layout *ret)
{
	_cleanup_(tep_freep) struct tep_handle *tep = tep_alloc();
	struct pmf_trace_layout l = { 0 };
	struct tep_event *e;
	int err;

	if (!tep)
		return -ENOMEM;
	tep_set_loglevel(TEP_LOG_NONE);
	/* It may stumble over how the event is printed, and have its fields all the same */
	(void)tep_parse_event(tep, text, n, system);
	e = tep_find_event_by_name(tep, system, event);
	if (!e)
		return -EBADMSG;
	l.id = (uint64_t)e->id;
	err = field_of(tep_find_common_field(e, "common_type"), &l.type);
	if (err == 0)
		err = field_of(tep_find_field(e, "pfn"), &l.pfn);
	if (err == 0)
		*ret = l;
	return err;
}

static int read_field(const void *record, size_t n, struct pmf_trace_field f, uint64_t *ret)
{
	const unsigned char *p = record;
	uint32_t u32;
	uint16_t u16;

	if (f.offset > n || f.size > n - f.offset)
		return -EBADMSG;
	p += f.offset;
	switch (f.size) {
	case 1:
		*ret = *p;
		return 0;
	case 2:
		memcpy(&u16, p, sizeof(u16));
		*ret = u16;
		return 0;
	case 4:
		memcpy(&u32, p, sizeof(u32));
		*ret = u32;
		return 0;
	case 8:
		memcpy(ret, p, sizeof(*ret));
		return 0;
	default:
		return -EBADMSG;
	}
}

int pmf_parse_trace_record(const void *record, size_t n, const struct pmf_trace_layout *l,
			   uint64_t page, struct pmf_range *ret_spa)
{
	uint64_t type, pfn;
	int err;

	err = read_field(record, n, l->type, &type);
	if (err < 0)
		return err;
	if (type != l->id)
		return 0;
	err = read_field(record, n, l->pfn, &pfn);
	if (err < 0)
		return err;
	if (pfn >= UINT64_MAX / page)
		return -EBADMSG;
	*ret_spa = (struct pmf_range){ pfn * page, (pfn + 1) * page };
	return 1;
}

/* --- a page of the buffer --------------------------------------------------- */

/*
 * struct buffer_data_page (kernel/trace/ring_buffer.c): when it begins, how much of it is
 * in use, with a flag when something before it was lost (ring_buffer_read_page()), and
 * events (include/linux/ring_buffer.h).
 */
#define PAGE_HEAD	(sizeof(uint64_t) + sizeof(unsigned long))
#define SIZE_MASK	((1UL << 27) - 1)
#define MISSED		(1UL << 31)
#define TYPE_MAX_DATA	28u	/* up to it, how many words the record has */
#define TYPE_PADDING	29u
#define WORD		sizeof(uint32_t)

struct event {
	const unsigned char *record;
	size_t n;		/* of the record; 0: it is something else */
	size_t all;		/* bytes with the head */
	bool last;
};

static uint32_t word_at(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* One whose length is in the word behind its head, and counts that word. */
static int read_long_event(const unsigned char *p, size_t n, bool padding, struct event *ret)
{
	size_t length;

	if (n < 2 * WORD)
		return -EBADMSG;
	length = word_at(p + WORD);
	if (padding && length > n - WORD) {	/* up to the end of the page */
		*ret = (struct event){ .last = true };
		return 0;
	}
	if (!padding && (length < WORD || length > n - WORD))
		return -EBADMSG;
	*ret = (struct event){ .all = WORD + (length + WORD - 1) / WORD * WORD };
	if (!padding) {
		ret->record = p + 2 * WORD;
		ret->n = length - WORD;
	}
	return 0;
}

/* The event at p, of which n bytes are left. */
static int read_event(const unsigned char *p, size_t n, struct event *ret)
{
	uint32_t head, type, delta;
	int err = 0;

	if (n < WORD)
		return -EBADMSG;
	head = word_at(p);
	type = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? head & 31 : head >> 27;
	delta = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? head >> 5 : head & SIZE_MASK;
	if (type == TYPE_PADDING && delta == 0)		/* rb_null_event() */
		*ret = (struct event){ .last = true };
	else if (type == 0 || type == TYPE_PADDING)
		err = read_long_event(p, n, type == TYPE_PADDING, ret);
	else if (type <= TYPE_MAX_DATA)
		*ret = (struct event){ .record = p + WORD, .n = type * WORD,
				       .all = (1 + type) * WORD };
	else
		*ret = (struct event){ .all = 2 * WORD };	/* a time */
	return err < 0 || ret->all > n ? -EBADMSG : 0;
}

int pmf_parse_trace_page(const void *page, size_t n, const struct pmf_trace_layout *l,
			 pmf_trace_page_fn fn, void *userdata, bool *ret_missed)
{
	const unsigned char *p = page;
	struct pmf_range spa;
	unsigned long used;
	struct event e;
	int err = 0;

	assert(n >= PAGE_HEAD);
	memcpy(&used, p + sizeof(uint64_t), sizeof(used));
	*ret_missed = used & MISSED;
	used &= SIZE_MASK;
	if (used > n - PAGE_HEAD)
		return -EBADMSG;
	for (p += PAGE_HEAD; used > 0; p += e.all, used -= e.all) {
		err = read_event(p, used, &e);
		if (err < 0 || e.last)
			return err;
		if (e.n == 0)
			continue;
		err = pmf_parse_trace_record(e.record, e.n, l, n, &spa);
		if (err < 0)
			return err;
		if (err > 0)
			fn(spa, userdata);
	}
	return 0;
}
