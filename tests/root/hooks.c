/* SPDX-License-Identifier: GPL-2.0-only */
/* Hooks: which are refused, what one finds when it runs, and that none can hold us up. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "../unit/test.h"
#include "base/file.h"
#include "sys/sys-internal.h"

static char dir[256], path[512];

static const char *in(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool put(const char *name, const char *text, mode_t mode)
{
	int fd = open(in(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd >= 0 && pmf_write_all(fd, text, strlen(text)) == 0 &&
		fchmod(fd, mode) == 0 && close(fd) == 0;
}

#define SH "#!/bin/sh\n"

/* A directory with nothing in it. */
static void fresh(void)
{
	char command[512];

	(void)snprintf(dir, sizeof(dir), "%s/hooks.d", test_dir());
	(void)snprintf(command, sizeof(command), "rm -rf %1$s %1$s.out; mkdir -m 755 %1$s",
		       dir);
	if (system(command) != 0)
		abort();
}

static struct pmf_hook_result result;

static int run(const char *name, const char *text, uint64_t timeout_us)
{
	char out[600];
	char *const env[] = { (char *)"A=b c", out, NULL };
	int err;

	(void)snprintf(out, sizeof(out), "OUT=%s.out", dir);
	free(result.name);
	free(result.why);
	result = (struct pmf_hook_result){ .name = strdup(name) };
	err = pmf_sys_run_hook(NULL, dir, &result, text, env, timeout_us);
	return err < 0 ? err : result.status;
}

static char *output(void)
{
	static char *text;
	char name[600];

	(void)snprintf(name, sizeof(name), "%s.out", dir);
	free(text);
	text = NULL;
	(void)pmf_read_file(AT_FDCWD, name, 1 << 26, &text, NULL);
	return text;
}

static uint64_t ms(void)
{
	return pmf_boottime_ns() / 1000000;
}

static int status_of(const char *name, const char **ret_why)
{
	static struct pmf_hook_result *v;
	static size_t n;

	*ret_why = NULL;
	if (pmf_sys_list_hooks(NULL, dir, &v, &n) < 0)
		return -EIO;
	for (size_t i = 0; i < n; i++)
		if (streq(v[i].name, name)) {
			*ret_why = v[i].why;
			return v[i].status;
		}
	return 1;
}

#define CHECK_REFUSED(name, err, text) do {			\
	const char *why_;					\
	CHECK_EQ(status_of(name, &why_), err);			\
	CHECK(why_ && strstr(why_, text));			\
	CHECK_EQ(run(name, "", 1000000), err);			\
	CHECK(result.why && strstr(result.why, text));		\
	CHECK(!output());					\
} while (0)

