/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns the bad bytes of a device: what the kernel lists, what failures on record
 * cover, and which of that belongs to a target, laid over each other. Pure.
 */
#ifndef CTL_CLAIMS_H
#define CTL_CLAIMS_H

#include "strip.h"

enum claim_kind {
	CLAIM_BAD,	/* the kernel holds it for bad; owner does not matter */
	CLAIM_FAILURE,	/* a failure covers it; owner: as far as the failure as a whole tells */
	CLAIM_TARGET,	/* known for these very bytes */
};

struct claim {
	enum claim_kind kind;
	struct strip_range at;
};

struct claims {
	struct claim *v;
	size_t n, cap;
};

void claims_add(struct claims *c, enum claim_kind kind, uint64_t start, uint64_t end,
		enum strip_owner owner);
void claims_done(struct claims *c);

/*
 * The bad bytes in order, cut where the owner changes. A target outweighs a failure,
 * of two of a kind the worse one does. Malloc'd.
 */
struct strip_range *claims_settle(const struct claims *c, size_t *ret_n);

#endif
