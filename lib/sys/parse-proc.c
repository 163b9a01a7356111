// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lines of /proc. The text in them (names of processes, files, cgroups) is
 * chosen by whoever runs there. Pure; proc.c, scan.c, maps-reader.c, block.c
 * and mountinfo.c call this.
 */
#include <sys/sysmacros.h>

#include "sys/parse.h"

/* A number in base 10 or 16 at *p, not past end. */
static int number(const char **p, const char *end, unsigned int base, uint64_t *ret)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; s < end; s++) {
		unsigned int d;

		if (*s >= '0' && *s <= '9')
			d = *s - '0';
		else if (base == 16 && *s >= 'a' && *s <= 'f')
			d = *s - 'a' + 10;
		else
			break;
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return -EINVAL;
	}
	if (s == *p)
		return -EINVAL;
	*p = s;
	*ret = v;
	return 0;
}

static int expect(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c)
		return -EINVAL;
	(*p)++;
	return 0;
}

int pmf_parse_maps_line(const char *line, size_t n, struct pmf_maps_line *ret)
{
	const char *p = line, *end = line + n;
	struct pmf_maps_line l = { 0 };
	uint64_t maj, min;

	/* show_vma_header_prefix(): START-END PERM OFFSET MAJ:MIN INO     PATH */
	if (number(&p, end, 16, &l.start) < 0 || expect(&p, end, '-') < 0 ||
	    number(&p, end, 16, &l.end) < 0 || expect(&p, end, ' ') < 0)
		return -EINVAL;
	if (end - p < 5)
		return -EINVAL;
	p += 4;			/* rwxp */
	if (expect(&p, end, ' ') < 0 || number(&p, end, 16, &l.offset) < 0 ||
	    expect(&p, end, ' ') < 0 || number(&p, end, 16, &maj) < 0 ||
	    expect(&p, end, ':') < 0 || number(&p, end, 16, &min) < 0 ||
	    expect(&p, end, ' ') < 0 || number(&p, end, 10, &l.ino) < 0)
		return -EINVAL;
	if (l.end < l.start || maj > 0xfff || min > 0xfffff || (p < end && *p != ' '))
		return -EINVAL;
	l.devno = makedev(maj, min);
	while (p < end && *p == ' ')
		p++;
	if (p < end) {
		l.path = p;
		l.path_len = end - p;
	}
	*ret = l;
	return 0;
}

int pmf_parse_proc_stat(const char *text, struct pmf_proc_stat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')'), *p, *end;
	struct pmf_proc_stat st = { 0 };
	unsigned int field;
	uint64_t v;

	/* The name between the parentheses may contain any byte, also ')' and
	 * newline, but what follows the last one is numbers only. */
	if (!open || !close || close < open)
		return -EINVAL;
	memcpy(st.comm, open + 1, MIN((size_t)(close - open - 1), sizeof(st.comm) - 1));
	end = close + strlen(close);
	p = close + 1;
	if (expect(&p, end, ' ') < 0 || p >= end)
		return -EINVAL;
	st.state = *p++;
	for (field = 4; field <= 22; field++) {
		if (expect(&p, end, ' ') < 0)
			return -EINVAL;
		if (p < end && *p == '-')
			p++;	/* tty and tpgid may be -1: of no interest */
		if (number(&p, end, 10, &v) < 0)
			return -EINVAL;
		if (field == 9)
			st.flags = v;
		if (field == 22)
			st.start_ticks = v;
	}
	*ret = st;
	return 0;
}

/* The number behind this word, which begins a line. */
static int value_of(const char *text, const char *word, uint64_t *ret)
{
	const char *p = strstr(text, word), *end = text + strlen(text);

	if (!p)
		return -EBADMSG;
	for (p += strlen(word); p < end && (*p == ' ' || *p == '\t'); p++)
		;
	return number(&p, end, 10, ret) < 0 ? -EBADMSG : 0;
}

/* The first lines are the same for every kind of file (fs/proc/fd.c seq_show()). */
int pmf_parse_fdinfo(const char *text, int *ret_mount, uint64_t *ret_ino)
{
	uint64_t mount, ino;

	if (value_of(text, "\nmnt_id:", &mount) < 0 || value_of(text, "\nino:", &ino) < 0 ||
	    mount > INT32_MAX)
		return -EBADMSG;
	*ret_mount = (int)mount;
	*ret_ino = ino;
	return 0;
}

