/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The freeze and what stands behind it, on real filesystems: freeze-main RUN_DIR
 * then NAME DIR DEVICE FSTYPE twice. Run by freeze.sh, as root. The environment
 * variable ONLY names the one test to run.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <linux/fs.h>

#include "freeze-tools.h"

static void freeze_and_thaw(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	struct pmf_freeze *f;
	unsigned int fds = count_fds();
	int fd = open_dir(fs);

	CHECK(s->ops->freeze_prepare(s, fd, fs->name, 5000000, &f) == 0);
	CHECK(records(true, 0));
	CHECK(writable(fs, 1000));
	CHECK(s->ops->freeze(s, f) == 0);
	CHECK(!writable(fs, 200));
	CHECK(s->ops->thaw(s, f) == 0);
	CHECK(writable(fs, 1000));
	CHECK(s->ops->thaw(s, f) == 0);
	CHECK(s->ops->freeze_done(s, f) == NULL);
	CHECK(records(false, 0));
	close(fd);
	CHECK(count_fds() == fds);
	CHECK(s->ops->freeze_done(s, NULL) == NULL);
	pmf_sys_free(s);
	CHECK(!guard_of(getpid()));
	ok(__func__, fs);
}

/* Neither thread nor guard may keep the filesystem busy for a moment longer. */
static void unmount_follows_done(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();

	for (int i = 0; i < 50; i++) {
		struct pmf_freeze *f;
		int fd = open_dir(fs);

		CHECK(s->ops->freeze_prepare(s, fd, fs->name, 5000000, &f) == 0);
		if (i % 2) {
			CHECK(s->ops->freeze(s, f) == 0);
			CHECK(s->ops->thaw(s, f) == 0);
		}
		s->ops->freeze_done(s, f);
		close(fd);
		CHECK(remount(fs, 0));
	}
	pmf_sys_free(s);
	ok(__func__, fs);
}

static void somebody_elses_freeze_stays(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	struct pmf_freeze *f;
	int fd = open_dir(fs);

	CHECK(s->ops->freeze_prepare(s, fd, fs->name, 5000000, &f) == 0);
	CHECK(ioctl(fd, FIFREEZE, 0) == 0);
	CHECK(s->ops->freeze(s, f) == -EBUSY);
	s->ops->freeze_done(s, f);
	pmf_sys_free(s);
	CHECK(records(false, 0));
	pmf_sleep_us(200000);
	CHECK(!writable(fs, 100));
	CHECK(ioctl(fd, FITHAW, 0) == 0);
	close(fd);
	ok(__func__, fs);
}

static void late_freeze_undoes_itself(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	struct blocker b = blocker_start(fs);
	unsigned int fds = count_fds();
	struct pmf_freeze *f;
	int fd = open_dir(fs);
	uint64_t begin;

	CHECK(s->ops->freeze_prepare(s, fd, fs->name, 300000, &f) == 0);
	begin = now_ms();
	CHECK(s->ops->freeze(s, f) == -ETIMEDOUT);
	CHECK(now_ms() - begin >= 299 && now_ms() - begin < 1000);
	CHECK(s->ops->thaw(s, f) == 0);
	s->ops->freeze_done(s, f);
	CHECK(records(true, 0));
	CHECK(!writable(fs, 100));
	blocker_end(&b);
	CHECK(writable(fs, 1000));
	CHECK(records(false, 1000));
	CHECK(ioctl(fd, FITHAW, 0) < 0 && errno == EINVAL);
	close(fd);
	CHECK(count_fds() == fds - 1);	/* and the blocker's pipe is closed */
	CHECK(remount(fs, 1000));
	CHECK(writable(fs, 1000));
	pmf_sys_free(s);
	ok(__func__, fs);
}

static void late_freeze_of_a_freed_system(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	struct blocker b = blocker_start(fs);
	struct pmf_freeze *f;
	int fd = open_dir(fs);

	CHECK(s->ops->freeze_prepare(s, fd, fs->name, 100000, &f) == 0);
	CHECK(s->ops->freeze(s, f) == -ETIMEDOUT);
	s->ops->freeze_done(s, f);
	pmf_sys_free(s);
	close(fd);
	blocker_end(&b);
	CHECK(writable(fs, 1000));
	CHECK(records(false, 1000));
	CHECK(remount(fs, 1000));
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	ok(__func__, fs);
}

static void shut_down_while_frozen(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	struct pmf_freeze *f;
	int fd = open_dir(fs), tmp = open("/dev/shm", O_RDONLY | O_CLOEXEC);

	CHECK(s->ops->shutdown(s, tmp, "tmpfs") == -EOPNOTSUPP);
	CHECK(s->ops->shutdown(s, tmp, NULL) == -EOPNOTSUPP);
	CHECK(s->ops->freeze_prepare(s, fd, fs->name, 5000000, &f) == 0);
	CHECK(s->ops->freeze(s, f) == 0);
	CHECK(s->ops->shutdown(s, fd, fs->fstype) == 0);
	CHECK(s->ops->shutdown(s, fd, fs->fstype) == 0);
	CHECK(s->ops->thaw(s, f) == 0);
	s->ops->freeze_done(s, f);
	CHECK(records(false, 0));
	CHECK(!writable(fs, 1000));	/* EIO, and not because it is frozen: */
	CHECK(ioctl(fd, FITHAW, 0) < 0 && errno == EINVAL);
	CHECK(s->ops->shutdown(s, fd, fs->fstype) == 0);
	close(fd);
	close(tmp);
	pmf_sys_free(s);
	CHECK(remount(fs, 1000));
	CHECK(writable(fs, 1000));
	ok(__func__, fs);
}

/* After a failure nobody knows what is frozen: the rest would only hang. */
#define RUN(test, ...) do {							\
	const char *only = getenv("ONLY");					\
										\
	if (!failed && (!only || streq(only, #test)))				\
		test(__VA_ARGS__);						\
} while (0)

int main(int argc, char **argv)
{
	struct fs fs[2];

	if (argc != 10)
		return 2;
	(void)alarm(300);
	run_dir = argv[1];
	for (int i = 0; i < 2; i++)
		fs[i] = (struct fs){ argv[2 + i * 4], argv[3 + i * 4], argv[4 + i * 4],
				     argv[5 + i * 4] };
	for (int i = 0; i < 2; i++) {
		RUN(freeze_and_thaw, &fs[i]);
		RUN(unmount_follows_done, &fs[i]);
		RUN(somebody_elses_freeze_stays, &fs[i]);
		RUN(late_freeze_undoes_itself, &fs[i]);
		RUN(late_freeze_of_a_freed_system, &fs[i]);
		RUN(killed_at_any_stage, &fs[i]);
		RUN(killed_while_a_child_lives, &fs[i]);
		RUN(killed_at_random, &fs[i]);
		RUN(stuck_one_does_not_delay_others, &fs[i], &fs[!i]);
		RUN(goes_on_without_guard, &fs[i]);
		RUN(new_guard_knows_old_freezes, &fs[i], &fs[!i]);
		RUN(next_start_thaws, &fs[i]);
		RUN(next_start_waits_for_the_dying, &fs[i]);
		RUN(shut_down_while_frozen, &fs[i]);
	}
	RUN(guard_ends_a_freeze_of_a_hanging_owner, &fs[0]);
	return failed > 0;
}
