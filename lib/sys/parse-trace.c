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
