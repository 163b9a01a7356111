// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard for applications: threads that fail while others register and unregister,
 * fork, and ends of threads within a section. Built a second time for ThreadSanitizer.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "mapguard/mapguard.h"
#include "mapguard-tools.h"

#define THREADS 8
#define ROUNDS 300

static unsigned char *memory;
static struct pmemfail_guard *guard;
static atomic_bool stop;

/* Of memory that is mapped anew meanwhile, which is the point, and no race. */
__attribute__((no_sanitize("thread")))
static int touch(void *p)
{
	return *(volatile unsigned char *)p;
}

static void start(pthread_t *t, unsigned int n, void *(*fn)(void *))
{
	for (uintptr_t i = 0; i < n; i++)
		NEED(!pthread_create(&t[i], NULL, fn, (void *)i));
}

static void join(pthread_t *t, unsigned int n)
{
	while (n)
		NEED(!pthread_join(t[--n], NULL));
}

/* Its own range, registered anew each time, and one that all share. */
static void *fail_and_register(void *number)
{
	size_t k = (uintptr_t)number;
	unsigned char *own = memory + 4 * (k + 1) * PAGE, b[64];

	for (size_t i = 0; i < ROUNDS; i++) {
		struct pmemfail_guard *g;
		uint64_t at = 0;

		NEED(!pmemfail_guard_new(own, 4 * PAGE, 0, NULL, NULL, &g));
		NEED(pmemfail_guard_run(g, touch, own + 2 * PAGE + i, &at) == -EIO);
		NEED(at == 2 * PAGE + i);
		NEED(!pmemfail_guard_read(g, b, own + 2 * PAGE - 64, 64, &at));
		NEED(pmemfail_guard_read(guard, b, memory + PAGE + 3, 8, &at) == -EIO);
		NEED(at == PAGE + 3);
		NEED(pmemfail_guard_count(g, PMEMFAIL_GUARD_FAILED) == 1);
		NEED(!pmemfail_guard_free(g));
	}
	return NULL;
}

CHILD_TEST(they_fail_while_others_register)
{
	pthread_t t[THREADS];

	memory = memory_new(4 * (THREADS + 1));
	for (size_t i = 0; i < THREADS + 1; i++)
		memory_lose(memory, 4 * i + (i ? 2 : 1));
	NEED(!pmemfail_guard_new(memory, 4 * PAGE, 0, NULL, NULL, &guard));
	start(t, THREADS, fail_and_register);
	join(t, THREADS);
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_FAILED) == THREADS * ROUNDS);
}

static _Thread_local sigjmp_buf out;
static _Thread_local volatile bool armed;

static void jump_out(int sig)
{
	(void)sig;
	NEED(armed);
	siglongjmp(out, 1);
}

static void *fail_all_the_time(void *number)
{
	(void)number;
	while (!atomic_load(&stop))
		if (!sigsetjmp(out, 1)) {
			armed = true;
			(void)touch(memory);
		}
	return NULL;
}

