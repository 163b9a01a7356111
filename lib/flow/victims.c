/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who maps a site, and who was told. Called by execute.c and handle.c. */
#include "flow/victims.h"

#define DESCRIBE_AT_ONCE 64

static void free_list(struct pmf_victim *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		free(v[i].unit);
		free(v[i].path);
	}
	free(v);
}

/* One look by the module, with as much room as it says there must be. */
static int look(struct pmf_sys *sys, int attempt, int fd, bool file, struct pmf_range range,
		struct pmf_victim **ret, size_t *ret_n, struct pmf_revoke_result *ret_result)
{
	_cleanup_free_ struct pmf_victim *v = NULL;
	struct pmf_revoke_result res;
	size_t max = 64;
	int r;

	/* Processes come and go between two looks: ask until the room suffices. */
	for (;;) {
		free(v);
		v = calloc(max, sizeof(*v));
		if (!v)
			return -ENOMEM;
		if (file)
			r = sys->ops->revoke_file(sys, attempt, fd, range, PMF_REVOKE_LOOK,
						  PMF_SIGNAL_NONE, v, max, &res);
		else
			r = sys->ops->revoke_fs(sys, attempt, fd, PMF_REVOKE_LOOK,
						PMF_SIGNAL_NONE, v, max, &res);
		if (r < 0)
			return r;
		if (res.victims_total <= max)
			break;
		max = res.victims_total + res.victims_total / 4 + 16;
	}
	*ret = TAKE_PTR(v);
	*ret_n = res.victims_total;
	*ret_result = res;
	return 0;
}

/* Names are for people: that there are very many victims must not make the rescue
 * late. A process that is gone by now is left undescribed. */
static void describe(struct pmf_sys *sys, struct pmf_victim *v, size_t n, uint64_t end)
{
	for (size_t i = 0; i < n; i += DESCRIBE_AT_ONCE) {
		if (sys->ops->now_boottime_ns(sys) > end)
			break;
		(void)sys->ops->describe_victims(sys, v + i,
						 MIN(n - i, (size_t)DESCRIBE_AT_ONCE));
	}
}

int pmf_victims_look(struct pmf_sys *sys, int attempt, int fd, struct pmf_case *c,
		     uint64_t budget_us)
{
	uint64_t end = sys->ops->now_boottime_ns(sys) + budget_us * 1000;
	struct pmf_revoke_result res = { 0 };
	struct pmf_victim *v = NULL;
	size_t n = 0;
	int r;

	if (attempt >= 0)
		r = look(sys, attempt, fd, c->site.kind == PMF_SITE_DEVDAX, PMF_RANGE_ALL, &v,
			 &n, &res);
	else
		r = sys->ops->scan_victims(sys, c->site.fs_devno, &v, &n);
	if (r < 0)
		return r;
	free_list(c->victims, c->n_victims);
	c->victims = v;
	c->n_victims = n;
	c->outcome.files = res.files;
	c->outcome.vmas = res.vmas;
	c->outcome.entries = res.entries;
	c->outcome.pinned = res.pinned;

	if (attempt >= 0)
		describe(sys, v, n, end);
	return 0;
}

static bool same_process(const struct pmf_victim *a, const struct pmf_victim *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns;
}

int pmf_victims_look_file(struct pmf_sys *sys, int attempt, int fd, struct pmf_range range,
			  struct pmf_case *c, uint64_t end_ns)
{
	struct pmf_revoke_result res;
	struct pmf_victim *v, *all;
	size_t n, kept = c->n_victims;
	int r;

	r = look(sys, attempt, fd, true, range, &v, &n, &res);
	if (r < 0)
		return r;
	all = n > 0 ? reallocarray(c->victims, c->n_victims + n, sizeof(*all)) : c->victims;
	if (n > 0 && !all) {
		free(v);
		return -ENOMEM;
	}
	c->victims = all;
	for (size_t i = 0; i < n; i++) {
		bool known = false;

		for (size_t j = 0; j < kept && !known; j++)
			known = same_process(&all[j], &v[i]) && all[j].ino == v[i].ino &&
				all[j].generation == v[i].generation;
		if (!known)
			all[c->n_victims++] = v[i];
	}
	free(v);
	describe(sys, all + kept, c->n_victims - kept, end_ns);
	return 0;
}

/* A process that maps two filesystems is told once but is a victim at both. */
static bool mark_told(struct pmf_case *cases, size_t n, const struct pmf_victim *t)
{
	bool found = false;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < cases[i].n_victims; j++) {
			struct pmf_victim *v = &cases[i].victims[j];

			if (!same_process(v, t))
				continue;
			v->told = t->told;
			v->ignores = t->ignores;
			v->exiting = t->exiting;
			found = true;
		}
	return found;
}

static const struct pmf_victim *same_file(const struct pmf_case *c, const struct pmf_victim *t)
{
	for (size_t i = 0; i < c->n_victims; i++)
		if (c->victims[i].ino == t->ino && c->victims[i].generation == t->generation)
			return &c->victims[i];
	return NULL;
}

/* Someone who was not there at the look: with the site that has the same file. */
static int add_late(struct pmf_sys *sys, struct pmf_case *cases, size_t n,
		    const struct pmf_victim *t)
{
	const struct pmf_victim *twin = NULL;
	struct pmf_case *c = NULL;
	struct pmf_victim *v;

	for (size_t i = 0; i < n && !twin; i++) {
		if (cases[i].site.kind == PMF_SITE_HOLDER)
			continue;
		if (!c)
			c = &cases[i];
		twin = same_file(&cases[i], t);
		if (twin)
			c = &cases[i];
	}
	if (!c)
		return 0;
	v = reallocarray(c->victims, c->n_victims + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	if (twin)	/* it moved with the array */
		twin = v + (twin - c->victims);
	c->victims = v;
	v = &c->victims[c->n_victims++];
	*v = *t;
	v->unit = v->path = NULL;
	(void)sys->ops->describe_victims(sys, v, 1);
	if (!v->path && twin && !strdup_to(&v->path, twin->path))
		return -ENOMEM;
	return 0;
}

int pmf_victims_told(struct pmf_sys *sys, int attempt, struct pmf_case *cases, size_t n)
{
	struct pmf_victim *told = NULL;
	size_t n_told = 0;
	int r;

	r = sys->ops->attempt_victims(sys, attempt, &told, &n_told);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n_told && r >= 0; i++)
		if (!mark_told(cases, n, &told[i]))
			r = add_late(sys, cases, n, &told[i]);
	free_list(told, n_told);
	return r;
}

/* Was it tried already, at this site or one before it? */
static const struct pmf_victim *tried(const struct pmf_case *cases, size_t i, size_t j)
{
	const struct pmf_victim *v = &cases[i].victims[j];

	for (size_t k = 0; k <= i; k++)
		for (size_t l = 0; l < (k < i ? cases[k].n_victims : j); l++)
			if (same_process(&cases[k].victims[l], v))
				return &cases[k].victims[l];
	return NULL;
}

void pmf_victims_signal(struct pmf_sys *sys, struct pmf_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < cases[i].n_victims; j++) {
			struct pmf_victim *v = &cases[i].victims[j];
			const struct pmf_victim *same = tried(cases, i, j);

			if (same) {
				v->told = same->told;
			} else if (sys->ops->signal_victim(sys, v) >= 0) {
				v->told = true;
				cases[i].outcome.told++;
			}
		}
}
