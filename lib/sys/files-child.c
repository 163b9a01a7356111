// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads what a process has open, by /proc/PID/fdinfo, in the child that maps-child.c
 * is: system calls and pure code only.
 *
 * It names mount and inode of an open file and asks no filesystem for it; but what an
 * epoll instance has in it is listed under its mutex (fs/eventpoll.c
 * ep_show_fdinfo()), which another thread may hold for as long as the server of a FUSE
 * file that is polled likes (ep_send_events(), fuse_file_poll()). So only what has a
 * path is read, which the link tells without asking anybody; a process that exchanges
 * its descriptors in between makes this child hang, which is killed for it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "base/str.h"
#include "sys/maps-child.h"

/* getdents64(2), which is what readdir() has, without its memory. */
struct dents {
	int fd;
	char *buf;
	size_t size;
	long n, at;
};

/* Its next name that is a number; -1: no more. */
static int32_t next_number(struct dents *d, struct pmf_maps_child *c)
{
	const struct dirent64 *e;
	uint64_t number;

	for (;;) {
		if (d->at >= d->n) {
			d->at = 0;
			d->n = syscall(SYS_getdents64, d->fd, d->buf, d->size);
			pmf_maps_step(c);
			if (d->n <= 0)
				return -1;
		}
		e = (const void *)(d->buf + d->at);
		d->at += e->d_reclen;
		if (pmf_u64_from_string(e->d_name, &number) == 0 && number <= INT32_MAX)
			return (int32_t)number;
	}
}

static bool has_path(int links, const char *name)
{
	char first;

	return readlinkat(links, name, &first, 1) == 1 && first == '/';
}

static void read_file(struct pmf_maps_child *c, struct pmf_maps_hit *hit, int infos,
		      int links)
{
	char name[12], text[512];
	ssize_t n = -1;
	int fd;

	pmf_maps_number(name, hit->file.fd);
	if (!has_path(links, name))
		return;
	fd = openat(infos, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	pmf_maps_step(c);
	if (n <= 0)
		return;		/* closed by now */
	text[n] = '\0';
	if (pmf_parse_fdinfo(text, &hit->file.mount, &hit->file.ino) == 0)
		pmf_maps_emit(c, hit, NULL, 0);
}

/* Returns how many it has open, -1: it cannot be read. */
static int read_task(struct pmf_maps_child *c, struct pmf_maps_hit *hit, int dir)
{
	struct dents d = { .buf = c->input, .size = sizeof(c->input) / 2 };
	int links, n = 0;

	d.fd = openat(dir, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.fd < 0)
		return -1;
	links = openat(dir, "fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (; (hit->file.fd = next_number(&d, c)) >= 0; n++)
		read_file(c, hit, d.fd, links);
	if (links >= 0)
		close(links);
	close(d.fd);
	return n;
}

/* All threads share what is open, unless the first has ended before the others. */
void pmf_files_child(struct pmf_maps_child *c, struct pmf_maps_hit *hit, int dir)
{
	struct dents d = {
		.buf = c->input + sizeof(c->input) / 2,
		.size = sizeof(c->input) / 2,
	};
	char name[12];
	int task, n;

	n = read_task(c, hit, dir);
	if (n != 0)
		return;
	d.fd = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (n <= 0 && d.fd >= 0 && (hit->file.task = next_number(&d, c)) >= 0) {
		pmf_maps_number(name, hit->file.task);
		task = openat(d.fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (task < 0)
			continue;
		n = read_task(c, hit, task);
		close(task);
	}
	if (d.fd >= 0)
		close(d.fd);
}
