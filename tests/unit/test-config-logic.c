// SPDX-License-Identifier: GPL-2.0-only
/* Settings and their files: what is taken, what is refused, and in which words. */
#include <sys/stat.h>

#include "context.h"
#include "test.h"

static void unrefp(struct pmemfail **ctx)
{
	pmemfail_unref(*ctx);
}
#define _cleanup_ctx_ _cleanup_(unrefp)

static char root[256];

/* One file below the root. */
static void file(const char *name, const char *text)
{
	char path[400];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s%s", root, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

/* A fresh root, with the files' text (NULL: no such file). */
static void files(const char *usr, const char *etc, const char *dropin)
{
	static unsigned int n;
	static const char *const dirs[] = {
		"", "/usr", "/usr/lib", "/usr/lib/pmemfail", "/etc", "/etc/pmemfail",
		"/etc/pmemfail/pmemfail.conf.d", "/usr/lib/pmemfail/pmemfail.conf.d",
	};
	const struct {
		const char *name, *text;
	} f[] = {
		{ "/usr/lib/pmemfail/pmemfail.conf", usr },
		{ "/etc/pmemfail/pmemfail.conf", etc },
		{ "/etc/pmemfail/pmemfail.conf.d/10-x.conf", dropin },
	};
	char path[400];

	(void)snprintf(root, sizeof(root), "%s/root%u", test_dir(), n++);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
		if (mkdir(path, 0755) < 0)
			abort();
	}
	for (size_t i = 0; i < ARRAY_SIZE(f); i++)
		if (f[i].text)
			file(f[i].name, f[i].text);
}

static void value(struct pmemfail *ctx, const char *key, char *buf, size_t size)
{
	const char *k, *what;
	char *v;

	buf[0] = '\0';
	for (size_t i = 0; pmemfail_setting(ctx, i, &k, &v, &what) == 0; i++) {
		if (streq(k, key))
			(void)snprintf(buf, size, "%s", v);
		free(v);
	}
}

TEST(no_file_is_fine)
{
	_cleanup_ctx_ struct pmemfail *ctx = NULL;
	char v[64];

	files(NULL, NULL, NULL);
	CHECK_EQ(pmemfail_new(&ctx), 0);
	CHECK_EQ(pmemfail_read_config(ctx, root), 0);
	value(ctx, "HoldTimeoutSec", v, sizeof(v));
	CHECK_STR(v, "30");
	CHECK_EQ(ctx->policy.hold_timeout_us, 30000000);
}

TEST(later_files_win)
{
	_cleanup_ctx_ struct pmemfail *ctx = NULL;
	char v[64];

	files("[pmemfail]\nHoldTimeoutSec=1\nFreeze=no\n",
	      "# of the admin\n\n[pmemfail]\n HoldTimeoutSec = 2 \n",
	      "[pmemfail]\nUnmount=yes\n");
	CHECK_EQ(pmemfail_new(&ctx), 0);
	CHECK_EQ(pmemfail_read_config(ctx, root), 0);
	CHECK_EQ(ctx->policy.hold_timeout_us, 2000000);
	CHECK(ctx->policy.unmount);
	/* /etc replaces /usr/lib, file by file */
	CHECK(ctx->policy.fs.freeze);
	value(ctx, "HoldTimeoutSec", v, sizeof(v));
	CHECK_STR(v, "2");
}

TEST(vendor_file_alone)
{
	_cleanup_ctx_ struct pmemfail *ctx = NULL;

	files("[pmemfail]\nFreeze=no\n", NULL, "[pmemfail]\nHoldTimeoutSec=3s\n");
	CHECK_EQ(pmemfail_new(&ctx), 0);
	CHECK_EQ(pmemfail_read_config(ctx, root), 0);
	CHECK(!ctx->policy.fs.freeze);
	CHECK_EQ(ctx->policy.hold_timeout_us, 3000000);
}

/* As pmemfail.conf(5) says: all of /usr/lib before all of /etc, whatever their names. */
TEST(drop_ins_of_both_directories)
{
	_cleanup_ctx_ struct pmemfail *ctx = NULL;

	files(NULL, NULL, "[pmemfail]\nHoldTimeoutSec=3\n");
	file("/usr/lib/pmemfail/pmemfail.conf.d/90-late.conf",
	     "[pmemfail]\nHoldTimeoutSec=4\nFreeze=no\n");
	file("/usr/lib/pmemfail/pmemfail.conf.d/10-x.conf", "[pmemfail]\nUnmount=yes\n");
	CHECK_EQ(pmemfail_new(&ctx), 0);
	CHECK_EQ(pmemfail_read_config(ctx, root), 0);
	CHECK_EQ(ctx->policy.hold_timeout_us, 3000000);
	CHECK(!ctx->policy.fs.freeze);
	/* one of the same name is read as well */
	CHECK(ctx->policy.unmount);
}

