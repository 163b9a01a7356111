// SPDX-License-Identifier: GPL-2.0-only
/* A machine that outlives processes. See sweep-world.h. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "fake-internal.h"
#include "flow/store.h"
#include "sweep-world.h"
#include "test.h"
#include "../remove-tree.h"

#define CHILD_SEC	60	/* no child needs a tenth of it */
#define STEP_MS		2
#define QUIET_STEPS	3
#define PATIENCE_STEPS	300	/* with what has to wait for a second or more */

struct world *world_here;
static int holds[2];		/* the module's events, to the engine of this process */
static uint64_t cookie;		/* of the watch */

/* --- what an engine asks beyond fake-sys.c --- */

/* The real one: what is too old on record is deleted by it. */
static uint64_t op_now_realtime(struct pmf_sys *s)
{
	struct timespec t;

	(void)s;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int op_read_topology(struct pmf_sys *s, unsigned int parts,
			    const struct pmf_topology *old, struct pmf_topology **ret)
{
	struct pmf_device unbound = { .id = world_here->b.topology.devices[0].id,
				      .ns = world_here->b.topology.devices[0].ns };
	struct pmf_topology gone = { .devices = &unbound, .n_devices = 1 };

	(void)parts;
	(void)old;
	LOCKED(s);
	ENTER("read_topology", false);
	return pmf_topology_copy(world_here->hold && !f->held ? &gone : &world_here->b.topology, ret);
}

static int op_thaw_leftovers(struct pmf_sys *s, unsigned int *ret)
{
	LOCKED(s);
	*ret = 0;
	ENTER("thaw_leftovers", false);
	for (size_t i = 0; i < f->n_fs; i++)
		if (f->fs[i].frozen && !f->fs[i].foreign_freeze) {
			f->fs[i].frozen = false;
			f->fs[i].thaws++;
			(*ret)++;
		}
	return 0;
}

static int op_module_probe(struct pmf_sys *s, uint32_t *abi, uint64_t *features)
{
	LOCKED(s);
	ENTER("module_probe", false);
	if (f->no_module)
		return -ENODEV;
	*abi = 1;
	*features = 3;
	return 0;
}

static int op_hold_open(struct pmf_sys *s, int *ret)
{
	LOCKED(s);
	ENTER("hold_open", false);
	if (f->no_module)
		return -ENODEV;
	*ret = dup(holds[0]);
	return *ret < 0 ? -errno : 0;
}

static int op_hold_watch(struct pmf_sys *s, int fd, const char *node, uint64_t timeout_us,
			 uint64_t c)
{
	(void)fd;
	(void)node;
	(void)timeout_us;
	LOCKED(s);
	ENTER("hold_watch", false);
	cookie = c;
	return 0;
}

static int op_hold_read(struct pmf_sys *s, int fd, struct pmf_hold_event *ret)
{
	LOCKED(s);
	ENTER("hold_read", false);
	ssize_t n = read(fd, ret, sizeof(*ret));

	return n == (ssize_t)sizeof(*ret) ? 0 : n < 0 ? -errno : -EPROTO;
}

static int op_list_hooks(struct pmf_sys *s, const char *dir, struct pmf_hook_result **ret,
			 size_t *ret_n)
{
	(void)dir;
	LOCKED(s);
	ENTER("list_hooks", false);
	struct pmf_hook_result *v = calloc(1, sizeof(*v));

	if (!v || !strdup_to(&v->name, "tell"))
		abort();
	*ret = v;
	*ret_n = 1;
	return 0;
}

static int op_run_hook(struct pmf_sys *s, const char *dir, struct pmf_hook_result *hook,
		       const char *text, char *const *env, uint64_t timeout_us)
{
	(void)dir;
	(void)hook;
	(void)text;
	(void)env;
	(void)timeout_us;
	LOCKED(s);
	ENTER("run_hook", false);
	for (size_t i = 0; i < f->n_fs; i++)
		if (f->fs[i].frozen && !f->fs[i].foreign_freeze)
			fake_broke(f, "a hook runs while %s is frozen", f->fs[i].name);
	return 0;
}

/* --- the world --- */

/* Whoever reads the log may wait for what is frozen. */
static void on_log(int level, const char *text, void *userdata)
{
	struct world *w = userdata;

	(void)level;
	LOCKED(&w->b.f.sys);
	for (size_t i = 0; i < f->n_fs; i++)
		if (f->fs[i].frozen && !f->fs[i].foreign_freeze && f->prepared > f->freed)
			fake_broke(f, "while %s is frozen it logs: %s", f->fs[i].name, text);
}

static const struct pmf_sys_ops *all_ops(const struct pmf_sys_ops *of_fake)
{
	static struct pmf_sys_ops ops;

	ops = *of_fake;
	ops.now_realtime_us = op_now_realtime;
	ops.read_topology = op_read_topology;
	ops.thaw_leftovers = op_thaw_leftovers;
	ops.module_probe = op_module_probe;
	ops.hold_open = op_hold_open;
	ops.hold_watch = op_hold_watch;
	ops.hold_read = op_hold_read;
	ops.list_hooks = op_list_hooks;
	ops.run_hook = op_run_hook;
	return &ops;
}

/* Both filesystems have their dirty and their refaulting entries, and users. */
static void removal(struct bench *b)
{
	struct fake *f = &b->f;

	f->n_inodes = f->n_extents = f->n_bad = 0;
	for (size_t i = 0; i < f->n_fs; i++) {
		f->fs[i].entries = 5;
		f->fs[i].dirty = 2;
		f->fs[i].refaults = true;
		f->fs[i].knows = false;
	}
	f->procs[0] = (struct fake_proc){ .pid = 100, .maps = 1 | 2 };
	f->procs[1] = (struct fake_proc){ .pid = 101, .maps = 1 };
	f->procs[2] = (struct fake_proc){ .pid = 102, .maps = 2 };
}

static void start_bench(struct bench *b, const char *scenario)
{
	static char bound[] = "pfn0.0";
	size_t i = 0;

	while (i + 1 < n_scenarios && !streq(scenarios[i].name, scenario ?: "both"))
		i++;
	bench_start(&scenarios[i], b);
	b->failure = pmf_failure_free(b->failure);
	b->topology.devices[0].size = 3000;
	b->topology.devices[0].bound = bound;
	if (b->f.n_bad > 0)
		b->f.bad[0].end = 2500;
	if (!scenario)
		removal(b);
}

struct world *world_begin(const char *scenario)
{
	size_t size = sizeof(struct world) + fake_private_size();
	static unsigned int n;
	struct world *w = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct stat st;

	if (w == MAP_FAILED)
		abort();
	start_bench(&w->b, scenario);
	memcpy(w->private, w->b.f.private, fake_private_size());
	free(w->b.f.private);
	w->b.f.private = w->private;
	w->b.f.sys.ops = all_ops(w->b.f.sys.ops);
	w->b.f.sys.data = &w->b.f;
	w->b.f.must_record = true;
	/* In memory, if there is such a place: a disk takes milliseconds to be sure. */
	(void)snprintf(w->dir, sizeof(w->dir), "%s/pmemfail-sweep-%d-%u",
		       stat("/dev/shm", &st) == 0 ? "/dev/shm" : test_dir(), getpid(), n++);
	(void)snprintf(w->run, sizeof(w->run), "%s/run", w->dir);
	(void)snprintf(w->state, sizeof(w->state), "%s/state", w->dir);
	if (mkdir(w->dir, 0700) < 0)
		abort();
	return w;
}

void world_end(struct world *w)
{
	remove_tree(w->dir);
	(void)munmap(w, sizeof(struct world) + fake_private_size());
}

_Noreturn static void child(struct world *w, world_fn fn)
{
	struct pmemfail *ctx;

	alarm(CHILD_SEC);
	world_here = w;
	if (pipe2(holds, O_CLOEXEC | O_NONBLOCK) < 0 || pmemfail_new(&ctx) < 0 ||
	    pmemfail_set(ctx, "RuntimeDirectory", w->run) < 0 ||
	    pmemfail_set(ctx, "StateDirectory", w->state) < 0)
		_exit(1);
	ctx->policy.fs = w->b.policy.fs;
	pmemfail_set_log_fn(ctx, on_log, w);
	pmf_act_on(ctx, &w->b.f.sys);
	fn(w, ctx);
	pmemfail_unref(ctx);
	_exit(0);
}

int world_do(struct world *w, world_fn fn)
{
	int status = -1;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0)
		child(w, fn);
	if (waitpid(pid, &status, 0) != pid)
		abort();
	return status;
}

