// SPDX-License-Identifier: GPL-2.0-only
/*
 * The unit tests' harness. See test.h.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>

#include "test.h"
#include "../remove-tree.h"

static struct test_case *first, **last = &first;
static char failure[1024], skip[512], dir[64];
static uint64_t state;

void test_register(struct test_case *c)
{
	*last = c;
	last = &c->next;
}

void test_failed(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (failure[0])
		return;
	n = snprintf(failure, sizeof(failure), "%s:%d: ", file, line);
	va_start(ap, fmt);
	(void)vsnprintf(failure + n, sizeof(failure) - (size_t)n, fmt, ap);
	va_end(ap);
}

void test_skipped(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(skip, sizeof(skip), fmt, ap);
	va_end(ap);
}

static void print_line(const char *s)
{
	for (; *s; s++)
		putchar(*s == '\n' ? ' ' : *s);
}

void test_say(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	printf("# ");
	print_line(line);
	putchar('\n');
}

/* splitmix64: small, and good enough to be random with. */
uint64_t test_random(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void remove_dir(void)
{
	remove_tree(dir);
}

const char *test_dir(void)
{
	static unsigned int n;
	static char sub[96];

	if (!dir[0]) {
		strcpy(dir, "/tmp/pmemfail-test-XXXXXX");
		if (!mkdtemp(dir))
			abort();
		(void)atexit(remove_dir);
	}
	(void)snprintf(sub, sizeof(sub), "%s/%u", dir, n++);
	if (mkdir(sub, 0700) < 0)
		abort();
	return sub;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("PMF_TEST_SEED");
	unsigned int n = 0, bad = 0;
	struct test_case *c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	for (c = first; c; c = c->next)
		n += argc < 2 || streq(argv[1], c->name);
	printf("1..%u\n# PMF_TEST_SEED=%llu\n", n, (unsigned long long)state);
	n = 0;
	for (c = first; c; c = c->next) {
		if (argc >= 2 && !streq(argv[1], c->name))
			continue;
		failure[0] = skip[0] = '\0';
		c->fn();
		printf("%s %u - %s", failure[0] ? "not ok" : "ok", ++n, c->name);
		if (skip[0] && !failure[0]) {
			printf(" # SKIP ");
			print_line(skip);
		}
		putchar('\n');
		if (failure[0]) {
			test_say("%s", failure);
			bad++;
		}
	}
	return bad > 0;
}