int pmf_parse_proc_uid(const char *text, uint32_t *ret)
{
	/* proc_task_name() escapes newlines in Name:, so no process can forge this */
	const char *p = strstr(text, "\nUid:\t"), *end = text + strlen(text);
	uint64_t v;

	if (!p)
		return -EINVAL;
	p += strlen("\nUid:\t");
	if (number(&p, end, 10, &v) < 0 || v > UINT32_MAX)
		return -EINVAL;
	*ret = v;
	return 0;
}

static bool ends_with(const char *s, size_t n, const char *suffix)
{
	size_t m = strlen(suffix);

	return n > m && memcmp(s + n - m, suffix, m) == 0;
}

static int copy_out(char *buf, size_t size, const char *a, size_t na, const char *b,
		    size_t nb)
{
	if (na + (nb ? nb + 1 : 0) >= size)
		return -ENAMETOOLONG;
	memcpy(buf, a, na);
	if (nb) {
		buf[na++] = '/';
		memcpy(buf + na, b, nb);
	}
	buf[na + nb] = '\0';
	return 0;
}

int pmf_parse_cgroup(const char *text, char *buf, size_t size)
{
	static const char v2[] = "0::", named[] = ":name=systemd:";
	const char *path = NULL, *end, *p, *outer = NULL, *inner = NULL;
	size_t n_outer = 0, n_inner = 0, n;

	/* "0::/path" is the unified hierarchy, "1:name=systemd:/path" that of
	 * systemd where there is no other. cgroup_mkdir() refuses newlines. */
	for (p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		const char *colon = strchr(p, ':');

		if (strncmp(p, v2, strlen(v2)) == 0 && !path) {
			path = p + strlen(v2);
		} else if (colon && strncmp(colon, named, strlen(named)) == 0) {
			path = colon + strlen(named);
			break;
		}
	}
	if (!path)
		return -ENOENT;
	end = strchrnul(path, '\n');
	if (ends_with(path, end - path, " (deleted)"))
		end -= strlen(" (deleted)");

	for (p = path; p < end; p += n) {
		while (p < end && *p == '/')
			p++;
		for (n = 0; p + n < end && p[n] != '/'; n++)
			;
		if (!ends_with(p, n, ".service") && !ends_with(p, n, ".scope"))
			continue;
		if (!outer) {
			outer = p;
			n_outer = n;
		} else {
			inner = p;
			n_inner = n;
		}
	}
	if (outer)
		return copy_out(buf, size, outer, n_outer, inner, n_inner);
	if (end - path <= 1)
		return -ENOENT;
	return copy_out(buf, size, path, end - path, NULL, 0);
}

/* \040 and its like, as seq_path() writes them. */
static bool octal(const char *s, char *ret)
{
	if (s[0] != '\\' || s[1] < '0' || s[1] > '3' || s[2] < '0' || s[2] > '7' ||
	    s[3] < '0' || s[3] > '7')
		return false;
	*ret = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
	return true;
}

int pmf_parse_swaps(const char **pos, char *path, size_t size, bool *ret_block)
{
	static const char block[] = "partition";
	const char *p = *pos, *line, *end;
	size_t n;

	for (; *p; p = *end ? end + 1 : end) {
		line = p;
		end = strchrnul(line, '\n');
		if (*line != '/')
			continue;	/* the heading */
		for (n = 0; p < end && *p != ' ' && *p != '\t' && n + 1 < size; n++)
			if (octal(p, path + n))
				p += 4;
			else
				path[n] = *p++;
		if (p < end && *p != ' ' && *p != '\t')
			continue;	/* longer than a path can be */
		path[n] = '\0';
		while (*p == ' ' || *p == '\t')
			p++;
		*ret_block = strncmp(p, block, strlen(block)) == 0;
		*pos = *end ? end + 1 : end;
		return 1;
	}
	*pos = p;
	return 0;
}

int pmf_parse_mount_option(const char *options, const char *key, char *buf, size_t size)
{
	size_t n = strlen(key);
	const char *p, *end;

	for (p = options; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ',');
		if ((size_t)(end - p) <= n + 1 || strncmp(p, key, n) != 0 || p[n] != '=')
			continue;
		p += n + 1;
		return copy_out(buf, size, p, (size_t)(end - p), NULL, 0);
	}
	return -ENOENT;
}
