/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Deaths of owners and guards, in every order: nothing stays frozen. Run by
 * freeze-main.c.
 */
#include <signal.h>
#include <sys/wait.h>

#include "freeze-tools.h"

static void killed_owner(const struct fs *fs, enum stage stage)
{
	struct blocker b = { 0 };
	struct owner o;

	if (stage == AT_FREEZING)
		b = blocker_start(fs);
	o = owner_start(fs, stage);
	if (stage != AT_PREPARED)
		CHECK(!writable(fs, 100));
	owner_kill(&o);
	if (stage == AT_FREEZING) {
		pmf_sleep_us(500000);
		CHECK(!writable(fs, 100));
		blocker_end(&b);
	}
	CHECK(writable(fs, 1000));
	CHECK(records(false, 1000));
	(void)waitpid(o.pid, NULL, 0);
	CHECK(remount(fs, 1000));
}

void killed_at_any_stage(const struct fs *fs)
{
	unsigned int before = failed;

	killed_owner(fs, AT_PREPARED);
	killed_owner(fs, AT_FREEZING);
	killed_owner(fs, AT_FROZEN);
	if (failed == before)
		ok(__func__, fs);
}

/* A forked child of the owner has the guard's socket too and lives on. */
void killed_while_a_child_lives(const struct fs *fs)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct pmf_sys *s = sys_open();
		struct pmf_freeze *f;

		if (s->ops->freeze_prepare(s, open_dir(fs), fs->name, 5000000, &f) < 0 ||
		    s->ops->freeze(s, f) < 0)
			_exit(1);
		if (fork() == 0) {
			(void)alarm(3);
			for (;;)
				pause();
		}
		for (;;)
			pause();
	}
	CHECK(freezes(fs, 10000));
	pmf_sleep_us(100000);
	kill(pid, SIGKILL);
	CHECK(writable(fs, 1000));
	(void)waitpid(pid, NULL, 0);
	CHECK(records(false, 1000));
	CHECK(remount(fs, 5000));	/* the child had an fd of it as well */
	ok(__func__, fs);
}

/* At moments that nobody chose. Between naming the freeze and telling the guard a
 * name may stay behind, but then it says that nothing was frozen. */
void killed_at_random(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();

	for (unsigned int i = 0; i < 60; i++) {
		pid_t pid = fork();
		unsigned int n = 9;

		if (pid == 0) {
			struct pmf_sys *own = sys_open();
			int fd = open_dir(fs);

			for (;;) {
				struct pmf_freeze *f;

				if (own->ops->freeze_prepare(own, fd, fs->name, 1000000,
							     &f) < 0)
					_exit(1);
				(void)own->ops->freeze(own, f);
				(void)own->ops->thaw(own, f);
				own->ops->freeze_done(own, f);
			}
		}
		pmf_sleep_us(10000 + i * 617 % 20000);
		kill(pid, SIGKILL);
		CHECK(writable(fs, 1000));
		(void)waitpid(pid, NULL, 0);
		if (!records(false, 200))
			CHECK(s->ops->thaw_leftovers(s, &n) == 0 && n == 0);
		CHECK(records(false, 0));
	}
	CHECK(remount(fs, 1000));
	pmf_sys_free(s);
	ok(__func__, fs);
}

/* A freeze that is stuck must not delay the thaw of another one. */
void stuck_one_does_not_delay_others(const struct fs *fs, const struct fs *other)
{
	struct blocker b = blocker_start(fs);
	pid_t pid = fork();

	if (pid == 0) {
		struct pmf_sys *s = sys_open();
		struct pmf_freeze *f, *g;
		int fd = open_dir(fs), fd2 = open_dir(other);

		if (s->ops->freeze_prepare(s, fd2, other->name, 5000000, &g) < 0 ||
		    s->ops->freeze(s, g) < 0 ||
		    s->ops->freeze_prepare(s, fd, fs->name, 60000000, &f) < 0)
			_exit(1);
		(void)s->ops->freeze(s, f);
		_exit(1);
	}
	CHECK(freezes(other, 10000));
	pmf_sleep_us(300000);	/* the second one is under way now */
	kill(pid, SIGKILL);
	CHECK(writable(other, 1000));
	CHECK(!writable(fs, 100));
	blocker_end(&b);
	CHECK(writable(fs, 1000));
	(void)waitpid(pid, NULL, 0);
	CHECK(records(false, 1000));
	ok(__func__, fs);
}

