// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of block devices: numbers of devices and of sectors. What comes out must be
 * what strtoull() makes of the same text, and only of text that is a number and no more.
 */
#include <sys/sysmacros.h>

#include "base/str.h"
#include "fuzz.h"
#include "sys/sysfs.h"

/* /sys/class/block/NAME: led out of it to our own. */
static const char *device(void)
{
	static char name[128];

	if (!*name)
		snprintf(name, sizeof(name), "../../..%s", fuzz_dir());
	return name;
}

/* The first line alone is the value. False: it is no number, as the kernel prints it. */
static bool number(const char *line, uint64_t *ret)
{
	bool hex = strncmp(line, "0x", 2) == 0 || strncmp(line, "0X", 2) == 0;
	const char *digits = hex ? line + 2 : line;

	if (!*digits || digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")])
		return false;
	errno = 0;
	*ret = strtoull(digits, NULL, hex ? 16 : 10);
	return errno == 0;
}

static void sectors(const char *text)
{
	_cleanup_free_ char *line = strndup(text, strcspn(text, "\n"));
	uint64_t bytes = 77, want;
	int r = pmf_sysfs_block_size(device(), &bytes);

	CHECK(line);
	if (number(line, &want) && want <= UINT64_MAX / 512)
		CHECK(r == 0 && bytes == want * 512);
	else
		CHECK(r < 0 && bytes == 77);
}

static void devno(const char *text)
{
	_cleanup_free_ char *line = strndup(text, strcspn(text, "\n"));
	char *colon = line ? strchr(line, ':') : NULL;
	uint64_t maj, min;
	dev_t d = 77;
	int r = pmf_sysfs_block_devno(device(), &d);

	CHECK(line);
	if (colon)
		*colon = '\0';
	if (colon && number(line, &maj) && number(colon + 1, &min) && maj <= UINT32_MAX &&
	    min <= UINT32_MAX)
		CHECK(r == 0 && major(d) == maj && minor(d) == min);
	else
		CHECK(r < 0 && d == 77);
}

static void node(const char *name)
{
	_cleanup_free_ char *path = NULL;

	CHECK(pmf_sysfs_block_node(name, &path) == 0);
	CHECK(strlen(path) == strlen(name) + strlen("/dev/") && !strchr(path, '!'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	uint8_t which = fuzz_u8(&f);
	_cleanup_free_ char *text = NULL;

	if (size > 4000)	/* an attribute is a page */
		return 0;
	text = fuzz_rest(&f);
	switch (which % 3) {
	case 0:
		fuzz_file("size", text, strlen(text));
		sectors(text);
		break;
	case 1:
		fuzz_file("dev", text, strlen(text));
		devno(text);
		break;
	case 2:
		node(text);
		break;
	}
	return 0;
}
