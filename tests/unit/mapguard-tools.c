// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that can be lost, and children that meet it. See mapguard-tools.h.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mapguard-tools.h"

static unsigned char *map_file(void *at, size_t size, int flags)
{
	unsigned char *p;
	int fd = memfd_create("pmemfail-test", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		abort();
	p = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);
	if (p == MAP_FAILED)
		abort();
	if (flags && ftruncate(fd, 0) < 0)
		abort();
	close(fd);
	return p;
}

unsigned char *memory_new(size_t n)
{
	unsigned char *p = map_file(NULL, n * PAGE, 0);

	for (size_t i = 0; i < n; i++)
		memset(p + i * PAGE, (int)(i + 1) & 0xff, PAGE);
	return p;
}

void memory_lose(unsigned char *memory, size_t page)
{
	(void)map_file(memory + page * PAGE, PAGE, MAP_FIXED);
}

int in_child(void (*fn)(void))
{
	const struct rlimit none = { 0, 0 };
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setrlimit(RLIMIT_CORE, &none);
		alarm(100);	/* for what would hang: no case takes as long */
		fn();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		abort();
	return status;
}

void sigbus_default(void)
{
	(void)signal(SIGBUS, SIG_DFL);
}

void sigbus_self(int code, const void *address, int lsb)
{
	siginfo_t si = { .si_signo = SIGBUS, .si_code = code };

	si.si_addr = (void *)(uintptr_t)address;
	si.si_addr_lsb = (short)lsb;
	NEED(!syscall(SYS_rt_tgsigqueueinfo, (long)getpid(), syscall(SYS_gettid),
		      (long)SIGBUS, &si));
}

void need_failed(const char *file, int line, const char *what)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "# %s:%d: %s\n", file, line, what);

	(void)!write(STDOUT_FILENO, text, (size_t)n);
	_exit(1);
}
