// SPDX-License-Identifier: GPL-2.0-only
/*
 * victim: a process that maps files on persistent memory, as programs do, and
 * writes down what becomes of it.
 *
 *	victim [OPTION...] MODE FILE...
 *
 * maps each FILE, touches it as MODE says, and reports "ready". Each SIGBUS that
 * it is sent is a line "sigbus code=5 addr=0x... lsb=12 n=1 ...". On SIGUSR1 it
 * tries to read every page of every mapping and reports, for each mapping,
 *	probe map=0 pages=512 gone=512 read=0 kept=0 lost=0 code=2
 * (read: pages of the file that could still be read; kept and lost: privately
 * copied pages that have their content, or have not), then "probed". On SIGTERM
 * it ends.
 *
 * Modes
 *	reader, readonly	read every page; readonly opens the file so
 *	writer			write every page, and msync
 *	dirty			write every page and leave them dirty
 *	sync-writer		the same with MAP_SYNC
 *	untouched		map only
 *	private			MAP_PRIVATE: read the even pages, write the odd
 *	ignore, blocked		as reader, with SIGBUS ignored or blocked: before it
 *				probes, a child accesses the mapping just so
 *	pin			as dirty, with a direct read from --source DEV pending
 *				into the first mapping: "reading", then "read N"
 *
 * Options
 *	--size N	bytes of each file to map; default all
 *	--offset N	where in the file; default 0
 *	--status FILE	where lines go (appended); default standard output
 *	--huge		map at 2 MiB boundaries, so that the kernel can use PMDs
 *	--small		map where the kernel cannot, but maps each page singly
 *	--fork		a child does the same; it reports to FILE.child
 *	--threads N	so many more threads that touch every page
 *	--leaderless	end the main thread: the last of --threads goes on
 *	--unlink	unlink the files once mapped
 *	--keep-open	keep the descriptors, not only the mappings
 *	--name NAME	what the process calls itself
 *	--avenge PID	SIGKILL for that process when this one is told; up to four
 */
#include "report.h"

#include <getopt.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <linux/fs.h>

#define MAPS_MAX 64
#define PIN_SIZE (64UL << 10)

enum touch { TOUCH_NONE, TOUCH_READ, TOUCH_WRITE, TOUCH_MIXED };

struct mode {
	const char *name;
	enum touch touch;
	int open_flags, prot, map_flags;
	bool sync;
};

static const struct mode modes[] = {
	{ "reader", TOUCH_READ, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, false },
	{ "readonly", TOUCH_READ, O_RDONLY, PROT_READ, MAP_SHARED, false },
	{ "writer", TOUCH_WRITE, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, true },
	{ "dirty", TOUCH_WRITE, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, false },
	{ "sync-writer", TOUCH_WRITE, O_RDWR, PROT_READ | PROT_WRITE,
	  MAP_SHARED_VALIDATE | MAP_SYNC, false },
	{ "untouched", TOUCH_NONE, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, false },
	{ "private", TOUCH_MIXED, O_RDWR, PROT_READ | PROT_WRITE, MAP_PRIVATE, false },
	{ "ignore", TOUCH_READ, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, false },
	{ "blocked", TOUCH_READ, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, false },
	{ "pin", TOUCH_WRITE, O_RDWR, PROT_READ | PROT_WRITE, MAP_SHARED, false },
};

struct map {
	volatile unsigned char *p;
	size_t size;
};

static struct {
	const struct mode *mode;
	const char *status, *source, *name;
	size_t size, offset;
	unsigned int threads;
	bool huge, small, fork, leaderless, unlink, keep_open;
} opt;
static struct map maps[MAPS_MAX];
static unsigned int n_maps;
static pthread_barrier_t touched;
static sigset_t commands;

/* What a privately copied page holds; depends on the page, so that a page in
 * the wrong place is noticed too. */
static unsigned char mark_of(size_t page)
{
	return (unsigned char)(page * 7 + 0x5a);
}

static bool is_copied(size_t page)
{
	return opt.mode->touch == TOUCH_MIXED && page % 2;
}

static void touch(struct map *m)
{
	size_t i;

	for (i = 0; i < m->size / PAGE; i++) {
		volatile unsigned char *p = m->p + i * PAGE;

		if (opt.mode->touch == TOUCH_WRITE || is_copied(i))
			*p = mark_of(i);
		else if (opt.mode->touch != TOUCH_NONE)
			(void)*p;
	}
	if (opt.mode->sync && msync((void *)m->p, m->size, MS_SYNC))
		broken("msync");
}

