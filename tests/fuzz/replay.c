// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fuzz target without a fuzzer: what was found once is tried again by any compiler,
 * in a moment.
 *
 *	replay-NAME FILE|DIRECTORY ...
 *
 * Fails, too, when there is no file at all: then nothing was tried.
 */
#include <dirent.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/str.h"
#include "fuzz.h"

#define INPUT_MAX	(1 << 20)

static unsigned int n_inputs;

static void replay_file(const char *path)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ uint8_t *exact = NULL;
	size_t n;

	if (pmf_read_file(AT_FDCWD, path, INPUT_MAX, &text, &n) < 0) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	exact = malloc(n);
	CHECK(exact);
	memcpy(exact, text, n);
	fprintf(stderr, "%s\n", path);	/* the last one is who did it */
	(void)LLVMFuzzerTestOneInput(exact, n);
	n_inputs++;
}

static void replay_dir(const char *path, DIR *d)
{
	struct dirent *e;

	while ((e = readdir(d))) {
		_cleanup_free_ char *file = NULL;

		if (e->d_name[0] == '.')
			continue;
		CHECK(pmf_format(&file, "%s/%s", path, e->d_name) == 0);
		replay_file(file);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);

		if (d) {
			replay_dir(argv[i], d);
			closedir(d);
		} else {
			replay_file(argv[i]);
		}
	}
	printf("%u inputs\n", n_inputs);
	return n_inputs > 0 ? 0 : 1;
}
