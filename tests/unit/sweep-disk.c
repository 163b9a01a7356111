// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is on disk fails and kills as the seam does: the record and the notes for a
 * successor, in place of the real calls (--wrap), which are made behind it.
 */
#include "fake-internal.h"
#include "flow/store.h"
#include "sweep-world.h"
#include "sys/rundir.h"

/* Negative: it fails; 1: die when it is done. */
static int enter(const char *op)
{
	if (!world_here)
		return 0;
	LOCKED(&world_here->b.f.sys);
	int r = fake_enter(f, op, false);

	if (r < 0)
		f->must_record = false;	/* it tried */
	return TAKE(f->dying, false) ? 1 : r;
}

static int leave(int entered, int r)
{
	if (entered > 0)
		_exit(FAKE_DEATH);
	return r;
}

static void note_recorded(void)
{
	if (!world_here)
		return;
	LOCKED(&world_here->b.f.sys);
	f->recorded = true;
}

int __real_pmf_store_open(const char *dir, bool writable, struct pmf_store **ret,
			  char **ret_kept);
int __wrap_pmf_store_open(const char *dir, bool writable, struct pmf_store **ret,
			  char **ret_kept);
int __wrap_pmf_store_open(const char *dir, bool writable, struct pmf_store **ret,
			  char **ret_kept)
{
	int e = enter("store_open");

	return e < 0 ? e : leave(e, __real_pmf_store_open(dir, writable, ret, ret_kept));
}

int __real_pmf_store_put(struct pmf_store *s, struct pmf_failure *f);
int __wrap_pmf_store_put(struct pmf_store *s, struct pmf_failure *f);
int __wrap_pmf_store_put(struct pmf_store *s, struct pmf_failure *f)
{
	int r, e = enter("store_put");

	if (e < 0)
		return e;
	r = __real_pmf_store_put(s, f);
	if (r >= 0)
		note_recorded();
	return leave(e, r);
}

int __real_pmf_rundir_write(const char *run_dir, const char *name, const char *text);
int __wrap_pmf_rundir_write(const char *run_dir, const char *name, const char *text);
int __wrap_pmf_rundir_write(const char *run_dir, const char *name, const char *text)
{
	int r, e = enter("note_write");

	if (e < 0)
		return e;
	r = __real_pmf_rundir_write(run_dir, name, text);
	if (r >= 0)
		note_recorded();
	return leave(e, r);
}

int __real_pmf_rundir_remove(const char *run_dir, const char *name);
int __wrap_pmf_rundir_remove(const char *run_dir, const char *name);
int __wrap_pmf_rundir_remove(const char *run_dir, const char *name)
{
	int e = enter("note_remove");

	return e < 0 ? e : leave(e, __real_pmf_rundir_remove(run_dir, name));
}

/* The kernel takes its time to end one, and others may have it. */
int __wrap_pmf_trace_open(const char *run_dir, struct pmf_trace **ret, int *ret_keep);
int __wrap_pmf_trace_open(const char *run_dir, struct pmf_trace **ret, int *ret_keep)
{
	(void)run_dir;
	(void)ret;
	(void)ret_keep;
	return -EOPNOTSUPP;
}
