// SPDX-License-Identifier: GPL-2.0-only
/*
 * modtest: attempts on /dev/pmemfail, step by step
 *
 *	modtest STEP...
 *
 * does the steps in order on one attempt, printing a line for each. It ends with 1
 * when an ioctl of the module failed, unless the step begins with "try:", and goes
 * on otherwise. The fd of the steps is that of the last at=.
 *
 *	at=PATH			open it (O_PATH where nothing else works)
 *	fs[=FLAG,...]		REVOKE_FS
 *	file=START:END[:FLAG,...]	REVOKE_FILE
 *	race=N[:FLAG,...]	REVOKE_FS from N threads at once; prints the sums
 *	victims[=FIRST:MAX]	VICTIMS
 *	arm, disarm		GUARD
 *	freeze, thaw, shutdown	by the filesystem's own ioctls
 *	new			close the attempt, begin another
 *	sleep=MS, wait=PATH	the latter until PATH exists
 *	die			SIGKILL to itself
 *
 * Flags: look dirty stop none policy every (default: all), max=N victims (256).
 */
#include "modtest.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <linux/fs.h>

/* XFS_IOC_GOINGDOWN and EXT4_IOC_SHUTDOWN are one and the same. */
#define FS_SHUTDOWN	_IOR('X', 125, uint32_t)
#define FS_SHUTDOWN_LOGFLUSH 1

static int module, at = -1;
static bool trying;

struct revoke {
	struct pmemfail_revoke arg;
	struct pmemfail_victim *victims;
	int error;
};

static void ended(const char *what, int error)
{
	if (error && !trying) {
		printf("%s %s\n", what, error_name(error));
		exit(1);
	}
}

static unsigned long ms(uint64_t ns)
{
	return ns / 1000000;
}

static void print_victim(const struct pmemfail_victim *v)
{
	printf("victim pid=%d flags=%s%s%s%s addr=0x%llx len=%llu off=%llu ino=%llu gen=%u "
	       "vmas=%u uid=%u lsb=%u start=%llu comm=%.16s\n", v->pid,
	       v->flags & PMEMFAIL_VICTIM_TOLD ? "T" : "",
	       v->flags & PMEMFAIL_VICTIM_IGNORES ? "I" : "",
	       v->flags & PMEMFAIL_VICTIM_LATE ? "L" : "",
	       v->flags & PMEMFAIL_VICTIM_EXITING ? "E" : "",
	       (unsigned long long)v->address, (unsigned long long)v->length,
	       (unsigned long long)v->offset, (unsigned long long)v->ino, v->generation,
	       v->vmas, v->uid, v->lsb, (unsigned long long)v->start_ns, v->comm);
}

static void print_revoke(const char *what, const struct revoke *r)
{
	const struct pmemfail_revoke *a = &r->arg;
	unsigned int i;

	printf("%s %s files=%u vmas=%llu entries=%llu left=%llu pinned=%llu told=%u "
	       "victims=%u walk_us=%llu unmap_us=%llu drop_us=%llu tell_us=%llu\n", what,
	       error_name(r->error), a->files, (unsigned long long)a->vmas,
	       (unsigned long long)a->entries, (unsigned long long)a->entries_left,
	       (unsigned long long)a->pinned, a->told, a->victims_total,
	       (unsigned long long)a->walk_ns / 1000, (unsigned long long)a->unmap_ns / 1000,
	       (unsigned long long)a->invalidate_ns / 1000,
	       (unsigned long long)a->signal_ns / 1000);
	for (i = 0; i < a->victims_total && i < a->victims_max; i++)
		print_victim(&r->victims[i]);
}

static void parse_flags(struct revoke *r, char *text)
{
	struct pmemfail_revoke *a = &r->arg;
	char *word;

	*a = (struct pmemfail_revoke) {
		.size = sizeof(*a), .fd = at, .signal = PMEMFAIL_SIGNAL_ALL, .victims_max = 256,
	};
	for (; text && (word = strsep(&text, ","));) {
		if (!strcmp(word, "look"))
			a->flags |= PMEMFAIL_REVOKE_LOOK;
		else if (!strcmp(word, "dirty"))
			a->flags |= PMEMFAIL_REVOKE_DROP_DIRTY;
		else if (!strcmp(word, "stop"))
			a->flags |= PMEMFAIL_REVOKE_STOP_DAX;
		else if (!strcmp(word, "none"))
			a->signal = PMEMFAIL_SIGNAL_NONE;
		else if (!strcmp(word, "policy"))
			a->signal = PMEMFAIL_SIGNAL_POLICY;
		else if (!strcmp(word, "every"))
			a->signal = PMEMFAIL_SIGNAL_EVERY;
		else if (!strncmp(word, "max=", 4))
			a->victims_max = atoi(word + 4);
		else
			broken("flag %s", word);
	}
	r->victims = calloc(a->victims_max + 1, sizeof(*r->victims));
	a->victims = (uintptr_t)r->victims;
}

static void do_fs(char *text)
{
	struct revoke r;

	parse_flags(&r, text);
	r.error = call(module, PMEMFAIL_IOC_REVOKE_FS, &r.arg);
	print_revoke("fs", &r);
	free(r.victims);
	ended("fs", r.error);
}

