// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes of badblocks lists. See watch.h.
 *
 * Reading a region's list takes the region's lock (nvdimm's badblocks_show()), which
 * an unbind of the region owns while one of its devices is held. So the reading side
 * here must not read: it is on the thread that answers holds. It need not, since
 * each poll is edge-triggered: kernfs_notify() wakes whoever polls each time, and
 * what the file was last read at matters only to a question asked without a wakeup.
 * Of those there is one, when it is added to epoll: hence one read before that.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/str.h"
#include "sys/watch.h"

#define DISKS	"/sys/block"
#define REGIONS	"/sys/bus/nd/devices"

enum { FROM_INOTIFY, FROM_POLL };

struct list {
	char *path;
	ino_t ino;	/* a device of the same name that comes later has another */
	int fd, wd;
	bool wanted;
};

struct pmf_badblocks_watch {
	int epoll, inotify;		/* all that read uses */
	pthread_mutex_t lock;		/* of what follows */
	struct list *lists;
	size_t n, cap;
};

static int add_to_epoll(int epoll, int fd, uint32_t events, uint32_t from)
{
	struct epoll_event e = { .events = events, .data.u32 = from };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

int pmf_badblocks_watch_new(struct pmf_badblocks_watch **ret)
{
	struct pmf_badblocks_watch *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	err = w->inotify < 0 ? -errno : 0;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (err == 0 && w->epoll < 0)
		err = -errno;
	if (err == 0)
		err = add_to_epoll(w->epoll, w->inotify, EPOLLIN, FROM_INOTIFY);
	if (err < 0) {
		pmf_badblocks_watch_free(w);
		return err;
	}
	*ret = w;
	return 0;
}

static void list_done(struct pmf_badblocks_watch *w, struct list *l)
{
	/* By hand: a child that was forked and not executed yet keeps the file open,
	 * and with it its place in epoll. */
	if (l->fd >= 0)
		(void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, l->fd, NULL);
	l->fd = safe_close(l->fd);
	if (l->wd >= 0)
		(void)inotify_rm_watch(w->inotify, l->wd);	/* gone with its file */
	free(l->path);
	l->path = NULL;
}

struct pmf_badblocks_watch *pmf_badblocks_watch_free(struct pmf_badblocks_watch *w)
{
	if (!w)
		return NULL;
	for (size_t i = 0; i < w->n; i++)
		list_done(w, &w->lists[i]);
	free(w->lists);
	safe_close(w->inotify);
	safe_close(w->epoll);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

int pmf_badblocks_watch_fd(const struct pmf_badblocks_watch *w)
{
	return w->epoll;
}

/* Was the file removed, and perhaps made anew? */
static bool is_stale(const struct list *l)
{
	struct stat st;

	return stat(l->path, &st) < 0 || st.st_ino != l->ino;
}

/* -ENOENT: there is no such list, or not any more. */
static int list_open(struct pmf_badblocks_watch *w, struct list *l)
{
	char buf[4096];
	struct stat st;
	ssize_t n;

	/* O_NOFOLLOW concerns the last component only */
	l->fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (l->fd < 0)
		return errno == ENODEV ? -ENOENT : -errno;
	if (fstat(l->fd, &st) < 0)
		return -errno;
	l->ino = st.st_ino;
	/* First: a change between the two is then seen twice rather than never. */
	l->wd = inotify_add_watch(w->inotify, l->path, IN_MODIFY);
	if (l->wd < 0)
		return -errno;
	n = read(l->fd, buf, sizeof(buf));
	if (n < 0)	/* ENXIO: a region without its driver; its bind is told by udev */
		return errno == ENODEV || errno == ENXIO ? -ENOENT : -errno;
	return add_to_epoll(w->epoll, l->fd, EPOLLPRI | EPOLLET, FROM_POLL);
}

static struct list *find(struct pmf_badblocks_watch *w, const char *path)
{
	for (size_t i = 0; i < w->n; i++)
		if (streq(w->lists[i].path, path) && !is_stale(&w->lists[i]))
			return &w->lists[i];
	return NULL;
}

/* Watch dir/name/badblocks, or keep watching it. */
static int want(struct pmf_badblocks_watch *w, const char *dir, const char *name)
{
	struct list l = { .fd = -1, .wd = -1, .wanted = true }, *old;
	int err;

	if (!*name || *name == '.' || strchr(name, '/'))
		return -EINVAL;
	err = pmf_format(&l.path, "%s/%s/badblocks", dir, name);
	if (err < 0)
		return err;
	old = find(w, l.path);
	if (old) {
		old->wanted = true;
		free(l.path);
		return 0;
	}
	/* A stale one stays unwanted. Its watch goes by the file, not by the path. */
	err = pmf_grow(&w->lists, &w->cap, w->n + 1, sizeof(l));
	if (err == 0)
		err = list_open(w, &l);
	if (err < 0) {
		list_done(w, &l);
		return err == -ENOENT ? 0 : err;
	}
	w->lists[w->n++] = l;
	return 0;
}

static int want_all(struct pmf_badblocks_watch *w, const char *dir,
		    const char *const *names, size_t n)
{
	int err, first = 0;

	for (size_t i = 0; i < n; i++) {
		err = want(w, dir, names[i]);
		if (err < 0 && first == 0)
			first = err;	/* the others are watched all the same */
	}
	return first;
}

int pmf_badblocks_watch_set(struct pmf_badblocks_watch *w, const char *const *disks,
			    size_t n_disks, const char *const *regions, size_t n_regions)
{
	size_t i, kept = 0;
	int err, other;

	pthread_mutex_lock(&w->lock);
	for (i = 0; i < w->n; i++)
		w->lists[i].wanted = false;
	err = want_all(w, DISKS, disks, n_disks);
	other = want_all(w, REGIONS, regions, n_regions);
	for (i = 0; i < w->n; i++) {
		if (w->lists[i].wanted)
			w->lists[kept++] = w->lists[i];
		else
			list_done(w, &w->lists[i]);
	}
	w->n = kept;
	pthread_mutex_unlock(&w->lock);
	return err < 0 ? err : other;
}

/* Is there anything but the echo of our own inotify_rm_watch()? */
static bool drain(int inotify)
{
	char buf[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *e;
	bool changed = false;
	ssize_t n;

	while ((n = read(inotify, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n; p += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)p;
			if (e->mask & (IN_MODIFY | IN_Q_OVERFLOW))
				changed = true;
		}
	return changed;
}

bool pmf_badblocks_watch_read(struct pmf_badblocks_watch *w)
{
	struct epoll_event events[32];
	bool changed = false;
	int n, i;

	do {
		n = epoll_wait(w->epoll, events, ARRAY_SIZE(events), 0);
		for (i = 0; i < n; i++)
			if (events[i].data.u32 == FROM_POLL)
				changed = true;
			else if (drain(w->inotify))
				changed = true;
	} while (n == ARRAY_SIZE(events));
	return changed;
}