TEST(listed_in_order)
{
	static const char *const other[] = { ".x", "x~", "x.dpkg-old", "x.dpkg-new.y", "README" };
	struct pmf_hook_result *v = NULL;
	size_t n = 7;

	fresh();
	CHECK_EQ(pmf_sys_list_hooks(NULL, dir, &v, &n), 0);
	CHECK_EQ(n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		CHECK(put(other[i], SH, 0755));
	CHECK(put("20-b", SH, 0755) && put("10-c", SH, 0700) && put("README.sh", SH, 0555));
	CHECK_EQ(pmf_sys_list_hooks(NULL, dir, &v, &n), 0);
	CHECK_EQ(n, 3);
	CHECK_STR(v[0].name, "10-c");
	CHECK_STR(v[1].name, "20-b");
	CHECK_STR(v[2].name, "README.sh");
	for (size_t i = 0; i < n; i++)
		CHECK(v[i].status == 0 && !v[i].why);
	strcat(dir, ".none");
	CHECK_EQ(pmf_sys_list_hooks(NULL, dir, &v, &n), 0);
	CHECK_EQ(n, 0);
}

TEST(refused_files)
{
	static const char script[] = SH "echo ran >$OUT\n";

	fresh();
	CHECK(put("group", script, 0775) && put("others", script, 0757));
	CHECK(put("plain", script, 0644) && put("theirs", script, 0755));
	CHECK(chown(in("theirs"), 65534, 0) == 0);
	CHECK(put("good", script, 0755) && symlink("good", in("link")) == 0);
	CHECK(mkdir(in("sub"), 0755) == 0 && mkfifo(in("fifo"), 0700) == 0);
	CHECK_REFUSED("group", -EPERM, "group");
	CHECK_REFUSED("others", -EPERM, "others");
	CHECK_REFUSED("plain", -EACCES, "executable");
	CHECK_REFUSED("theirs", -EPERM, "root");
	CHECK_REFUSED("link", -ELOOP, "link");
	CHECK_REFUSED("sub", -EPERM, "regular");
	CHECK_REFUSED("fifo", -EPERM, "regular");
	CHECK_EQ(run("../hooks.d/good", "", 1000000), -EINVAL);
	CHECK_EQ(run("..", "", 1000000), -EINVAL);
	CHECK_EQ(run("none", "", 1000000), -ENOENT);
	CHECK(result.why);
	CHECK(!output());
	CHECK_EQ(run("good", "", 10000000), 0);
	CHECK_STR(output(), "ran\n");
}

TEST(refused_directory)
{
	const char *why;
	char other[300];

	fresh();
	CHECK(put("good", SH "echo ran >$OUT\n", 0755));
	CHECK(chmod(dir, 0775) == 0);
	CHECK_EQ(status_of(".", &why), -EPERM);
	CHECK(strstr(why, "group"));
	CHECK_EQ(status_of("good", &why), 1);
	CHECK_EQ(run("good", "", 1000000), -EPERM);
	CHECK(chmod(dir, 0757) == 0);
	CHECK_EQ(status_of(".", &why), -EPERM);
	CHECK(chmod(dir, 0755) == 0 && chown(dir, 65534, 0) == 0);
	CHECK_EQ(status_of(".", &why), -EPERM);
	CHECK(strstr(why, "root"));
	CHECK_EQ(run("good", "", 1000000), -EPERM);
	CHECK(chown(dir, 0, 0) == 0);
	(void)snprintf(other, sizeof(other), "%s.link", dir);
	CHECK(symlink(dir, other) == 0);
	strcat(dir, ".link");
	CHECK_EQ(status_of(".", &why), -ELOOP);
	CHECK(strstr(why, "link"));
	CHECK_EQ(run("good", "", 1000000), -ELOOP);
	CHECK(unlink(other) == 0);
	dir[strlen(dir) - strlen(".link")] = '\0';
	CHECK(!output());
	CHECK_EQ(run("good", "", 10000000), 0);
}

/* Who may rename what is above may put another directory of root's in its place. */
TEST(refused_directory_above)
{
	char above[300], link[300];
	const char *why;

	fresh();
	(void)snprintf(above, sizeof(above), "%s/above", dir);
	(void)snprintf(link, sizeof(link), "%s/link", dir);
	CHECK(mkdir(above, 0755) == 0 && symlink("above", link) == 0);
	strcat(dir, "/above/hooks");
	CHECK(mkdir(dir, 0755) == 0 && put("good", SH "echo ran >$OUT\n", 0755));
	CHECK_EQ(status_of("good", &why), 0);
	CHECK(chmod(above, 0775) == 0);
	CHECK_EQ(status_of(".", &why), -EPERM);
	CHECK(strstr(why, "write to a directory above"));
	CHECK_EQ(run("good", "", 1000000), -EPERM);
	CHECK(chmod(above, 01777) == 0);	/* as /tmp: nobody else renames in it */
	CHECK_EQ(status_of("good", &why), 0);
	CHECK(chmod(above, 0755) == 0 && chown(above, 65534, 0) == 0);
	CHECK_EQ(status_of(".", &why), -EPERM);
	CHECK(strstr(why, "above it is not owned by root"));
	CHECK_EQ(run("good", "", 1000000), -EPERM);
	CHECK(chown(above, 0, 0) == 0);
	memcpy(strstr(dir, "/above/"), "/link//", 7);
	CHECK_EQ(status_of(".", &why), -ELOOP);
	CHECK(!output());
	memcpy(strstr(dir, "/link//"), "/above/", 7);
	CHECK_EQ(run("good", "", 10000000), 0);
}

TEST(what_it_finds)
{
	int leaked = open("/dev/null", O_RDONLY);	/* not even close-on-exec */

	fresh();
	CHECK(leaked >= 0 && setenv("SECRET", "x", 1) == 0);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	CHECK(put("hook", SH
		  "{ cat; echo \"$0 $# $A $SECRET. $PATH\"; pwd; ls /proc/$$/fd | tr '\\n' ' ';\n"
		  "while read l; do case $l in SigBlk*|SigIgn*) echo $l;; esac; done </proc/$$/status\n"
		  "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo leader; umask; } >$OUT\n",
		  0755));
	CHECK_EQ(run("hook", "some text\n", 10000000), 0);
	CHECK(!result.timed_out && !result.why && result.ns > 0);
	test_say("%s", output());
	CHECK(strstr(output(), "some text\n./hook 0 b c . /usr/local/sbin:"));
	CHECK(strstr(output(), dir));
	/* 10 and 11 are the shell's own, of the script and the redirection */
	CHECK(strstr(output(), "\n0 1 10 11 2 SigBlk"));
	CHECK(strstr(output(), "SigBlk: 0000000000000000\nSigIgn: 0000000000000000\n"));
	CHECK(strstr(output(), "\nleader\n0022\n"));
	(void)signal(SIGUSR1, SIG_DFL);
	close(leaked);
}

TEST(how_it_ended)
{
	fresh();
	CHECK(put("three", SH "exit 3\n", 0755) && put("dies", SH "kill -KILL $$\n", 0755));
	CHECK(put("odd", "neither one nor the other\n", 0755));
	CHECK(put("lost", "#!/nowhere/interpreter\n", 0755));
	CHECK_EQ(run("three", "", 10000000), 3);
	CHECK_EQ(run("dies", "", 10000000), 128 + SIGKILL);
	CHECK(!result.timed_out);
	CHECK_EQ(run("odd", "", 10000000), -ENOEXEC);
	CHECK(result.why);
	CHECK_EQ(run("lost", "", 10000000), -ENOENT);
	CHECK(result.why);
}

static bool is_dead(pid_t pid)
{
	struct pmf_process_stat st;

	return pmf_process_stat(pid, &st) < 0 || st.state == 'Z' || st.state == 'X';
}

TEST(time_is_bounded)
{
	uint64_t begin;
	pid_t child;

	fresh();
	CHECK(put("slow", SH "sleep 1000 & echo $! >$OUT; wait\n", 0755));
	begin = ms();
	CHECK_EQ(run("slow", "", 1500000), 128 + SIGTERM);
	CHECK(result.timed_out && ms() - begin >= 1500 && ms() - begin < 4400);
	child = atoi(output());
	CHECK(child > 0 && is_dead(child));
	CHECK(put("stubborn", SH "trap '' TERM; while :; do sleep 1; done\n", 0755));
	begin = ms();
	CHECK_EQ(run("stubborn", "", 1500000), 128 + SIGKILL);
	CHECK(result.timed_out && ms() - begin >= 4500 && ms() - begin < 15000);
}

TEST(neither_reading_nor_writing_holds_us_up)
{
	size_t n = 10 << 20;
	char *text = malloc(n + 1);
	uint64_t begin = ms();

	memset(text, 'x', n);
	text[n] = '\0';
	fresh();
	CHECK(put("deaf", SH "exec <&-; exit 0\n", 0755));
	CHECK(put("half", SH "head -c 5 >$OUT\n", 0755));
	CHECK(put("all", SH "wc -c >$OUT\n", 0755));
	CHECK(put("flood", SH "head -c 300000000 /dev/zero; head -c 300000000 /dev/zero >&2\n",
		  0755));
	CHECK_EQ(run("deaf", text, 20000000), 0);
	CHECK_EQ(run("half", text, 20000000), 0);
	CHECK_STR(output(), "xxxxx");
	CHECK_EQ(run("all", text, 20000000), 0);
	CHECK_STR(output(), "10485760\n");
	CHECK_EQ(run("flood", text, 60000000), 0);
	CHECK(ms() - begin < 60000);
	free(text);
}
