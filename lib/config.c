// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pmemfail.conf(5) and its drop-ins into the settings, strictly: what is not
 * understood is an error that names file and line, for a safety setting that was
 * mistyped and silently ignored is found out on the worst day. Public.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <libeconf.h>
#include <libeconf_ext.h>

#include "base/file.h"
#include "base/str.h"
#include "bus.h"

#define SECTION		"pmemfail"
#define FS_SECTION	"Filesystem "	/* and a mount point or a node */
#define MAX_FILE	(1U << 20)

/* econf_errLocation() reads a global: one reader of configuration at a time. */
static pthread_mutex_t econf_lock = PTHREAD_MUTEX_INITIALIZER;

struct files {
	econf_file **v;
	size_t n;
};

static void files_done(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		econf_freeFile(f->v[i]);
	free(f->v);
}

static void strings_done(char ***s)
{
	if (*s)
		econf_freeArray(*s);
}

static void value_done(econf_ext_value **v)
{
	if (*v)
		econf_freeExtValue(*v);
}

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t\r");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return s;
}

/*
 * What libeconf 0.5 passes over in silence: a line that begins with "=", a second
 * line for the same name (it keeps the first), a section that comes twice (it may
 * lose the second's names), a section with nothing in it, a NUL byte.
 */
struct text_check {
	const char *path;
	size_t line_nr;
	char **sections;	/* their lines so far, in the text */
	size_t n_sections, cap_sections;
	char *names[PMF_MAX_SETTINGS];	/* in this section */
	size_t n_names;
};

static bool is_section(const char *line)
{
	return strncmp(line, "[" SECTION "]", strlen("[" SECTION "]")) == 0 ||
	       strncmp(line, "[" FS_SECTION, strlen("[" FS_SECTION)) == 0;
}

static int check_section(struct text_check *t, char *line)
{
	if (!is_section(line))
		return pmf_why(-EINVAL, "%s: there is no section [%.*s], only [" SECTION "] "
			       "and [" FS_SECTION "MOUNTPOINT]", t->path,
			       (int)MIN(strcspn(line + 1, "]"), (size_t)64), line + 1);
	for (size_t i = 0; i < t->n_sections; i++)
		if (streq(t->sections[i], line))
			return pmf_why(-EINVAL, "%s:%zu: a second section %.200s", t->path,
				       t->line_nr, line);
	if (pmf_grow(&t->sections, &t->cap_sections, t->n_sections + 1,
		     sizeof(*t->sections)) < 0)
		return pmf_why_errno(-ENOMEM, "cannot read %s", t->path);
	t->sections[t->n_sections++] = line;
	t->n_names = 0;
	return 0;
}

static int check_name(struct text_check *t, char *name)
{
	if (!*name)
		return pmf_why(-EINVAL, "%s:%zu: no setting is named before \"=\"", t->path,
			       t->line_nr);
	for (size_t i = 0; i < t->n_names; i++)
		if (streq(t->names[i], name))
			return pmf_why(-EINVAL, "%s:%zu: %.64s is set twice in this section",
				       t->path, t->line_nr, name);
	if (t->n_names < ARRAY_SIZE(t->names))
		t->names[t->n_names++] = name;
	return 0;
}

static int check_text(const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct text_check t = { .path = path };
	char *next, *line, *eq;
	size_t n;
	int r;

	r = pmf_read_file(AT_FDCWD, path, MAX_FILE, &text, &n);
	if (r < 0)
		return pmf_why_errno(r, "cannot read %s", path);
	if (strlen(text) != n)
		return pmf_why(-EINVAL, "%s: there is a NUL byte in it", path);
	for (next = text; r == 0 && (line = strsep(&next, "\n")); ) {
		t.line_nr++;
		line = trim(line);
		if (!*line || *line == '#')
			continue;
		if (*line == '[') {
			r = check_section(&t, line);
			continue;
		}
		eq = strchr(line, '=');
		if (!eq)
			continue;	/* libeconf tells */
		*eq = '\0';
		r = check_name(&t, trim(line));
	}
	free(t.sections);
	return r;
}

/* What follows "Filesystem " in a section's name; NULL: it is not one of those. */
static const char *fs_of_section(const char *section)
{
	size_t n = strlen(FS_SECTION);

	return strncmp(section, FS_SECTION, n) == 0 ? section + n : NULL;
}

static int apply_key(struct pmemfail *to, econf_file *file, const char *path,
		     const char *section, const char *key)
{
	const char *fs = fs_of_section(section), *value;
	_cleanup_(value_done) econf_ext_value *v = NULL;
	char text[160];
	econf_err e;
	int r;

	e = econf_getExtValue(file, section, key, &v);
	if (e)
		return pmf_why(e == ECONF_NOMEM ? -ENOMEM : -EINVAL, "%s: %.64s: %s", path,
			       key, econf_errString(e));
	if (v->values && v->values[0] && v->values[1])
		return pmf_why(-EINVAL, "%s:%" PRIu64 ": the value of %.64s goes on in a "
			       "second line; write it in one", path, v->line_number, key);
	value = v->values && v->values[0] ? v->values[0] : "";
	r = fs ? pmf_policy_set_fs(&to->policy, fs, key, value, text) :
		 pmf_context_set(to, key, value, text);
	if (r == -ENOENT)
		return pmf_why(-EINVAL, "%s:%" PRIu64 ": there is no setting %.64s", path,
			       v->line_number, key);
	return r < 0 ? pmf_why(r, "%s:%" PRIu64 ": %s", path, v->line_number, text) : 0;
}

