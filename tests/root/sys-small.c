/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The small operations: locks between processes, the plain signal, records in
 * run_dir that somebody tampered with. sys-small RUN_DIR; run by freeze.sh.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "freeze-tools.h"

#define ID "ACPI.NFIT/a b\n.."

static void lock_keeps_others_out(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	int fd, other = -1, status;
	uint64_t begin;
	pid_t pid;

	CHECK(s->ops->lock_device(s, ID, 0, &fd) == 0);
	pid = fork();
	if (pid == 0)
		_exit(s->ops->lock_device(s, ID, 100000, &other) != -EBUSY ||
		      s->ops->lock_device(s, "ACPI.NFIT_a b\n", 0, &other) != 0);
	begin = now_ms();
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(now_ms() - begin >= 100 && now_ms() - begin < 1000);

	/* Released while somebody waits, and by a death. */
	pid = fork();
	if (pid == 0) {
		close(fd);
		_exit(s->ops->lock_device(s, ID, 2000000, &other) != 0);
	}
	pmf_sleep_us(100000);
	close(fd);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(s->ops->lock_device(s, ID, 0, &fd) == 0);
	close(fd);

	CHECK(s->ops->lock_device(s, "", 0, &fd) == -EINVAL);
	CHECK(s->ops->lock_device(s, "..", 0, &fd) == 0);
	close(fd);
	pmf_sys_free(s);
	ok(__func__, fs);
}

static void others_cannot_lead_us_away(const struct fs *fs)
{
	struct pmf_sys *s;
	char path[256], old[256];
	int fd = -1;

	/* a symlink in place of the directory */
	(void)snprintf(path, sizeof(path), "%s/lock", run_dir);
	(void)snprintf(old, sizeof(old), "%s/lock.old", run_dir);
	s = sys_open();
	CHECK(rename(path, old) == 0 && symlink("/tmp", path) == 0);
	CHECK(s->ops->lock_device(s, "x", 0, &fd) == -ENOTDIR && fd == -1);
	CHECK(unlink(path) == 0 && rename(old, path) == 0);
	/* a symlink in place of the file */
	(void)snprintf(path, sizeof(path), "%s/lock/y", run_dir);
	CHECK(symlink("/etc/passwd", path) == 0);
	CHECK(s->ops->lock_device(s, "y", 0, &fd) == -ELOOP);
	/* a directory that others can write into */
	(void)snprintf(path, sizeof(path), "%s/lock", run_dir);
	CHECK(chmod(path, 0777) == 0);
	CHECK(s->ops->lock_device(s, "x", 0, &fd) == -EPERM);
	CHECK(chmod(path, 0700) == 0);
	CHECK(s->ops->lock_device(s, "x", 0, &fd) == 0);
	close(fd);
	pmf_sys_free(s);
	ok(__func__, fs);
}

static void put_record(const char *name, char state, const char *device, int pid)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/frozen", run_dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/frozen/%s", run_dir, name);
	f = fopen(path, "we");
	if (!f)
		return;
	if (device)
		fprintf(f, "state=%c\ndevno=%s\nfstype=xfs\npid=%d\nstart=1\n", state,
			device, pid);
	fclose(f);
}

static void broken_records_are_told_and_kept(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	char path[256];
	unsigned int n = 9;

	put_record("empty", 'f', NULL, 0);
	CHECK(s->ops->thaw_leftovers(s, &n) == -EBADMSG && n == 0);
	CHECK(records(true, 0));
	put_record("empty", 'f', "1:2\nname=x", -5);
	CHECK(s->ops->thaw_leftovers(s, &n) == -EBADMSG);
	put_record("empty", 'f', "1:2\nname=x/../y", 5);
	CHECK(s->ops->thaw_leftovers(s, &n) == -EBADMSG);
	(void)snprintf(path, sizeof(path), "%s/frozen/empty", run_dir);
	CHECK(unlink(path) == 0);

	/* of a device that is no more: nothing is frozen there */
	put_record("gone", 'f', "1:250\nname=ram250", 1);
	CHECK(s->ops->thaw_leftovers(s, &n) == 0 && n == 0);
	CHECK(records(false, 0));
	/* never frozen by its dead owner */
	put_record("p", 'p', "1:250\nname=ram250", 1);
	CHECK(s->ops->thaw_leftovers(s, &n) == 0 && n == 0);
	CHECK(records(false, 0));
	(void)snprintf(path, sizeof(path), "%s/frozen/fifo", run_dir);
	CHECK(mkfifo(path, 0600) == 0);
	CHECK(s->ops->thaw_leftovers(s, &n) == -EBADMSG);	/* and does not wait */
	CHECK(unlink(path) == 0);
	pmf_sys_free(s);
	ok(__func__, fs);
}

static void signal_only_the_right_one(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	struct pmf_victim v = { 0 };
	struct pmf_process_stat st;
	int status;

	v.pid = fork();
	if (v.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGBUS, SIG_DFL);	/* sanitizers catch it */
		prctl(PR_SET_NAME, ") Z 1 (\n) 9");
		for (;;)
			pause();
	}
	pmf_sleep_us(50000);
	CHECK(pmf_process_stat(v.pid, &st) == 0);
	CHECK(st.state == 'S' && st.threads == 1 && st.start_ticks > 0);
	/* as the module tells it: nanoseconds, not whole ticks */
	v.start_ns = st.start_ticks * (PMF_NS_PER_SEC / 100) + 9999999;
	v.start_ns += PMF_NS_PER_SEC;
	CHECK(s->ops->signal_victim(s, &v) == -ESRCH);
	v.start_ns -= PMF_NS_PER_SEC;
	pmf_sleep_us(50000);
	CHECK(waitpid(v.pid, &status, WNOHANG) == 0);
	CHECK(s->ops->signal_victim(s, &v) == 0);
	CHECK(waitpid(v.pid, &status, 0) == v.pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	CHECK(s->ops->signal_victim(s, &v) == -ESRCH);
	v.pid = -1;
	CHECK(s->ops->signal_victim(s, &v) == -EINVAL);
	v.pid = 0;
	CHECK(s->ops->signal_victim(s, &v) == -EINVAL);
	pmf_sys_free(s);
	ok(__func__, fs);
}

static void no_module_is_said_so(const struct fs *fs)
{
	struct pmf_sys *s = sys_open();
	uint64_t features;
	uint32_t abi;
	int fd = -1;

	if (access("/dev/pmemfail", F_OK) == 0) {
		printf("skip %s: there is one\n", __func__);
		pmf_sys_free(s);
		return;
	}
	CHECK(s->ops->module_probe(s, &abi, &features) == -ENODEV);
	CHECK(s->ops->attempt_open(s, &fd) == -ENODEV && fd == -1);
	CHECK(s->ops->hold_open(s, &fd) == -ENODEV && fd == -1);
	/* something else under its name */
	CHECK(symlink("/dev/null", "/dev/pmemfail") == 0);
	fd = s->ops->module_probe(s, &abi, &features);
	(void)unlink("/dev/pmemfail");
	CHECK(fd == -EPROTO);
	pmf_sys_free(s);
	ok(__func__, fs);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	run_dir = argv[1];
	lock_keeps_others_out(NULL);
	others_cannot_lead_us_away(NULL);
	broken_records_are_told_and_kept(NULL);
	signal_only_the_right_one(NULL);
	no_module_is_said_so(NULL);
	return failed > 0;
}
