// SPDX-License-Identifier: LGPL-2.1-or-later
/* Hooks: what other programs make of a failure. See poison.h. */
#include "base/str.h"
#include "flow/marker.h"
#include "poison.h"

enum { ENV_ID, ENV_KIND, ENV_STATE, ENV_DEVICE, ENV_DEVICE_ID, ENV_REASON, ENV_N };

/* One line of valid text: a newline in it would let a name forge a second variable in
 * the eyes of a careless script. */
static int variable(char **ret, const char *name, const char *value)
{
	_cleanup_free_ char *clean = NULL;
	int r = pmf_str_to_utf8(value ?: "", value ? strlen(value) : 0, &clean);

	if (r < 0)
		return r;
	for (char *p = clean; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return pmf_format(ret, "PMEMFAIL_%s=%s", name, clean);
}

static int make_env(const struct pmf_failure *f, char *env[static ENV_N + 1])
{
	char id[24];
	int r;

	(void)snprintf(id, sizeof(id), "%llu", (unsigned long long)f->id);
	if ((r = variable(&env[ENV_ID], "ID", id)) < 0 ||
	    (r = variable(&env[ENV_KIND], "KIND", pmf_kind_to_string(f->kind))) < 0 ||
	    (r = variable(&env[ENV_STATE], "STATE", pmf_state_to_string(f->state))) < 0 ||
	    (r = variable(&env[ENV_DEVICE], "DEVICE", f->device_name)) < 0 ||
	    (r = variable(&env[ENV_DEVICE_ID], "DEVICE_ID", f->device_id)) < 0 ||
	    (r = variable(&env[ENV_REASON], "REASON", f->reason)) < 0)
		return r;
	return 0;
}

static void run_all(struct pmf_sys *sys, const struct pmf_policy *p, const char *text,
		    char *const *env, struct pmf_hook_result *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r;

		if (v[i].status < 0)
			continue;	/* refused: its why says it */
		r = sys->ops->run_hook(sys, p->hooks_dir, &v[i], text, env,
				       p->hook_timeout_us);
		if (r >= 0)
			continue;
		v[i].status = r;
		if (!v[i].why)
			(void)pmf_format(&v[i].why, "could not be run: %s", strerror(-r));
	}
}

int pmf_hooks_run(struct pmf_sys *sys, const struct pmf_policy *p, struct pmf_failure *f)
{
	_cleanup_free_ char *text = NULL;
	struct pmf_hook_result *v = NULL;
	char *env[ENV_N + 1] = { NULL };
	size_t n = 0;
	int r;

	/* No directory is no hooks. */
	if (!p->hooks_dir[0] || sys->ops->list_hooks(sys, p->hooks_dir, &v, &n) < 0 || n == 0) {
		pmf_hooks_done(v, n);
		return 0;
	}
	r = pmf_marker_from_failure(f, &text);
	if (r == 0)
		r = make_env(f, env);
	if (r == 0)
		run_all(sys, p, text, env, v, n);
	for (size_t i = 0; i < ENV_N; i++)
		free(env[i]);
	if (r < 0) {
		pmf_hooks_done(v, n);
		return r;
	}
	pmf_hooks_done(f->hooks, f->n_hooks);
	f->hooks = v;
	f->n_hooks = n;
	return 0;
}
