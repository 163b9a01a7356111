/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl inhibit WHAT COMMAND...: have removals wait while the command runs, as
 * systemd-inhibit does for shutdowns.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"

/* What is typed at a terminal is for the command, which is in the foreground, too. */
static void leave_signals_to_it(struct sigaction old[2])
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &ignore, &old[0]);
	sigaction(SIGQUIT, &ignore, &old[1]);
}

static _Noreturn void become(char **command, const struct sigaction old[2])
{
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGQUIT, &old[1], NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(command[0], command);
	ctl_error(CTL_FAILED, "cannot run '%s': %s.", command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Of the command: as a shell gives it. */
static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ctl_error(CTL_FAILED, "cannot wait for the command: %s.",
					 strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

int ctl_inhibit(struct ctl *c, char **args)
{
	char **command = args + 1;
	struct sigaction old[2];
	int fd, code;
	pid_t pid;

	if (!pmemfail_is_connection(c->lib))
		return ctl_error(CTL_FAILED, "only pmemfaild makes removals wait, and it %s:"
				 " nothing was run.", c->direct ? "was not to be asked" :
				 "is not running");
	fd = pmemfail_inhibit(c->lib, args[0], c->who ? c->who : last_part(command[0]),
			      c->why ? c->why : "a command is running");
	if (fd < 0)
		return ctl_error_device(c, fd, "make removals wait", args[0]);
	leave_signals_to_it(old);
	fflush(NULL);
	pid = fork();	/* the command does not get fd: it is closed on exec */
	if (pid == 0)
		become(command, old);
	code = pid < 0 ? ctl_error(CTL_FAILED, "cannot run '%s': %s.", command[0],
				   strerror(errno)) : wait_for(pid);
	close(fd);
	return code;
}