/* A replacement that comes after free() would wipe what the program put there. */
CHILD_TEST(nothing_is_replaced_once_it_is_freed)
{
	pthread_t t[2];

	(void)signal(SIGBUS, jump_out);
	memory = memory_new(1);
	memory_lose(memory, 0);
	start(t, ARRAY_SIZE(t), fail_all_the_time);
	for (int i = 0; i < 60; i++) {
		NEED(!pmemfail_guard_new(memory, PAGE, PMEMFAIL_GUARD_ZERO, NULL, NULL, &guard));
		/* every other time at once, while they may be about to */
		while (i % 2 && !pmemfail_guard_count(guard, PMEMFAIL_GUARD_REPLACED))
			sched_yield();
		guard = pmemfail_guard_free(guard);
		NEED(mmap(memory, PAGE, PROT_READ | PROT_WRITE,
			  MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == memory);
		*(volatile unsigned char *)memory = 0x5a;
		for (int k = 0; k < 2000; k++)
			NEED(touch(memory) == 0x5a);
		memory_lose(memory, 0);
	}
	atomic_store(&stop, true);
	join(t, ARRAY_SIZE(t));
}

static atomic_bool called, go_on, freed;

static void wait_in_handler(enum pmemfail_guard_kind kind, uint64_t offset,
			    uint64_t length, void *userdata)
{
	(void)kind, (void)offset, (void)length, (void)userdata;
	atomic_store(&called, true);
	while (!atomic_load(&go_on))
		sched_yield();
}

static void *be_told(void *arg)
{
	(void)arg;
	sigbus_self(BUS_MCEERR_AO, memory, 12);
	return NULL;
}

static void *free_it(void *arg)
{
	(void)arg;
	guard = pmemfail_guard_free(guard);
	atomic_store(&freed, true);
	return NULL;
}

/* Each turn has its own counter of readers: a wait for one would pass every other. */
CHILD_TEST(free_waits_for_a_handler_at_work)
{
	pthread_t told, freeing;

	memory = memory_new(1);
	for (int i = 0; i < 4; i++) {
		atomic_store(&called, false);
		atomic_store(&go_on, false);
		atomic_store(&freed, false);
		NEED(!pmemfail_guard_new(memory, PAGE, 0, wait_in_handler, NULL, &guard));
		NEED(!pthread_create(&told, NULL, be_told, NULL));
		while (!atomic_load(&called))
			sched_yield();
		NEED(!pthread_create(&freeing, NULL, free_it, NULL));
		for (int k = 0; k < 20; k++) {
			usleep(1000);
			NEED(!atomic_load(&freed));
		}
		atomic_store(&go_on, true);
		NEED(!pthread_join(told, NULL) && !pthread_join(freeing, NULL));
		NEED(atomic_load(&freed));
	}
}

/* Whoever was in the handler when it forked is not there to leave it. */
CHILD_TEST(the_child_of_a_fork_waits_for_nobody)
{
	pthread_t told;
	int status;
	pid_t pid;

	memory = memory_new(1);
	NEED(!pmemfail_guard_new(memory, PAGE, 0, wait_in_handler, NULL, &guard));
	NEED(!pthread_create(&told, NULL, be_told, NULL));
	while (!atomic_load(&called))
		sched_yield();
	pid = fork();
	NEED(pid >= 0);
	if (!pid) {
		alarm(10);
		NEED(!pmemfail_guard_free(guard));
		_exit(0);
	}
	NEED(waitpid(pid, &status, 0) == pid && !status);
	atomic_store(&go_on, true);
	NEED(!pthread_join(told, NULL));
}

#define PAGES 200

static pthread_barrier_t barrier;

static void *mark_each_page(void *number)
{
	for (size_t i = 0; i < PAGES; i++) {
		pthread_barrier_wait(&barrier);
		*(volatile unsigned char *)(memory + i * PAGE + (uintptr_t)number) = 1;
	}
	return NULL;
}

/* All meet it at once; whoever replaced it a second time would wipe marks. */
CHILD_TEST(a_page_is_replaced_once_for_all)
{
	pthread_t t[THREADS];

	sigbus_default();
	memory = memory_new(PAGES);
	for (size_t i = 0; i < PAGES; i++)
		memory_lose(memory, i);
	NEED(!pmemfail_guard_new(memory, PAGES * PAGE, PMEMFAIL_GUARD_ZERO, NULL, NULL, &guard));
	NEED(!pthread_barrier_init(&barrier, NULL, THREADS));
	start(t, THREADS, mark_each_page);
	join(t, THREADS);
	for (size_t i = 0; i < PAGES; i++)
		for (size_t k = 0; k < THREADS; k++)
			NEED(memory[i * PAGE + k] == 1);
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_REPLACED) == PAGES);
}

/*
 * ASan's runtime allocates on every jump (__asan_handle_no_return() asks for the bounds of
 * the stack), and GCC 12's allocator has no handlers for fork: a child made while another
 * thread is in there waits for its lock for ever. So under ASan, and there alone, nobody
 * is in a section at the moment of the fork.
 */
#if defined(__SANITIZE_ADDRESS__)
static pthread_rwlock_t forking = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
#define LOCK_FORKING(how) NEED(!pthread_rwlock_##how(&forking))
#else
#define LOCK_FORKING(how) (void)0
#endif