static void map_file(const char *path)
{
	int flags = opt.mode->map_flags, fd = open(path, opt.mode->open_flags | O_CLOEXEC);
	size_t align = opt.huge || opt.small ? HUGE : PAGE, size = opt.size;
	unsigned char *room;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		broken("open %s", path);
	if (!size && S_ISREG(st.st_mode))
		size = st.st_size - opt.offset;
	if (n_maps == MAPS_MAX || !size) {
		errno = E2BIG;
		broken("map %s", path);
	}
	/* room to choose an aligned place in */
	room = mmap(NULL, size + 2 * align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		broken("mmap");
	room = (unsigned char *)(((uintptr_t)room + 2 * align - 1) / align * align);
	if (opt.small)
		room -= PAGE;	/* dax_iomap_pmd_fault(): another colour than the file's */
	if (mmap(room, size, opt.mode->prot, flags | MAP_FIXED, fd, opt.offset) == MAP_FAILED)
		broken("mmap %s", path);
	maps[n_maps++] = (struct map) { room, size };
	if (opt.unlink && unlink(path))
		broken("unlink %s", path);
	if (!opt.keep_open)
		close(fd);
	report("map n=%u addr=%p size=%zu path=%s", n_maps - 1, (void *)room, size, path);
}

static void probe_map(unsigned int n)
{
	size_t i, gone = 0, readable = 0, kept = 0, lost = 0, pages = maps[n].size / PAGE;
	int code = 0;

	for (i = 0; i < pages; i++) {
		unsigned char v;
		int r = try_read(maps[n].p + i * PAGE, &v);

		if (r) {
			code = r;
			if (is_copied(i))
				lost++;
			else
				gone++;
		} else if (!is_copied(i)) {
			if (!readable++)
				report("READ map=%u page=%zu value=0x%02x", n, i, v);
		} else if (v == mark_of(i)) {
			kept++;
		} else {
			lost++;
		}
	}
	report("probe map=%u pages=%zu gone=%zu read=%zu kept=%zu lost=%zu code=%d",
	       n, pages, gone, readable, kept, lost, code);
}

/* The access of a process that does not listen: the kernel must end it. */
static void access_deaf(void)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		broken("fork");
	if (!pid) {
		unsigned int i;

		for (i = 0; i < n_maps; i++)
			(void)*maps[i].p;
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		broken("waitpid");
	report("deaf signal=%d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void probe(void)
{
	static bool asked;	/* only the first time is it deaf */
	sigset_t bus;
	unsigned int i;

	if (!asked && (!strcmp(opt.mode->name, "ignore") || !strcmp(opt.mode->name, "blocked"))) {
		access_deaf();
		handle_sigbus();
		sigemptyset(&bus);
		sigaddset(&bus, SIGBUS);
		/* one that was pending arrives here and is counted */
		pthread_sigmask(SIG_UNBLOCK, &bus, NULL);
	}
	asked = true;
	for (i = 0; i < n_maps; i++)
		probe_map(i);
	report("probed told=%u", told);
}

__attribute__((noreturn))
static void obey(void)
{
	for (;;) {
		int sig = sigwaitinfo(&commands, NULL);

		if (sig == SIGUSR1)
			probe();
		else if (sig == SIGTERM)
			break;
		else if (sig < 0 && errno != EINTR)	/* EINTR: SIGBUS was handled */
			broken("sigwaitinfo");
	}
	report("end told=%u", told);
	exit(0);
}

static void *thread_main(void *arg)
{
	unsigned int i;

	for (i = 0; i < n_maps; i++)
		touch(&maps[i]);
	pthread_barrier_wait(&touched);
	if (opt.leaderless && (uintptr_t)arg == opt.threads - 1) {
		char state[64] = "";

		/* the leader is a zombie in its own group once it has ended */
		while (!strstr(state, ") Z")) {
			char path[64];
			FILE *f;

			snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
			f = fopen(path, "re");
			if (!f || !fgets(state, sizeof(state), f))
				broken("%s", path);
			fclose(f);
			usleep(1000);
		}
		report("ready");
		obey();
	}
	for (;;)
		pause();
}

static void *pin_main(void *arg)
{
	int fd = open(opt.source, O_RDONLY | O_DIRECT | O_CLOEXEC);
	ssize_t n;

	(void)arg;
	if (fd < 0)
		broken("open %s", opt.source);
	report("reading");
	n = read(fd, (void *)maps[0].p, PIN_SIZE);
	report("read n=%zd errno=%d ns=%lu", n, n < 0 ? errno : 0, boottime_ns());
	close(fd);
	return NULL;
}

static void start_thread(void *(*fn)(void *), uintptr_t arg)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, fn, (void *)arg);

	if (r) {
		errno = r;
		broken("pthread_create");
	}
}

static void listen_or_not(void)
{
	sigset_t bus;

	if (!strcmp(opt.mode->name, "ignore")) {
		if (signal(SIGBUS, SIG_IGN) == SIG_ERR)
			broken("signal");
		return;
	}
	handle_sigbus();
	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	if (!strcmp(opt.mode->name, "blocked"))
		pthread_sigmask(SIG_BLOCK, &bus, NULL);
}

static void become_two(void)
{
	char path[4096];
	pid_t pid = fork();
	unsigned int i;

	if (pid < 0)
		broken("fork");
	if (pid) {
		report("child pid=%d", pid);
		return;
	}
	snprintf(path, sizeof(path), "%s.child", opt.status ? opt.status : "/dev/stdout");
	report_to(path);
	for (i = 0; i < n_maps; i++)
		touch(&maps[i]);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", 1, NULL, 's' }, { "offset", 1, NULL, 'o' }, { "status", 1, NULL, 'S' },
		{ "huge", 0, NULL, 'h' }, { "small", 0, NULL, 'm' }, { "fork", 0, NULL, 'f' },
		{ "threads", 1, NULL, 't' }, { "leaderless", 0, NULL, 'l' },
		{ "unlink", 0, NULL, 'u' }, { "keep-open", 0, NULL, 'k' },
		{ "name", 1, NULL, 'n' }, { "source", 1, NULL, 'd' }, { "avenge", 1, NULL, 'a' }, { }
	};
	size_t i;
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1)
		switch (c) {
		case 's': opt.size = parse_size(optarg); break;
		case 'o': opt.offset = parse_size(optarg); break;
		case 'S': opt.status = optarg; break;
		case 'h': opt.huge = true; break;
		case 'm': opt.small = true; break;
		case 'f': opt.fork = true; break;
		case 't': opt.threads = atoi(optarg); break;
		case 'l': opt.leaderless = true; break;
		case 'u': opt.unlink = true; break;
		case 'k': opt.keep_open = true; break;
		case 'n': opt.name = optarg; break;
		case 'd': opt.source = optarg; break;
		case 'a': avenge(atoi(optarg)); break;
		default: exit(2);
		}
	if (opt.status)
		report_to(opt.status);
	for (i = 0; optind < argc && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[optind], modes[i].name))
			opt.mode = &modes[i];
	errno = EINVAL;
	if (!opt.mode || optind + 1 >= argc)
		broken("usage: victim [OPTION...] MODE FILE...");
	if (opt.leaderless && !opt.threads)
		broken("--leaderless without --threads");
	if (!strcmp(opt.mode->name, "pin") && !opt.source)
		broken("pin without --source");
}

int main(int argc, char **argv)
{
	unsigned int i;
	int n;

	parse(argc, argv);
	if (opt.name)
		prctl(PR_SET_NAME, opt.name);
	sigemptyset(&commands);
	sigaddset(&commands, SIGUSR1);
	sigaddset(&commands, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &commands, NULL);
	listen_or_not();
	for (n = optind + 1; n < argc; n++)
		map_file(argv[n]);
	for (i = 0; i < n_maps; i++)
		touch(&maps[i]);
	if (opt.fork)
		become_two();

	pthread_barrier_init(&touched, NULL, opt.threads + 1);
	for (i = 0; i < opt.threads; i++)
		start_thread(thread_main, i);
	pthread_barrier_wait(&touched);
	if (opt.leaderless)
		pthread_exit(NULL);
	if (!strcmp(opt.mode->name, "pin"))
		start_thread(pin_main, 0);
	report("ready");
	obey();
}