static void do_file(char *text)
{
	char *start = strsep(&text, ":"), *end = strsep(&text, ":");
	struct revoke r;

	parse_flags(&r, text);
	r.arg.start = strtoull(start, NULL, 0);
	r.arg.end = strtoull(end, NULL, 0);
	r.error = call(module, PMEMFAIL_IOC_REVOKE_FILE, &r.arg);
	print_revoke("file", &r);
	free(r.victims);
	ended("file", r.error);
}

static pthread_barrier_t start_line;

static void *race_main(void *arg)
{
	struct revoke *r = arg;

	pthread_barrier_wait(&start_line);
	r->error = call(module, PMEMFAIL_IOC_REVOKE_FS, &r->arg);
	return NULL;
}

static void do_race(char *text)
{
	unsigned int i, n = atoi(strsep(&text, ":")), told = 0, least = -1;
	struct revoke *r = calloc(n, sizeof(*r));
	pthread_t *threads = calloc(n, sizeof(*threads));
	char flags[64];

	pthread_barrier_init(&start_line, NULL, n);
	for (i = 0; i < n; i++) {
		snprintf(flags, sizeof(flags), "%s", text ?: "max=256");
		parse_flags(&r[i], flags);
		if (pthread_create(&threads[i], NULL, race_main, &r[i]))
			broken("pthread_create");
	}
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		ended("race", r[i].error);
		told += r[i].arg.told;
		if (r[i].arg.victims_total < least)
			least = r[i].arg.victims_total;
	}
	printf("race OK told=%u least_victims=%u left=%llu\n", told, least,
	       (unsigned long long)r[n - 1].arg.entries_left);
}

static void do_victims(char *text)
{
	struct pmemfail_victims arg = { .size = sizeof(arg), .max = 256 };
	struct pmemfail_victim *victims;
	unsigned int i;
	int error;

	if (text) {
		arg.first = atoi(strsep(&text, ":"));
		arg.max = atoi(text ?: "256");
	}
	victims = calloc(arg.max + 1, sizeof(*victims));
	arg.victims = (uintptr_t)victims;
	error = call(module, PMEMFAIL_IOC_VICTIMS, &arg);
	printf("victims %s copied=%u total=%u\n", error_name(error), arg.max, arg.total);
	for (i = 0; !error && i < arg.max; i++)
		print_victim(&victims[i]);
	free(victims);
	ended("victims", error);
}

static void do_guard(unsigned int flags)
{
	struct pmemfail_guard arg = { .size = sizeof(arg), .flags = flags, .fd = at };
	int error = call(module, PMEMFAIL_IOC_GUARD, &arg);

	printf("guard %s\n", error_name(error));
	ended("guard", error);
}

static void do_at(const char *path)
{
	if (at >= 0)
		close(at);
	at = open(path, O_RDONLY | O_CLOEXEC);
	if (at < 0)
		at = open(path, O_PATH | O_CLOEXEC);
	if (at < 0)
		broken("open %s", path);
}

/* The filesystem's own: what they answer is shown, and judged by the case. */
static void do_ioctl(const char *what, unsigned long cmd, void *arg)
{
	struct timespec a, b;
	int error;

	clock_gettime(CLOCK_MONOTONIC, &a);
	error = call(at, cmd, arg);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%s %s ms=%lu\n", what, error_name(error),
	       ms((b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec));
}

static void step(char *text)
{
	uint32_t how = FS_SHUTDOWN_LOGFLUSH;
	char *word;

	trying = !strncmp(text, "try:", 4);
	text += trying ? 4 : 0;
	word = strsep(&text, "=");
	if (!strcmp(word, "at"))
		do_at(text);
	else if (!strcmp(word, "fs"))
		do_fs(text);
	else if (!strcmp(word, "file"))
		do_file(text);
	else if (!strcmp(word, "race"))
		do_race(text);
	else if (!strcmp(word, "victims"))
		do_victims(text);
	else if (!strcmp(word, "arm"))
		do_guard(PMEMFAIL_GUARD_ARM);
	else if (!strcmp(word, "disarm"))
		do_guard(PMEMFAIL_GUARD_DISARM);
	else if (!strcmp(word, "freeze"))
		do_ioctl(word, FIFREEZE, NULL);
	else if (!strcmp(word, "thaw"))
		do_ioctl(word, FITHAW, NULL);
	else if (!strcmp(word, "shutdown"))
		do_ioctl(word, FS_SHUTDOWN, &how);
	else if (!strcmp(word, "sleep"))
		usleep(atoi(text) * 1000);
	else if (!strcmp(word, "wait"))
		while (access(text, F_OK))
			usleep(10000);
	else if (!strcmp(word, "die"))
		kill(getpid(), SIGKILL);
	else if (!strcmp(word, "new")) {
		close(module);
		module = module_open(0);
	} else {
		broken("step %s", word);
	}
}

int main(int argc, char **argv)
{
	int i;

	setlinebuf(stdout);
	module = module_open(0);
	for (i = 1; i < argc; i++)
		step(argv[i]);
	return 0;
}
