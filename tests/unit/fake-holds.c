// SPDX-License-Identifier: GPL-2.0-only
/* A machine for the engine. See fake-holds.h. */
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "fake-holds-internal.h"

static uint64_t now_boottime(struct pmf_sys *s)
{
	struct timespec t;

	(void)s;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_realtime(struct pmf_sys *s)
{
	struct timespec t;

	(void)s;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void sleep_us(struct pmf_sys *s, uint64_t us)
{
	(void)s;
	usleep((useconds_t)us);
}

static int read_topology(struct pmf_sys *s, unsigned int parts,
			 const struct pmf_topology *old, struct pmf_topology **ret)
{
	LOCKED(s);
	int r;

	(void)old;
	f->parts |= parts;
	f->reading++;
	pthread_cond_broadcast(&f->changed);
	while (f->stuck && (parts & PMF_READ_DEVICES))
		pthread_cond_wait(&f->changed, &f->lock);
	f->reading--;
	f->reads++;
	r = f->read_error;
	return r < 0 ? r : pmf_topology_copy(f->topology, ret);
}

static int mounted_fstype(struct pmf_sys *s, const char *name, const char **ret)
{
	LOCKED(s);

	(void)name;
	if (!f->mounted)
		return -ENOENT;
	*ret = "xfs";
	return 0;
}

static int open_site(struct pmf_sys *s, const struct pmf_site *site, int *ret)
{
	(void)s;
	(void)site;
	(void)ret;
	return -EIO;
}

static int unmount(struct pmf_sys *s, dev_t d, unsigned int *ret)
{
	(void)s;
	(void)d;
	(void)ret;
	return -EIO;
}

static int thaw_leftovers(struct pmf_sys *s, unsigned int *ret)
{
	LOCKED(s);

	f->thaws++;
	*ret = 0;
	return 0;
}

static int module_probe(struct pmf_sys *s, uint32_t *abi, uint64_t *features)
{
	LOCKED(s);

	if (!f->module)
		return -ENODEV;
	*abi = 1;
	*features = 3;
	return 0;
}

static int attempt_open(struct pmf_sys *s, int *ret)
{
	(void)s;
	(void)ret;
	return -ENODEV;
}

static int attempt_resume(struct pmf_sys *s, uint64_t failure_id, int *ret)
{
	(void)failure_id;
	return attempt_open(s, ret);
}

static void attempt_finish(struct pmf_sys *s, uint64_t failure_id)
{
	LOCKED(s);

	f->finished = failure_id;
}

static int hold_open(struct pmf_sys *s, int *ret)
{
	LOCKED(s);
	int fd;

	if (!f->module)
		return -ENODEV;
	fd = fcntl(f->pipe[0], F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

static int hold_watch(struct pmf_sys *s, int fd, const char *node, uint64_t timeout_us,
		      uint64_t cookie)
{
	LOCKED(s);
	size_t i;

	(void)fd;
	(void)timeout_us;
	f->watch_calls++;
	if (f->watch_error < 0)
		return f->watch_error;
	for (i = 0; i < f->n_watches; i++)
		if (streq(f->watches[i].node, node))
			break;
	if (i == FAKE_WATCHES)
		return -ENOSPC;
	if (i == f->n_watches)
		f->n_watches++;
	(void)snprintf(f->watches[i].node, sizeof(f->watches[i].node), "%s", node);
	f->watches[i].cookie = cookie;
	return 0;
}

static int hold_read(struct pmf_sys *s, int fd, struct pmf_hold_event *ret)
{
	ssize_t n = read(fd, ret, sizeof(*ret));

	(void)s;
	return n == (ssize_t)sizeof(*ret) ? 0 : n < 0 ? -errno : -EPROTO;
}

static int hold_release(struct pmf_sys *s, int fd, uint64_t id, bool *ret)
{
	LOCKED(s);

	(void)fd;
	(void)id;
	f->released++;
	*ret = f->ended;
	return 0;
}

static int scan_victims(struct pmf_sys *s, dev_t d, struct pmf_victim **ret, size_t *n)
{
	(void)s;
	(void)d;
	*ret = NULL;
	*n = 0;
	return 0;
}

static int lock_device(struct pmf_sys *s, const char *id, uint64_t timeout_us, int *ret)
{
	LOCKED(s);

	if (f->removing && !strstr(id, ".poison"))
		return -EBUSY;
	if (timeout_us == 0)
		return f->locked ? -EBUSY : (*ret = -1, 0);
	f->handling++;
	f->most_handling = MAX(f->most_handling, f->handling);
	pthread_cond_broadcast(&f->changed);
	while (f->slow)
		pthread_cond_wait(&f->changed, &f->lock);
	f->handling--;
	*ret = -1;
	return 0;
}

static const struct pmf_sys_ops ops = {
	.now_boottime_ns = now_boottime, .now_realtime_us = now_realtime,
	.sleep_us = sleep_us, .read_topology = read_topology,
	.mounted_fstype = mounted_fstype, .open_site = open_site, .unmount = unmount,
	.thaw_leftovers = thaw_leftovers, .module_probe = module_probe,
	.attempt_open = attempt_open, .attempt_resume = attempt_resume,
	.attempt_finish = attempt_finish, .hold_open = hold_open, .hold_watch = hold_watch,
	.hold_read = hold_read, .hold_release = hold_release,
	.scan_victims = scan_victims, .lock_device = lock_device,
	.read_badblocks = fake_holds_read_badblocks, .mark_bad = fake_holds_mark_bad, .binding_id = fake_holds_binding_id,
	.list_hooks = fake_holds_list_hooks, .run_hook = fake_holds_run_hook,
};

void fake_holds_init(struct fake_holds *f)
{
	*f = (struct fake_holds){ .module = true };
	f->sys = (struct pmf_sys){ .ops = &ops, .data = f };
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->topology = calloc(1, sizeof(*f->topology));
	if (!f->topology || pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		abort();
}

void fake_holds_done(struct fake_holds *f)
{
	pmf_topology_free(f->topology);
	for (size_t i = 0; i < FAKE_BAD; i++)
		pmf_ranges_done(&f->bad[i]);
	close(f->pipe[0]);
	close(f->pipe[1]);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
}

static char *format(const char *fmt, unsigned int i)
{
	char buf[64];
	char *s;

	(void)snprintf(buf, sizeof(buf), fmt, i);
	s = strdup(buf);
	if (!s)
		abort();
	return s;
}

void fake_holds_add(struct fake_holds *m, unsigned int i)
{
	LOCKED(&m->sys);
	struct pmf_topology *t = f->topology;

	t->devices = reallocarray(t->devices, t->n_devices + 1, sizeof(*t->devices));
	t->blocks = reallocarray(t->blocks, t->n_blocks + 1, sizeof(*t->blocks));
	if (!t->devices || !t->blocks)
		abort();
	t->devices[t->n_devices++] = (struct pmf_device){
		.id = format("ACPI.NFIT/uuid-%u", i), .name = format("pmem%u", i),
		.node = format("/dev/pmem%u", i), .bound = format("pfn%u.0", i),
		.ns = format("namespace%u.0", i), .region = format("region%u", i),
		.mode = PMF_MODE_FSDAX, .devno = makedev(259, i), .size = 1 << 20,
	};
	t->blocks[t->n_blocks++] = (struct pmf_block){
		.devno = makedev(259, i), .name = format("pmem%u", i),
		.node = format("/dev/pmem%u", i), .kind = PMF_BLOCK_DISK,
		.type = format("disk", 0),
	};
}

void fake_holds_unbind(struct fake_holds *f, unsigned int i, uint64_t id, bool ended)
{
	struct pmf_hold_event e = {
		.id = id, .devno = makedev(259, i), .ended = ended,
		.time_ns = now_boottime(&f->sys),
	};
	char node[32];

	(void)snprintf(e.name, sizeof(e.name), "pfn%u.0", i);
	(void)snprintf(node, sizeof(node), "/dev/pmem%u", i);
	pthread_mutex_lock(&f->lock);
	for (size_t k = 0; k < f->n_watches; k++)
		if (streq(f->watches[k].node, node))
			e.cookie = f->watches[k].cookie;
	pthread_mutex_unlock(&f->lock);
	if (write(f->pipe[1], &e, sizeof(e)) != (ssize_t)sizeof(e))
		abort();
}

void fake_holds_set(struct fake_holds *m, bool *what, bool value)
{
	LOCKED(&m->sys);

	*what = value;
}

bool fake_holds_wait(struct fake_holds *f, const unsigned int *what, unsigned int n)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&f->lock);
	while (*what < n && r == 0)
		r = pthread_cond_timedwait(&f->changed, &f->lock, &until);
	r = *what >= n;
	pthread_mutex_unlock(&f->lock);
	return r;
}
