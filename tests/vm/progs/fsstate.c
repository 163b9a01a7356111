// SPDX-License-Identifier: GPL-2.0-only
/*
 * fsstate: say in which state a filesystem is, through a descriptor that was
 * opened while it was well.
 *
 *	fsstate FD		e.g. fsstate 5 5</mnt/test
 *
 * Why: a filesystem that is shut down cannot be opened any more, so freeze and
 * thaw by path say nothing. Prints one line,
 *	frozen=0 write=EIO
 * frozen: 1 when it was (it is thawed now), and what a write to it answers:
 * "ok", an errno, or "hangs" after five seconds.
 */
#include "report.h"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <linux/fs.h>

static void try_to_write(int fd)
{
	char name[64];
	int new;

	snprintf(name, sizeof(name), "fsstate.%d", getpid());
	new = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (new < 0)
		_exit(errno);
	(void)unlinkat(fd, name, 0);
	_exit(0);
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? atoi(argv[1]) : -1, frozen, status = 0, i;
	char text[64] = "hangs";
	pid_t pid;

	frozen = ioctl(fd, FITHAW, 0) == 0;
	if (!frozen && errno != EINVAL && errno != EOPNOTSUPP)
		broken("FITHAW");
	pid = fork();
	if (pid < 0)
		broken("fork");
	if (!pid)
		try_to_write(fd);
	for (i = 0; i < 500 && waitpid(pid, &status, WNOHANG) == 0; i++)
		usleep(10000);
	if (i < 500 && WEXITSTATUS(status))
		snprintf(text, sizeof(text), "%s", strerrorname_np(WEXITSTATUS(status)));
	else if (i < 500)
		snprintf(text, sizeof(text), "ok");
	printf("frozen=%d write=%s\n", frozen, text);
	return 0;
}
