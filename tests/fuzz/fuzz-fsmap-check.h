/* SPDX-License-Identifier: GPL-2.0-only */
/* What must be true of what comes of the records. Only fuzz-fsmap.c includes this. */
#ifndef FUZZ_FSMAP_CHECK_H
#define FUZZ_FSMAP_CHECK_H

static bool has(const struct fsmap *r, uint64_t byte)
{
	return byte >= r->fmr_physical && byte - r->fmr_physical < r->fmr_length;
}

/* Used, by whom is not said; the geometry may say more. */
static bool is_used(const struct pmf_extent *e)
{
	return e->kind == PMF_TARGET_UNKNOWN || e->kind == PMF_TARGET_LOG ||
	       e->kind == PMF_TARGET_METADATA;
}

static bool agrees(const struct fsmap *r, const struct pmf_extent *e, uint64_t byte)
{
	if (r->fmr_flags & FMR_OF_SPECIAL_OWNER) {
		if (r->fmr_owner == FMR_OWN_FREE || r->fmr_owner == FMR_OWNER('X', 7))
			return e->kind == PMF_TARGET_FREE;
		if (r->fmr_owner == FMR_OWN_UNKNOWN)
			return is_used(e);
		return e->kind == (r->fmr_owner == FMR_OWNER('X', 2) ? PMF_TARGET_LOG :
				   PMF_TARGET_METADATA);
	}
	if (e->ino != r->fmr_owner)
		return false;
	if (r->fmr_flags & FMR_OF_EXTENT_MAP)
		return e->kind == PMF_TARGET_METADATA;
	if (r->fmr_flags & FMR_OF_ATTR_FORK)
		return e->kind == PMF_TARGET_XATTR;
	return e->kind == PMF_TARGET_FILE && e->shared == !!(r->fmr_flags & FMR_OF_SHARED) &&
	       e->offset + (byte - e->at.start) == r->fmr_offset + (byte - r->fmr_physical);
}

/* Some record says this of the byte; or none says anything, and it is free where records
 * are of what is used (rmapbt), and used where they are of what is free. */
static bool is_so(const struct pmf_extent *e, uint64_t byte)
{
	bool any = false;

	for (uint32_t i = 0; i < n_records; i++) {
		if (!has(&records[i], byte))
			continue;
		if (agrees(&records[i], e, byte))
			return true;
		any = true;
	}
	return !any && (geometry.flags & PMF_XFS_GEOMETRY_RMAPBT ?
			e->kind == PMF_TARGET_FREE : is_used(e)) &&
	       byte < geometry.datablocks * geometry.blocksize;
}

static bool is_told(const struct fsmap *r, uint64_t byte, const struct pmf_extent *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (byte >= v[i].at.start && byte < v[i].at.end && agrees(r, &v[i], byte))
			return true;
	return false;
}

static void check(const struct pmf_extent *v, size_t n, struct pmf_range at)
{
	for (size_t i = 0; i < n; i++) {
		CHECK(v[i].at.start < v[i].at.end);
		CHECK(v[i].at.start >= at.start && v[i].at.end <= at.end);
		CHECK(v[i].kind < PMF_TARGET_N);
		if (!wild)
			CHECK(is_so(&v[i], v[i].at.start) && is_so(&v[i], v[i].at.end - 1));
	}
	for (uint32_t i = 0; !wild && i < n_records; i++) {
		const struct fsmap *r = &records[i];
		struct pmf_range whole = { r->fmr_physical, r->fmr_physical + r->fmr_length };

		whole = pmf_range_clip(whole, at);
		if (!pmf_range_empty(whole))
			CHECK(is_told(r, whole.start, v, n) && is_told(r, whole.end - 1, v, n));
	}
}

static void ask_and_check(int fd, enum pmf_site_role role)
{
	struct pmf_range at = { fuzz_edge(&input), fuzz_edge(&input) };
	size_t max = fuzz_u8(&input), n = 0;
	_cleanup_free_ struct pmf_extent *v = calloc(max, sizeof(*v));
	bool owners = fuzz_u8(&input) & 1;
	int r;

	CHECK(v || max == 0);
	at.end = MIN(at.end, (uint64_t)INT64_MAX);	/* of a loff_t */
	geometry = (struct pmf_xfs_geometry){
		.blocksize = 512u << fuzz_u8(&input) % 8,
		.sectsize = 512u << fuzz_u8(&input) % 7,
		.agblocks = fuzz_u32(&input),
		.logblocks = fuzz_u32(&input),
		.logstart = fuzz_edge(&input),
		.datablocks = fuzz_u32(&input),
		.flags = owners ? PMF_XFS_GEOMETRY_RMAPBT : 0,
	};
	make_records();
	r = owners ? pmf_sys_owners(NULL, fd, role, at, v, max, &n) :
		     pmf_sys_known_space(NULL, fd, role, at, v, max, &n);
	if (role == PMF_ROLE_LOG)
		n_records = 0;
	if (r < 0)
		CHECK(n == 0);
	else if (role == PMF_ROLE_LOG)
		CHECK(n == 1 || pmf_range_empty(at));
	else
		check(v, n, at);
	CHECK(n <= max);
}

#endif
