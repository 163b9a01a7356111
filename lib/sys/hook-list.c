// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The hooks of a directory, and which of them are refused. See hook.h; hook.c, and the
 * table of operations (sys.c), refer to this.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/str.h"
#include "sys/hook.h"
#include "sys/sys-internal.h"

/* What is wrong with it as root's own; NULL: nothing. An ACL that lets somebody write
 * shows in the group's bits (posix_acl_update_mode()). */
static const char *not_roots(const struct stat *st)
{
	if (st->st_uid != 0)
		return "it is not owned by root";
	if (st->st_mode & S_IWOTH)
		return "others may write to it";
	if (st->st_mode & S_IWGRP)
		return "its group may write to it";
	return NULL;
}

static int refuse(int err, const char *what, char **ret_why)
{
	(void)strdup_to(ret_why, what);	/* the error says it, too */
	return err;
}

/*
 * Whoever may rename a directory further up puts another one in its place: one that
 * is root's, too, but whose programs are no hooks. Where the sticky bit is set, nobody
 * but its owner may rename what is below.
 */
static int check_above(int fd, char **ret_why)
{
	_cleanup_close_ int at = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	struct stat st, below;
	int up;

	if (at < 0 || fstat(at, &st) < 0)
		return -errno;
	for (;;) {
		below = st;
		up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0 || fstat(up, &st) < 0) {
			safe_close(up);
			return -errno;
		}
		safe_close(at);
		at = up;
		if (st.st_ino == below.st_ino && st.st_dev == below.st_dev)
			return 0;	/* the root */
		if (st.st_uid != 0)
			return refuse(-EPERM, "a directory above it is not owned by root",
				      ret_why);
		if (st.st_mode & (S_IWGRP | S_IWOTH) && !(st.st_mode & S_ISVTX))
			return refuse(-EPERM, "others may write to a directory above it",
				      ret_why);
	}
}

int pmf_hook_open_dir(const char *dir, int *ret_fd, char **ret_why)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int fd = -1;
	const char *bad;
	struct stat st;
	int err;

	fd = (int)syscall(SYS_openat2, AT_FDCWD, dir, &how, sizeof(how));
	if (fd < 0 || fstat(fd, &st) < 0) {
		err = -errno;
		if (err == -ELOOP)
			return refuse(err, "a symbolic link leads to it", ret_why);
		if (err == -ENOTDIR)
			return refuse(err, "it is not a directory", ret_why);
		return refuse(err, "it cannot be opened", ret_why);
	}
	bad = not_roots(&st);
	if (bad)
		return refuse(-EPERM, bad, ret_why);
	err = check_above(fd, ret_why);
	if (err < 0)
		return err;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pmf_hook_check(int dir_fd, const char *name, char **ret_why)
{
	_cleanup_close_ int fd = -1;
	const char *bad;
	struct stat st;

	if (!*name || strchr(name, '/') || streq(name, ".") || streq(name, ".."))
		return refuse(-EINVAL, "it is not the name of a file", ret_why);
	fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return refuse(-errno, "it cannot be opened", ret_why);
	if (S_ISLNK(st.st_mode))
		return refuse(-ELOOP, "it is a symbolic link", ret_why);
	if (!S_ISREG(st.st_mode))
		return refuse(-EPERM, "it is not a regular file", ret_why);
	bad = not_roots(&st);
	if (bad)
		return refuse(-EPERM, bad, ret_why);
	if (!(st.st_mode & S_IXUSR))
		return refuse(-EACCES, "it is not executable", ret_why);
	return 0;
}

/* What editors, dpkg and people leave beside hooks. */
static bool is_other(const char *name)
{
	size_t n = strlen(name);

	return name[0] == '.' || name[n - 1] == '~' || strstr(name, ".dpkg-") ||
		streq(name, "README");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pmf_hook_result *)a)->name,
		      ((const struct pmf_hook_result *)b)->name);
}

static void results_free(struct pmf_hook_result *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].why);
	}
	free(v);
}

static int add(struct pmf_hook_result **v, size_t *n, size_t *cap, const char *name)
{
	struct pmf_hook_result *h;
	int err;

	err = pmf_grow(v, cap, *n + 1, sizeof(**v));
	if (err < 0)
		return err;
	h = &(*v)[*n];
	*h = (struct pmf_hook_result){ 0 };
	if (!strdup_to(&h->name, name))
		return -ENOMEM;
	(*n)++;
	return 0;
}

static int list_all(DIR *d, struct pmf_hook_result **v, size_t *n)
{
	struct pmf_hook_result *h;
	struct dirent *e;
	size_t cap = 0;
	int err;

	while (errno = 0, (e = readdir(d))) {
		if (is_other(e->d_name))
			continue;
		err = add(v, n, &cap, e->d_name);
		if (err < 0)
			return err;
		h = &(*v)[*n - 1];
		h->status = pmf_hook_check(dirfd(d), h->name, &h->why);
	}
	return -errno;
}

int pmf_sys_list_hooks(struct pmf_sys *s, const char *dir, struct pmf_hook_result **ret,
		       size_t *ret_n)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *why = NULL;
	struct pmf_hook_result *v = NULL;
	size_t n = 0, cap = 0;
	DIR *d;
	int err;

	(void)s;
	err = pmf_hook_open_dir(dir, &fd, &why);
	if (err == -ENOENT) {	/* none */
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	if (err < 0) {
		/* One entry that stands for the directory: whoever put the files there,
		 * their names are not to be believed either. */
		int refused = err;

		err = add(&v, &n, &cap, ".");
		if (err < 0) {
			free(v);
			return err;
		}
		v->status = refused;
		v->why = TAKE_PTR(why);
	} else {
		d = fdopendir(fd);
		if (!d)
			return -errno;
		TAKE_FD(fd);
		err = list_all(d, &v, &n);
		closedir(d);
		if (err < 0) {
			results_free(v, n);
			return err;
		}
		if (n > 0)
			qsort(v, n, sizeof(*v), by_name);
	}
	*ret = v;
	*ret_n = n;
	return 0;
}