/* --- a daemon --- */

static bool is_busy(struct pmemfail_engine *e)
{
	bool busy = e->jobs || e->n_names > 0;

	for (size_t i = 0; i < e->n_poisoned; i++) {
		const struct pmf_poisoned *p = e->poisoned[i];

		busy |= p->n_waiting > 0 || p->next || p->working || p->list || p->listing ||
			p->replay || p->reconcile ||
			pmf_record_is_behind(e->record, p->id);
	}
	return busy || !e->record_ready;
}

/* Until nothing is left to do, or for so long: then the rest is left to a successor. */
static void settle(struct pmemfail_engine *e, int steps)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(e), .events = POLLIN };
	unsigned int quiet = 0;
	struct pmemfail_notice *n;

	for (int i = 0; i < steps && quiet < QUIET_STEPS; i++) {
		if (pmemfail_engine_dispatch(e) < 0)
			_exit(2);
		while (pmemfail_engine_next(e, &n) == 0)
			pmemfail_notice_free(n);
		quiet = is_busy(e) || poll(&p, 1, STEP_MS) > 0 ? 0 : quiet + 1;
		if (!quiet)
			(void)poll(&p, 1, STEP_MS);
	}
}

static void run_daemon(struct pmemfail *ctx, int steps)
{
	struct pmemfail_engine *e;

	if (pmemfail_engine_new(ctx, &e) < 0)
		_exit(3);
	settle(e, steps);
	pmemfail_engine_free(e);
}

