// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Growing arrays. One function, so that every vector of the project doubles the
 * same way and checks the same overflow. Any layer may call it.
 */
#include "base/base.h"

int pmf_grow(void *v, size_t *cap, size_t need, size_t size)
{
	void *old, *new;
	size_t want = *cap;

	assert(size > 0);
	if (need <= want)
		return 0;
	while (want < need) {
		if (want > SIZE_MAX / 2) {
			want = need;
			break;
		}
		want = want ? want * 2 : 8;
	}
	if (want > SIZE_MAX / size)
		return -ENOMEM;

	memcpy(&old, v, sizeof(old));	/* v points to a pointer of any type */
	new = realloc(old, want * size);
	if (!new)
		return -ENOMEM;
	memcpy(v, &new, sizeof(new));
	*cap = want;
	return 0;
}