TEST(sections_of_filesystems)
{
	_cleanup_ctx_ struct pmemfail *ctx = NULL;
	struct pmf_fs_policy fs;
	char v[64];

	files(NULL, "[pmemfail]\nSignal=policy\n\n[Filesystem /mnt/my data]\nFreeze=no\n"
	      "Metadata=report\n[Filesystem /dev/pmem0p1]\nFreeze=no\n",
	      "[Filesystem /mnt/my data]\nMetadata=remount-ro\nMarkBad=no\n");
	CHECK_EQ(pmemfail_new(&ctx), 0);
	if (pmemfail_read_config(ctx, root) != 0)
		test_failed(__FILE__, __LINE__, "%s", pmemfail_why());
	fs = pmf_policy_for(&ctx->policy, "/mnt/my data", "/dev/pmem1");
	CHECK(!fs.freeze && !fs.mark_bad);
	CHECK_EQ(fs.metadata, PMF_METADATA_REMOUNT_RO);	/* the later file wins */
	CHECK_EQ(fs.signal, PMF_SIGNAL_POLICY);
	CHECK(!pmf_policy_for(&ctx->policy, NULL, "/dev/pmem0p1").freeze);
	CHECK(ctx->policy.fs.freeze && ctx->policy.fs.mark_bad);
	/* The list of settings tells what goes for all. */
	value(ctx, "Freeze", v, sizeof(v));
	CHECK_STR(v, "yes");
	value(ctx, "Signal", v, sizeof(v));
	CHECK_STR(v, "policy");
	/* Settings that come later leave them alone, another file replaces them. */
	CHECK_EQ(pmemfail_set(ctx, "Signal", "none"), 0);
	CHECK(!pmf_policy_for(&ctx->policy, NULL, "/dev/pmem0p1").freeze);
	files(NULL, "[Filesystem /srv]\nFreeze=no\n", NULL);
	CHECK_EQ(pmemfail_read_config(ctx, root), 0);
	CHECK(pmf_policy_for(&ctx->policy, NULL, "/dev/pmem0p1").freeze);
	CHECK(!pmf_policy_for(&ctx->policy, "/srv", NULL).freeze);
	ctx->acted = true;
	CHECK_EQ(pmemfail_read_config(ctx, root), -EBUSY);
	ctx->acted = false;
	files(NULL, NULL, NULL);
	CHECK_EQ(pmemfail_read_config(ctx, root), 0);
	CHECK_EQ(ctx->policy.n_overrides, 0);
	ctx->acted = true;
	CHECK_EQ(pmemfail_read_config(ctx, root), 0);
}