void world_daemon(struct world *w, struct pmemfail *ctx)
{
	(void)w;
	run_daemon(ctx, PATIENCE_STEPS);
}

void world_successor(struct world *w, struct pmemfail *ctx)
{
	(void)w;
	run_daemon(ctx, INT_MAX);	/* what hangs is killed by alarm() */
}

void world_daemon_unbind(struct world *w, struct pmemfail *ctx)
{
	struct pmf_hold_event h = { .id = 7, .devno = 1, .name = "pfn0.0" };
	struct pmemfail_engine *e;

	if (pmemfail_engine_new(ctx, &e) < 0)
		_exit(3);
	h.cookie = cookie;
	h.time_ns = w->b.f.sys.ops->now_boottime_ns(&w->b.f.sys);
	if (write(holds[1], &h, sizeof(h)) != (ssize_t)sizeof(h))
		_exit(4);
	settle(e, PATIENCE_STEPS);
	pmemfail_engine_free(e);
}

/* --- the record --- */

static int take_id(const struct pmf_failure *f, void *userdata)
{
	struct records *r = userdata;

	if (r->n == ARRAY_SIZE(r->v))
		return -E2BIG;
	return pmf_failure_copy(f, &r->v[r->n++]);
}

int world_records(struct world *w, struct records *ret)
{
	struct pmf_store *s;
	int r;

	*ret = (struct records){ 0 };
	r = pmf_store_open(w->state, false, &s, NULL);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = pmf_store_foreach(s, -1, take_id, ret);
	for (size_t i = 0; i < ret->n && r >= 0; i++) {
		uint64_t id = ret->v[i]->id;

		ret->v[i] = pmf_failure_free(ret->v[i]);
		r = pmf_store_get(s, id, &ret->v[i]);
	}
	pmf_store_close(s);
	return r;
}

void records_done(struct records *r)
{
	for (size_t i = 0; i < r->n; i++)
		pmf_failure_free(r->v[i]);
	*r = (struct records){ 0 };
}
