// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Running one hook: a session of its own, the failure on stdin, output to the
 * journal, bounded in time.
 *
 * It runs in its directory, by "./NAME": the directory was checked through the fd that
 * fchdir() takes, so nobody can put another in its place, a script's interpreter finds
 * it without /dev/fd, and it keeps its name in ps and the journal. stdin is a memfd and
 * not a pipe: whether it is read or not, nobody waits and nobody gets SIGPIPE.
 *
 * The caller has threads: the child makes system calls only until it executes. Only
 * the table of operations (sys.c) refers to this.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/str.h"
#include "sys/hook.h"
#include "sys/process.h"
#include "sys/sys-internal.h"

#define GRACE_NS	(3 * PMF_NS_PER_SEC)	/* between SIGTERM, SIGKILL and giving up */
#define JOURNAL		"/run/systemd/journal/stdout"

struct hook_child {
	int dir, in, out, report;
	char path[NAME_MAX + 3];	/* ./NAME */
	char *const *env;
};

/* --- in the child --- */

static _Noreturn void child(const struct hook_child *c)
{
	char *const argv[] = { (char *)c->path, NULL };
	const struct sigaction dfl = { .sa_handler = SIG_DFL };
	int in, out, dir, report, error, keep[4];
	sigset_t none;

	(void)setsid();
	for (int sig = 1; sig < _NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);	/* SIG_IGN would be inherited */
	/* Out of the way of 0 to 2, which may be free in our parent. */
	in = fcntl(c->in, F_DUPFD_CLOEXEC, 3);
	out = fcntl(c->out, F_DUPFD_CLOEXEC, 3);
	dir = fcntl(c->dir, F_DUPFD_CLOEXEC, 3);
	report = fcntl(c->report, F_DUPFD_CLOEXEC, 3);
	if (in >= 0 && out >= 0 && dir >= 0 && report >= 0 && dup2(in, 0) == 0 &&
	    dup2(out, 1) == 1 && dup2(out, 2) == 2 && fchdir(dir) == 0) {
		keep[0] = 0;
		keep[1] = 1;
		keep[2] = 2;
		keep[3] = report;
		pmf_close_all_but(keep, ARRAY_SIZE(keep));
		(void)umask(022);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)execve(c->path, argv, c->env);
	}
	error = errno;
	(void)!write(report, &error, sizeof(error));
	_exit(127);
}

/* --- in the parent --- */

