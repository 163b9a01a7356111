// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mount ids: from the mountinfo of every namespace, which asks no filesystem. A mount
 * that no namespace has (lazily unmounted, or never attached) can only be asked itself,
 * and it may be one that does not answer: so a child asks. See mount-ids.h.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/file.h"
#include "sys/mount-ids.h"
#include "sys/process.h"

#define MOUNTINFO_MAX	(64u << 20)
#define ASK_MS		200	/* for one mount */
#define ASK_ALL_MS	2000	/* for all that do not answer */
#define REAP_MS		1000

void pmf_mount_ids_done(struct pmf_mount_ids *m)
{
	free(m->v);
	free(m->namespaces);
	*m = (struct pmf_mount_ids){ 0 };
}

/* Where it is, or would go. */
static size_t find(const struct pmf_mount_ids *m, int id)
{
	size_t low = 0, high = m->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (m->v[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int put(struct pmf_mount_ids *m, int id, bool ours)
{
	size_t i = find(m, id);
	int err;

	if (i < m->n && m->v[i].id == id) {
		m->v[i].ours = ours;
		return 0;
	}
	err = pmf_grow(&m->v, &m->cap, m->n + 1, sizeof(*m->v));
	if (err < 0)
		return err;
	memmove(m->v + i + 1, m->v + i, (m->n - i) * sizeof(*m->v));
	m->v[i] = (struct pmf_mount_id){ id, ours };
	m->n++;
	return 0;
}

/* --- mount namespaces --- */

/* True when it was read before, or there is none to read. */
static bool is_read(const struct pmf_mount_ids *m, const char *pid, uint64_t *ret)
{
	unsigned long long number;
	char link[48], text[64];
	ssize_t n;
	size_t i;

	snprintf(link, sizeof(link), "/proc/%.16s/ns/mnt", pid);
	n = readlink(link, text, sizeof(text) - 1);
	if (n < 0)
		return true;
	text[n] = '\0';
	if (sscanf(text, "mnt:[%llu]", &number) != 1)
		return true;
	for (i = 0; i < m->n_namespaces; i++)
		if (m->namespaces[i] == number)
			return true;
	*ret = number;
	return false;
}

int pmf_mount_ids_read(struct pmf_mount_ids *m, const char *pid)
{
	_cleanup_free_ char *text = NULL;
	unsigned int major, minor;
	uint64_t ns = 0;
	char path[48];
	char *line;
	int err, id;

	if (is_read(m, pid, &ns))
		return 0;
	snprintf(path, sizeof(path), "/proc/%.16s/mountinfo", pid);
	err = pmf_read_file(AT_FDCWD, path, MOUNTINFO_MAX, &text, NULL);
	if (err == -ENOMEM)
		return err;
	if (err < 0)
		return 0;	/* gone meanwhile */
	for (line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%d %*d %u:%u", &id, &major, &minor) != 3)
			continue;
		err = put(m, id, makedev(major, minor) == m->devno);
		if (err < 0)
			return err;
	}
	err = pmf_grow(&m->namespaces, &m->cap_namespaces, m->n_namespaces + 1,
		       sizeof(*m->namespaces));
	if (err < 0)
		return err;
	m->namespaces[m->n_namespaces++] = ns;
	return 0;
}

/* --- mounts of no namespace --- */

struct answer {
	uint64_t mount_id;
	uint32_t major, minor;
};

/* In a child of a process that may have threads: system calls only. */
static _Noreturn void child_main(const char *link, int out)
{
	struct statx stx;
	struct answer a;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (out > 0)
		close_range(0, out - 1, 0);
	close_range(out + 1, ~0U, 0);
	if (syscall(SYS_statx, AT_FDCWD, link, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		    STATX_MNT_ID, &stx) < 0 || !(stx.stx_mask & STATX_MNT_ID))
		_exit(1);
	a = (struct answer){ stx.stx_mnt_id, stx.stx_dev_major, stx.stx_dev_minor };
	_exit(write(out, &a, sizeof(a)) != sizeof(a));
}

/* As maps-reader.c does: no exit signal. */
static int start_child(const char *link, int out, int *ret_pidfd)
{
	pid_t pid;
	int r = pmf_fork(0, &pid, ret_pidfd);

	if (r == 0)
		child_main(link, out);
	return MIN(r, 0);
}

/* Returns 1 when the answer holds for this mount, 0 when it says nothing of it. */
static int ask_mount(struct pmf_mount_ids *m, int id, const char *link, bool *ret)
{
	_cleanup_close_ int pidfd = -1, in = -1, out = -1;
	struct pollfd p[2];
	struct answer a;
	siginfo_t si;
	int fds[2], err, known = 0;

	if (m->waited_ms >= ASK_ALL_MS)
		return 1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	in = fds[0];
	out = fds[1];
	(void)fcntl(in, F_SETFL, O_NONBLOCK);	/* the child may end without an answer */
	err = start_child(link, out, &pidfd);
	if (err < 0)
		return err;
	out = safe_close(out);
	/* its end too: the pipe's may be kept open (see maps-reader.c) */
	p[0] = (struct pollfd){ .fd = in, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	if (poll(p, ARRAY_SIZE(p), ASK_MS) <= 0) {
		m->waited_ms += ASK_MS;
		known = 1;	/* enough of it */
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	} else if (read(in, &a, sizeof(a)) == sizeof(a) && a.mount_id == (uint64_t)id) {
		/* else another file has this descriptor by now */
		*ret = makedev(a.major, a.minor) == m->devno;
		known = 1;
	}
	/* Should it not die, it is left behind rather than waited for. */
	if (poll(&p[1], 1, REAP_MS) > 0)
		waitid(P_PIDFD, pidfd, &si, WEXITED | __WALL);
	return known;
}

int pmf_mount_ids_ask(struct pmf_mount_ids *m, int id, const char *link, bool *ret)
{
	size_t i = find(m, id);
	bool ours = false;
	int known = 1;
	char name[2];
	ssize_t n;

	if (i < m->n && m->v[i].id == id) {
		*ret = m->v[i].ours;
		return 0;
	}
	/* The kernel's own, as "pipe:[1]", are no paths: reading the link asks nobody. */
	n = readlink(link, name, sizeof(name));
	if (n <= 0)
		known = 0;	/* closed by now */
	else if (name[0] == '/')
		known = ask_mount(m, id, link, &ours);
	if (known > 0)
		known = put(m, id, ours);
	if (known < 0)
		return known;
	*ret = ours;
	return 0;
}