static void *fail_in_sections(void *number)
{
	(void)number;
	pthread_barrier_wait(&barrier);
	while (!atomic_load(&stop)) {
		LOCK_FORKING(rdlock);
		NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
		LOCK_FORKING(unlock);
	}
	return NULL;
}

static void live_in_child(void)
{
	struct pmemfail_guard *g;
	unsigned char *more = memory_new(2);
	uint64_t before = pmemfail_guard_count(guard, PMEMFAIL_GUARD_FAILED);

	alarm(30);
	memory_lose(more, 0);
	NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
	NEED(pmemfail_guard_count(guard, PMEMFAIL_GUARD_FAILED) == before + 1);
	NEED(!pmemfail_guard_new(more, 2 * PAGE, 0, NULL, NULL, &g));
	NEED(pmemfail_guard_run(g, touch, more, NULL) == -EIO);
	NEED(!pmemfail_guard_free(g));
	NEED(!pmemfail_guard_free(guard));
	_exit(0);
}

CHILD_TEST(the_child_of_a_fork_is_guarded_too)
{
	pthread_t t[THREADS];
	int status;

	memory = memory_new(2);
	memory_lose(memory, 1);
	NEED(!pmemfail_guard_new(memory, 2 * PAGE, 0, NULL, NULL, &guard));
	NEED(!pthread_barrier_init(&barrier, NULL, THREADS + 1));
	start(t, THREADS, fail_in_sections);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 20; i++) {
		pid_t pid;

		LOCK_FORKING(wrlock);
		pid = fork();
		NEED(pid >= 0);
		if (!pid)
			live_in_child();
		LOCK_FORKING(unlock);
		NEED(waitpid(pid, &status, 0) == pid && !status);
	}
	atomic_store(&stop, true);
	join(t, THREADS);
	NEED(pmemfail_guard_run(guard, touch, memory + PAGE, NULL) == -EIO);
}

static int fork_and_touch(void *p)
{
	pid_t pid = fork();
	int status;

	NEED(pid >= 0);
	if (pid && (waitpid(pid, &status, 0) != pid || status != 3 << 8))
		return 1;
	return touch(p);
}

CHILD_TEST(both_are_in_the_section_that_forked)
{
	pid_t self = getpid();

	memory = memory_new(2);
	memory_lose(memory, 1);
	NEED(!pmemfail_guard_new(memory, 2 * PAGE, 0, NULL, NULL, &guard));
	NEED(pmemfail_guard_run(guard, fork_and_touch, memory + PAGE, NULL) == -EIO);
	if (getpid() != self)
		_exit(3);
}

static pthread_key_t key;
static atomic_int left_open;

static void look_for_section(void *arg)
{
	(void)arg;
	atomic_store(&left_open, pmf_section_innermost ? 1 : 2);
}

static int exit_thread(void *arg)
{
	(void)arg;
	pthread_exit(NULL);
}

static int sleep_long(void *arg)
{
	atomic_store((atomic_bool *)arg, true);
	return (int)sleep(100);
}

static atomic_bool sleeping;

static void *leave(void *cancelled)
{
	NEED(!pthread_setspecific(key, &key));
	(void)pmemfail_guard_run(guard, cancelled ? sleep_long : exit_thread, &sleeping, NULL);
	return NULL;
}

CHILD_TEST(a_thread_may_end_in_a_section)
{
	pthread_t t;

	memory = memory_new(1);
	NEED(!pmemfail_guard_new(memory, PAGE, 0, NULL, NULL, &guard));
	NEED(!pthread_key_create(&key, look_for_section));
	NEED(!pthread_create(&t, NULL, leave, NULL) && !pthread_join(t, NULL));
	NEED(atomic_exchange(&left_open, 0) == 2);
	NEED(!pthread_create(&t, NULL, leave, &sleeping));
	while (!atomic_load(&sleeping))
		sched_yield();
	NEED(!pthread_cancel(t) && !pthread_join(t, NULL));
	NEED(atomic_load(&left_open) == 2);
}