static int apply_section(struct pmemfail *to, econf_file *file, const char *path,
			 const char *section)
{
	_cleanup_(strings_done) char **keys = NULL;
	size_t n = 0;
	econf_err e;
	int r;

	e = econf_getKeys(file, section, &n, &keys);
	if (e == ECONF_NOMEM)
		return pmf_why_errno(-ENOMEM, "cannot read %s", path);
	for (size_t i = 0; !e && i < n; i++) {
		r = apply_key(to, file, path, section, keys[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int apply_file(struct pmemfail *to, econf_file *file)
{
	_cleanup_(strings_done) char **groups = NULL, **stray = NULL;
	_cleanup_free_ char *path = econf_getPath(file);
	size_t n = 0;
	econf_err e;
	int r;

	if (!path)
		return pmf_why_errno(-ENOMEM, "cannot read the configuration");
	r = check_text(path);
	if (r < 0)
		return r;
	e = econf_getKeys(file, NULL, &n, &stray);
	if (!e && n > 0)
		return pmf_why(-EINVAL, "%s: %.64s stands before any section; write "
			       "[" SECTION "] above it", path, stray[0]);
	e = econf_getGroups(file, &n, &groups);
	for (size_t i = 0; !e && i < n; i++) {
		r = apply_section(to, file, path, groups[i]);
		if (r < 0)
			return r;
	}
	return e == ECONF_NOMEM ? pmf_why_errno(-ENOMEM, "cannot read %s", path) : 0;
}

static int read_files(const char *root, struct files *ret)
{
	_cleanup_free_ char *usr = NULL, *etc = NULL, *where = NULL;
	uint64_t line = 0;
	econf_err e;

	if (pmf_format(&usr, "%s/usr/lib/pmemfail", root ?: "") < 0 ||
	    pmf_format(&etc, "%s/etc/pmemfail", root ?: "") < 0)
		return pmf_why_errno(-ENOMEM, "cannot read the configuration");
	e = econf_readDirsHistory(&ret->v, &ret->n, usr, etc, "pmemfail", "conf", "=", "#");
	if (e == ECONF_NOFILE)
		return 0;
	if (e) {
		ret->v = NULL;
		ret->n = 0;
		econf_errLocation(&where, &line);
		return pmf_why(e == ECONF_NOMEM ? -ENOMEM : -EINVAL, "%s:%" PRIu64 ": %s",
			       where ?: etc, line, econf_errString(e));
	}
	return 0;
}

/* Into a context of its own, so that a bad file changes nothing. */
static int read_into(struct pmemfail *scratch, const char *root)
{
	_cleanup_(files_done) struct files files = { 0 };
	int r;

	r = read_files(root, &files);
	for (size_t i = 0; r >= 0 && i < files.n; i++)
		r = apply_file(scratch, files.v[i]);
	return r;
}

static void unrefp(struct pmemfail **ctx)
{
	pmemfail_unref(*ctx);
}

static bool is_set(const struct pmemfail *ctx, const char *name)
{
	const char *key, *def, *what;

	for (size_t i = 0; pmf_policy_describe(i, &key, &def, &what) >= 0; i++)
		if (streq(key, name))
			return ctx->values[i];
	return false;
}

_public_ int pmemfail_read_config(struct pmemfail *ctx, const char *root)
{
	_cleanup_(unrefp) struct pmemfail *scratch = NULL;
	char text[160];
	int r;

	if (!ctx)
		return pmf_why(-EINVAL, "pmemfail_read_config() needs a context");
	if (ctx->bus)
		return pmf_why(-EOPNOTSUPP, PMF_SETTINGS_ARE_THE_DAEMONS);
	r = pmemfail_new(&scratch);
	if (r < 0)
		return r;
	pthread_mutex_lock(&econf_lock);
	r = read_into(scratch, root);
	pthread_mutex_unlock(&econf_lock);
	if (r >= 0) {
		r = pmf_policy_check(&scratch->policy, is_set(scratch, "InhibitDelayMaxSec"),
				     text);
		if (r < 0)
			return pmf_why(r, "%s", text);
	}
	for (size_t i = 0; r >= 0 && i < PMF_MAX_SETTINGS; i++) {
		const char *key, *def, *what;

		if (!scratch->values[i])
			continue;
		r = pmf_policy_describe(i, &key, &def, &what);
		if (r >= 0)
			r = pmf_context_set(ctx, key, scratch->values[i], text);
		if (r < 0)
			return pmf_why(r, "%s", text);
	}
	return r < 0 ? r : pmf_context_take_overrides(ctx, &scratch->policy);
}