TEST(mistakes_name_file_and_line)
{
	static const struct {
		const char *text, *where;
	} bad[] = {
		{ "[pmemfail]\nHoldTimeout=1\n", "pmemfail.conf:2:" },
		{ "[pmemfail]\nFreeze=no\n\nHoldTimeoutSec=soon\n", "pmemfail.conf:4:" },
		{ "[pmemfail]\nHoldTimeoutSec=\n", "pmemfail.conf:2:" },
		{ "[pmemfail]\nHoldTimeoutSec=0\n", "pmemfail.conf:2:" },
		{ "[pmemfail]\nHoldTimeoutSec=99999999999999999999\n", "pmemfail.conf:2:" },
		{ "[pmemfail]\nFreeze\n", "pmemfail.conf:2:" },
		{ "[pmemfail]\nFreeze no\n", "pmemfail.conf:2:" },
		{ "[pmemfail]\nStateDirectory=relative\n", "pmemfail.conf:2:" },
		{ "[pmemfail\nFreeze=no\n", "pmemfail.conf:1:" },
		{ "[pmemfail] x\nFreeze=no\n", "pmemfail.conf:1:" },
		{ "[pmemfail]\n=5\n", "pmemfail.conf:2:" },
		{ "[pmemfail]\nFreeze=no\nFreeze=yes\n", "pmemfail.conf:3:" },
		{ "[pmemfail]\nFreeze=no\n[pmemfail]\nUnmount=yes\n", "pmemfail.conf:3:" },
		{ "[pmemfail]\nStateDirectory=/a\n /b\n", "pmemfail.conf:" },
		{ "[pmemfail]\nMetadata=readonly\n", "none of: shutdown, remount-ro, report" },
		{ "[Filesystem /mnt]\nUnmount=yes\n", "pmemfail.conf:2: Unmount cannot" },
		{ "[Filesystem /mnt]\nColour=red\n", "pmemfail.conf:2: there is no setting" },
		{ "[Filesystem /mnt]\nFreeze=no\n\nSignal=some\n", "pmemfail.conf:4:" },
		{ "[Filesystem /mnt]\nFreeze=no\n[pmemfail]\n[Filesystem /mnt]\nSignal=all\n",
		  "pmemfail.conf:4: a second section [Filesystem /mnt]" },
		{ "[Filesystem /mnt]\nFreeze=no\nFreeze=yes\n", "pmemfail.conf:3:" },
		{ "[Filesystem mnt]\nFreeze=no\n", "pmemfail.conf:2: \"mnt\" is neither" },
		{ "[Filesystem /mnt/]\nFreeze=no\n", "pmemfail.conf:2: \"/mnt/\" is neither" },
		{ "[Filesystem]\nFreeze=no\n", "there is no section [Filesystem]" },
		{ "[filesystem /mnt]\nFreeze=no\n", "there is no section [filesystem /mnt]" },
		{ "[pmemfail]\nFreeze=no\n[other]\n", "there is no section [other]" },
		{ "[daemon]\nFreeze=no\n", "pmemfail.conf: there is no section [daemon]" },
		{ "Freeze=no\n", "pmemfail.conf: Freeze stands before any section" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_ctx_ struct pmemfail *ctx = NULL;
		struct pmf_policy defaults;

		files(NULL, bad[i].text, "[pmemfail]\nUnmount=yes\n");
		CHECK_EQ(pmemfail_new(&ctx), 0);
		if (pmemfail_read_config(ctx, root) != -EINVAL)
			test_failed(__FILE__, __LINE__, "taken: %s", bad[i].text);
		else if (!strstr(pmemfail_why(), bad[i].where))
			test_failed(__FILE__, __LINE__, "\"%s\" lacks \"%s\"",
				    pmemfail_why(), bad[i].where);
		CHECK(!strchr(pmemfail_why(), '\n'));
		/* and nothing has changed, also not by the files that were right */
		pmf_policy_defaults(&defaults);
		CHECK_EQ(memcmp(&ctx->policy, &defaults, sizeof(defaults)), 0);
	}
}

TEST(set_refuses)
{
	_cleanup_ctx_ struct pmemfail *ctx = NULL;
	char v[64];

	CHECK_EQ(pmemfail_new(&ctx), 0);
	CHECK_EQ(pmemfail_set(ctx, "Nonsense", "1"), -ENOENT);
	CHECK(strstr(pmemfail_why(), "Nonsense"));
	CHECK_EQ(pmemfail_set(ctx, "Freeze", "maybe"), -EINVAL);
	CHECK(strstr(pmemfail_why(), "maybe"));
	CHECK_EQ(pmemfail_set(ctx, NULL, "1"), -EINVAL);
	CHECK_EQ(pmemfail_set(ctx, "Freeze", "no"), 0);
	value(ctx, "Freeze", v, sizeof(v));
	CHECK_STR(v, "no");
	ctx->acted = true;
	CHECK_EQ(pmemfail_set(ctx, "Freeze", "yes"), -EBUSY);
	CHECK(!ctx->policy.fs.freeze);
}

TEST(settings_end)
{
	_cleanup_ctx_ struct pmemfail *ctx = NULL;
	const char *key = "untouched";
	size_t n = 0;

	CHECK_EQ(pmemfail_new(&ctx), 0);
	while (pmemfail_setting(ctx, n, NULL, NULL, NULL) == 0)
		n++;
	CHECK(n >= 7);
	CHECK_EQ(pmemfail_setting(ctx, n, &key, NULL, NULL), -ENOENT);
	CHECK_STR(key, "untouched");
}

/* The file that is installed is what the table says, and all of it may be set. */
TEST(installed_file_is_complete)
{
	_cleanup_ctx_ struct pmemfail *ctx = NULL;
	const char *slash = strrchr(__FILE__, '/');	/* as the compiler was called */
	int n_dir = slash ? (int)(slash - __FILE__) : 1;
	_cleanup_free_ char *text = calloc(1, 65536);
	char path[512], line[256];
	const char *key, *what;
	size_t n = 0;
	char *v, *p;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%.*s/../../systemd/pmemfail.conf", n_dir,
		       slash ? __FILE__ : ".");
	f = fopen(path, "r");
	if (!f)
		SKIP("the sources are not where they were compiled");
	CHECK(text);
	n = fread(text, 1, 65535, f);
	(void)fclose(f);
	CHECK(n > 0);
	CHECK_EQ(pmemfail_new(&ctx), 0);
	for (size_t i = 0; pmemfail_setting(ctx, i, &key, &v, &what) == 0; i++) {
		(void)snprintf(line, sizeof(line), "\n#%s=%s\n", key, v);
		free(v);
		p = strstr(text, line);
		if (!p)
			test_failed(__FILE__, __LINE__, "%s lacks %s", path, line + 1);
		else
			p[1] = ' ';	/* and without the comment sign it is taken: */
	}
	files(NULL, text, NULL);
	CHECK_EQ(pmemfail_read_config(ctx, root), 0);
}
