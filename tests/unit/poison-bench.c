// SPDX-License-Identifier: GPL-2.0-only
/* See poison-bench.h. */
#include <poll.h>

#include "flow/handle.h"
#include "flow/mark.h"
#include "poison-bench.h"
#include "test.h"

struct world world = { .lock = PTHREAD_MUTEX_INITIALIZER };

void begin(void)
{
	pmf_ranges_done(&world.told);
	world.calls = world.at_once = world.most_at_once = world.twice = world.ms = 0;
	world.stuck = world.nobody = false;
	world.path = NULL;
}

/* As pmf_handle_poison() promises: what the failure's cases have is not told again. */
static void tell(struct pmf_failure *f)
{
	struct pmf_case *c;

	if (f->n_cases > 0)
		return;
	c = calloc(1, sizeof(*c));
	if (!c || pmf_ranges_copy(&f->ranges, &c->site.ranges) < 0)
		abort();
	c->targets = calloc(f->ranges.n, sizeof(*c->targets));
	if (!c->targets)
		abort();
	for (size_t i = 0; i < f->ranges.n; i++) {
		world.twice += pmf_ranges_overlap(&world.told, f->ranges.v[i]);
		c->targets[c->n_targets++] = (struct pmf_target){
			.kind = PMF_TARGET_FILE, .at = f->ranges.v[i], .told = 1,
			.action = PMF_ACTION_REVOKE, .step = { PMF_STEP_DONE, 0, 1 },
		};
		if (!strdup_to(&c->targets[i].path, world.path))
			abort();
	}
	if (pmf_ranges_add_all(&world.told, &f->ranges) < 0)
		abort();
	free(f->cases);
	f->cases = c;
	f->n_cases = 1;
}

int __wrap_pmf_handle_poison(const struct pmf_run *run, struct pmf_failure *f);
int __wrap_pmf_handle_poison(const struct pmf_run *run, struct pmf_failure *f)
{
	(void)pmf_mark_again(run, f);
	pthread_mutex_lock(&world.lock);
	if (run->progress && world.calls < ARRAY_SIZE(world.done)) {
		world.done[world.calls] = run->progress->done;
		world.total[world.calls] = run->progress->total;
	}
	world.calls++;
	world.at_once++;
	world.most_at_once = MAX(world.most_at_once, world.at_once);
	f->state = PMF_STATE_PENDING;
	if (!world.nobody) {
		tell(f);
		f->state = PMF_STATE_HANDLED;
	}
	do {
		pthread_mutex_unlock(&world.lock);
		usleep(world.ms * 1000);
		pthread_mutex_lock(&world.lock);
	} while (world.stuck && usleep(1000) == 0);
	world.at_once--;
	pthread_mutex_unlock(&world.lock);
	return 0;
}

static void add(struct pmf_ranges *set, uint64_t start, uint64_t end)
{
	if (pmf_ranges_add(set, (struct pmf_range){ start, end }) < 0)
		abort();
}

void set_bad(struct bench *b, unsigned int i, uint64_t start, uint64_t end)
{
	pthread_mutex_lock(&b->f.lock);
	pmf_ranges_done(&b->f.bad[i]);
	if (end > start)
		add(&b->f.bad[i], start, end);
	pthread_mutex_unlock(&b->f.lock);
}

void event(struct bench *b, uint64_t start, uint64_t end)
{
	pmf_engine_bad(b->e, &b->e->topology->devices[0], (struct pmf_range){ start, end },
		       PMF_SOURCE_MEMORY_FAILURE);
}

bool settle(struct bench *b)
{
	struct pollfd p = { .fd = pmemfail_engine_get_fd(b->e), .events = POLLIN };
	unsigned int quiet = 0;

	for (int i = 0; i < 2000 && quiet < 10; i++) {
		bool busy = b->e->jobs != NULL;

		if (pmemfail_engine_dispatch(b->e) < 0)
			return false;
		take_notices(b);
		for (size_t k = 0; k < b->e->n_poisoned; k++) {
			const struct pmf_poisoned *q = b->e->poisoned[k];

			busy |= q->n_waiting > 0 || q->next || q->working || q->list ||
				q->replay || q->reconcile ||
				pmf_record_is_behind(b->e->record, q->id);
		}
		busy |= poll(&p, 1, 5) > 0 || b->e->jobs;
		quiet = busy ? 0 : quiet + 1;
	}
	return quiet >= 10;
}
