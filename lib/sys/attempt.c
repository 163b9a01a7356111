// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attempts that outlive who made them. Whom an attempt has told only the module knows,
 * and only until its last open file is closed. So as long as the end of a failure is not
 * on record, systemd has one, too (FDSTORE=1, see sd_pid_notify_with_fds(3)), and gives
 * it to the next pmemfaild, which handles that failure once more: through it nobody is
 * told again.
 *
 * There is one store for a process, hence one table. Without systemd, or when there is
 * no room, an attempt ends with the process, as any other.
 */
#include <fcntl.h>
#include <pthread.h>
#include <systemd/sd-daemon.h>

#include "base/str.h"
#include "sys/sys-internal.h"

#define NAME_PREFIX	"attempt-"
#define MAX_KEPT	32		/* FileDescriptorStoreMax= */

static struct kept {
	uint64_t failure_id;
	int fd;
} kept[MAX_KEPT];
static size_t n_kept;
static bool inherited;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void unlockp(pthread_mutex_t **m)
{
	(void)pthread_mutex_unlock(*m);
}

#define LOCKED								\
	_cleanup_(unlockp) pthread_mutex_t *locked_ = &lock;		\
	(void)pthread_mutex_lock(locked_)

static struct kept *find(uint64_t failure_id)
{
	for (size_t i = 0; i < n_kept; i++)
		if (kept[i].failure_id == failure_id)
			return &kept[i];
	return NULL;
}

/* Any other name is somebody else's, who may live in the same process. */
static void inherit_one(const char *name, int fd)
{
	uint64_t id;

	if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0 ||
	    pmf_u64_from_string(name + strlen(NAME_PREFIX), &id) < 0)
		return;
	if (n_kept < MAX_KEPT && id > 0 && !find(id))
		kept[n_kept++] = (struct kept){ id, fd };
	else
		(void)close(fd);
}

/* From a predecessor, once. */
static void inherit(void)
{
	char **names = NULL;
	int n;

	if (inherited)
		return;
	inherited = true;
	n = sd_listen_fds_with_names(false, &names);
	for (int i = 0; i < n; i++) {
		inherit_one(names[i], SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
}

static int notify(const char *what, uint64_t failure_id, int fd)
{
	char text[96];

	/* FDPOLL=0: it is kept whatever poll() says of it */
	(void)snprintf(text, sizeof(text), "%s=1\nFDNAME=" NAME_PREFIX "%llu%s", what,
		       (unsigned long long)failure_id, fd >= 0 ? "\nFDPOLL=0" : "");
	return fd >= 0 ? sd_pid_notify_with_fds(0, false, text, &fd, 1) :
			 sd_notify(false, text);
}

int pmf_sys_attempt_resume(struct pmf_sys *s, uint64_t failure_id, int *ret_attempt)
{
	_cleanup_close_ int mine = -1, theirs = -1;
	const struct kept *k;
	int r;

	LOCKED;
	inherit();
	k = find(failure_id);
	if (k) {
		mine = fcntl(k->fd, F_DUPFD_CLOEXEC, 3);
		if (mine < 0)
			return -errno;
		*ret_attempt = TAKE_FD(mine);
		return 0;
	}
	r = pmf_sys_attempt_open(s, &mine);
	if (r < 0)
		return r;
	theirs = n_kept < MAX_KEPT ? fcntl(mine, F_DUPFD_CLOEXEC, 3) : -1;
	if (theirs >= 0 && notify("FDSTORE", failure_id, mine) > 0)
		kept[n_kept++] = (struct kept){ failure_id, TAKE_FD(theirs) };
	*ret_attempt = TAKE_FD(mine);
	return 0;
}

void pmf_sys_attempt_finish(struct pmf_sys *s, uint64_t failure_id)
{
	struct kept *k;

	(void)s;
	LOCKED;
	inherit();
	k = find(failure_id);
	if (!k)
		return;
	(void)notify("FDSTOREREMOVE", failure_id, -1);
	(void)close(k->fd);
	*k = kept[--n_kept];
}