static int memfd_of(const char *text, int *ret_fd)
{
	_cleanup_close_ int fd = memfd_create("failure", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return -errno;
	err = pmf_write_all(fd, text, strlen(text));
	if (err < 0)
		return err;
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK |
		  F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* A stream to the journal, as sd_journal_stream_fd(3) opens it, without waiting. */
static int open_journal(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL };
	_cleanup_close_ int fd = -1;
	char id[64], head[128];
	int n;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	/* Identifier, unit, priority, whether lines may begin with one, and three
	 * places to forward to. */
	n = snprintf(head, sizeof(head), "%s\n\n5\n1\n0\n0\n0\n",
		     pmf_str_escape_to(id, sizeof(id), name));
	if (send(fd, head, (size_t)n, MSG_NOSIGNAL) != n || shutdown(fd, SHUT_RD) < 0 ||
	    fcntl(fd, F_SETFL, 0) < 0)
		return -1;
	return TAKE_FD(fd);
}

static int open_output(const char *name, int *ret_fd)
{
	int fd = open_journal(name);

	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* The clean environment and what the caller adds. The strings are not copied. */
static int make_env(char *const *more, char ***ret)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
			     "/sbin:/bin";
	static char lang[] = "LANG=C.UTF-8";
	size_t n = 0, at = 0;
	char **env;

	while (more && more[n])
		n++;
	env = calloc(n + 3, sizeof(*env));
	if (!env)
		return -ENOMEM;
	env[at++] = path;
	env[at++] = lang;
	for (size_t i = 0; i < n; i++)
		env[at++] = more[i];
	*ret = env;
	return 0;
}

static int spawn(const struct hook_child *c, pid_t *ret_pid, int *ret_pidfd)
{
	int r = pmf_fork(SIGCHLD, ret_pid, ret_pidfd);

	if (r == 0)
		child(c);
	return MIN(r, 0);
}

/* Has it ended by then? Not reaped yet: its number stays its own, and its group's. */
static bool ended_by(int pidfd, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	uint64_t now, left;
	int r;

	do {
		now = pmf_boottime_ns();
		left = now < deadline_ns ? deadline_ns - now : 0;
		r = poll(&p, 1, (int)MIN(left / 1000000 + 1, INT_MAX));
	} while ((r < 0 && errno == EINTR) || (r == 0 && left > 0));
	return r > 0;
}

static void signal_group(pid_t pid, int pidfd, int sig)
{
	(void)kill(-pid, sig);	/* ESRCH: it has not even called setsid() */
	(void)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

/* Wait, and end it when its time is over. Returns the status as declared. */
static int wait_for(pid_t pid, int pidfd, uint64_t deadline_ns, bool *ret_timed_out)
{
	siginfo_t info = { 0 };
	bool late = !ended_by(pidfd, deadline_ns);

	if (late) {
		signal_group(pid, pidfd, SIGTERM);
		(void)ended_by(pidfd, pmf_boottime_ns() + GRACE_NS);
		signal_group(pid, pidfd, SIGKILL);	/* and whom it left behind */
		*ret_timed_out = true;
		if (!ended_by(pidfd, pmf_boottime_ns() + GRACE_NS))
			return -ETIMEDOUT;	/* stuck in the kernel */
	}
	if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0)
		return -errno;
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/* Its exit status, or why it was not run. */
static int run(struct hook_child *c, uint64_t deadline_ns, bool *ret_timed_out)
{
	_cleanup_close_ int pidfd = -1, report = -1;
	int err, error, status, fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	report = fds[0];
	c->report = fds[1];
	err = spawn(c, &pid, &pidfd);
	safe_close(c->report);
	if (err < 0)
		return err;
	status = wait_for(pid, pidfd, deadline_ns, ret_timed_out);
	if (read(report, &error, sizeof(error)) == sizeof(error))
		return -error;	/* of execve() */
	return status;
}

static int prepare_and_run(const char *dir, struct pmf_hook_result *hook, const char *text,
			   char *const *more, uint64_t timeout_us, char **ret_why)
{
	_cleanup_close_ int dir_fd = -1, in = -1, out = -1;
	_cleanup_free_ char **env = NULL;
	struct hook_child c;
	uint64_t deadline;
	int err;

	err = pmf_hook_open_dir(dir, &dir_fd, ret_why);
	if (err == 0)
		err = pmf_hook_check(dir_fd, hook->name, ret_why);
	if (err == 0)
		err = memfd_of(text, &in);
	if (err == 0)
		err = open_output(hook->name, &out);
	if (err == 0)
		err = make_env(more, &env);
	if (err < 0)
		return err;
	c = (struct hook_child){ .dir = dir_fd, .in = in, .out = out, .env = env };
	(void)snprintf(c.path, sizeof(c.path), "./%s", hook->name);
	if (__builtin_mul_overflow(timeout_us, PMF_NS_PER_US, &deadline) ||
	    __builtin_add_overflow(deadline, pmf_boottime_ns(), &deadline))
		deadline = UINT64_MAX;
	return run(&c, deadline, &hook->timed_out);
}

int pmf_sys_run_hook(struct pmf_sys *s, const char *dir, struct pmf_hook_result *hook,
		     const char *text, char *const *env, uint64_t timeout_us)
{
	uint64_t begin = pmf_boottime_ns();
	_cleanup_free_ char *why = NULL;

	(void)s;
	hook->timed_out = false;
	hook->status = prepare_and_run(dir, hook, text, env, timeout_us, &why);
	hook->ns = pmf_boottime_ns() - begin;
	if (hook->status < 0 && !why)
		(void)pmf_format(&why, "it could not be run: %s",
				 strerrordesc_np(-hook->status) ?: "unknown error");
	free(hook->why);
	hook->why = TAKE_PTR(why);
	return 0;
}
