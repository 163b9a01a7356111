// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A guard and what became of its range: made, freed, counted, kept. Public.
 * See guard.h for what is promised, mapguard.h for how the parts go together.
 */
#include "mapguard/mapguard.h"

size_t pmf_mapguard_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);	/* from the auxiliary vector */
}

_public_ int pmemfail_guard_new(void *address, size_t length, unsigned int flags,
				pmemfail_guard_fn fn, void *userdata,
				struct pmemfail_guard **ret)
{
	const unsigned int known = PMEMFAIL_GUARD_ZERO | PMEMFAIL_GUARD_READONLY;
	uintptr_t start = (uintptr_t)address, mask = pmf_mapguard_page() - 1;
	struct pmemfail_guard *g;
	int r;

	if (!ret || !start || start & mask || !length || length > UINTPTR_MAX - mask - start)
		return -EINVAL;
	if (flags & ~known || flags == PMEMFAIL_GUARD_READONLY)
		return -EINVAL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->start = start;
	g->end = (start + length + mask) & ~mask;
	g->flags = flags;
	g->fn = fn;
	g->userdata = userdata;
	r = pmf_mapguard_replace_init(g);
	if (r >= 0)
		r = pmf_mapguard_insert(g);
	if (r < 0) {
		pmf_mapguard_replace_done(g);
		free(g);
		return r;
	}
	*ret = g;
	return 0;
}

_public_ struct pmemfail_guard *pmemfail_guard_free(struct pmemfail_guard *g)
{
	if (!g)
		return NULL;
	pmf_mapguard_remove(g);
	pmf_mapguard_replace_done(g);
	free(g);
	return NULL;
}

static void keep(struct pmemfail_guard *g, enum pmemfail_guard_kind kind,
		 uint64_t offset, uint64_t length)
{
	struct pmf_mapguard_note *note;
	size_t i = atomic_load(&g->n_notes);

	/* a slot for each; never beyond, so that the number cannot wrap */
	do {
		if (i >= PMF_MAPGUARD_NOTES)
			return;
	} while (!atomic_compare_exchange_weak(&g->n_notes, &i, i + 1));
	note = &g->notes[i];
	note->offset = offset;
	note->length = length;
	atomic_store(&note->kind, (int)kind + 1);
}

void pmf_mapguard_note(struct pmemfail_guard *g, enum pmemfail_guard_kind kind,
		       uint64_t offset, uint64_t length)
{
	atomic_fetch_add(&g->count[kind], 1);
	if (kind == PMEMFAIL_GUARD_FAILED)
		return;
	keep(g, kind, offset, length);
	if (g->fn)
		g->fn(kind, offset, length, g->userdata);
}

_public_ uint64_t pmemfail_guard_count(const struct pmemfail_guard *g,
				       enum pmemfail_guard_kind kind)
{
	if (!g || (unsigned int)kind >= PMF_MAPGUARD_KINDS)
		return 0;
	return atomic_load(&g->count[kind]);
}

_public_ int pmemfail_guard_get(const struct pmemfail_guard *g, size_t i,
				uint64_t *ret_offset, uint64_t *ret_length)
{
	int kind;

	if (!g)
		return -EINVAL;
	kind = i < PMF_MAPGUARD_NOTES ? atomic_load(&g->notes[i].kind) : 0;
	if (!kind)
		return -ENOENT;
	if (ret_offset)
		*ret_offset = g->notes[i].offset;
	if (ret_length)
		*ret_length = g->notes[i].length;
	return kind - 1;
}