void goes_on_without_guard(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	struct pmf_guard *g = pmf_real(s)->guard;
	struct pmf_freeze *f;
	int fd = open_dir(fs);

	kill_guard(SIGKILL);
	CHECK(s->ops->freeze_prepare(s, fd, fs->name, 5000000, &f) == 0);
	CHECK(pmf_guard_losses(g) == 1 && guard_of(getpid()) > 0);
	CHECK(s->ops->freeze(s, f) == 0);
	kill_guard(SIGKILL);	/* now while frozen */
	CHECK(s->ops->thaw(s, f) == 0);
	s->ops->freeze_done(s, f);
	CHECK(pmf_guard_losses(g) == 2);

	/* One that hangs costs a second, not the freeze, and thaws nothing later. */
	kill_guard(SIGSTOP);
	CHECK(s->ops->freeze_prepare(s, fd, fs->name, 5000000, &f) == 0);
	CHECK(s->ops->freeze(s, f) == 0);
	CHECK(pmf_guard_losses(g) == 3);
	pmf_sleep_us(300000);
	CHECK(!writable(fs, 100));
	CHECK(s->ops->thaw(s, f) == 0);
	s->ops->freeze_done(s, f);
	pmf_sys_free(s);
	close(fd);
	CHECK(remount(fs, 0));
	ok(__func__, fs);
}

/* The restarted guard knows what was armed before. */
void new_guard_knows_old_freezes(const struct fs *fs, const struct fs *other)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct pmf_sys *s = sys_open();
		struct pmf_freeze *f, *g;

		if (s->ops->freeze_prepare(s, open_dir(fs), fs->name, 5000000, &f) < 0 ||
		    s->ops->freeze(s, f) < 0)
			_exit(1);
		kill_guard(SIGKILL);
		if (s->ops->freeze_prepare(s, open_dir(other), other->name, 5000000,
					   &g) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	CHECK(freezes(fs, 10000));
	pmf_sleep_us(1000000);	/* until there is a second guard */
	kill(pid, SIGKILL);
	CHECK(writable(fs, 1000));
	(void)waitpid(pid, NULL, 0);
	CHECK(records(false, 1000));
	ok(__func__, fs);
}

void next_start_thaws(const struct fs *fs)
{
	struct owner o = owner_start(fs, AT_FROZEN);
	struct pmf_sys *s = sys_open();
	unsigned int n = 9;

	CHECK(s->ops->thaw_leftovers(s, &n) == 0 && n == 0);	/* its owner lives */
	CHECK(!writable(fs, 200));
	kill_and_wait_gone(o.guard);
	owner_kill(&o);
	(void)waitpid(o.pid, NULL, 0);
	pmf_sleep_us(300000);
	CHECK(!writable(fs, 200));
	CHECK(s->ops->thaw_leftovers(s, &n) == 0 && n == 1);
	CHECK(writable(fs, 1000));
	CHECK(records(false, 0));
	CHECK(s->ops->thaw_leftovers(s, &n) == 0 && n == 0);
	pmf_sys_free(s);
	ok(__func__, fs);
}

/* Both killed while FIFREEZE still waits: too early to thaw, the name must stay. */
void next_start_waits_for_the_dying(const struct fs *fs)
{
	struct blocker b = blocker_start(fs);
	struct owner o = owner_start(fs, AT_FREEZING);
	struct pmf_sys *s = sys_open();
	unsigned int n = 9;

	kill_and_wait_gone(o.guard);
	owner_kill(&o);
	pmf_sleep_us(100000);
	CHECK(s->ops->thaw_leftovers(s, &n) == -EBUSY && n == 0);
	CHECK(records(true, 0));
	blocker_end(&b);
	(void)waitpid(o.pid, NULL, 0);
	CHECK(!writable(fs, 200));
	CHECK(s->ops->thaw_leftovers(s, &n) == 0 && n == 1);
	CHECK(writable(fs, 1000));
	CHECK(records(false, 0));
	pmf_sys_free(s);
	ok(__func__, fs);
}

/* The owner hangs: the guard ends the freeze. Takes as long as FROZEN_MAX_NS. */
void guard_ends_a_freeze_of_a_hanging_owner(const struct fs *fs)
{
	pid_t pid = fork();
	struct pmf_freeze *f;
	uint64_t begin;

	if (pid == 0) {
		struct pmf_sys *s = sys_open();

		if (s->ops->freeze_prepare(s, open_dir(fs), fs->name, 1000000, &f) < 0 ||
		    s->ops->freeze(s, f) < 0)
			_exit(1);
		raise(SIGSTOP);
		_exit(s->ops->thaw(s, f) < 0 || s->ops->freeze_done(s, f));
	}
	CHECK(freezes(fs, 10000));
	begin = now_ms();
	CHECK(writable(fs, 20000));
	CHECK(now_ms() - begin > 10000);
	kill(pid, SIGCONT);
	CHECK(waitpid(pid, &(int){ 0 }, 0) == pid);
	CHECK(records(false, 1000));
	ok(__func__, fs);
}
