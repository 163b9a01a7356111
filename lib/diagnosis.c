// SPDX-License-Identifier: LGPL-2.1-or-later
/* The list of findings. Public, and filled by diagnose.c. */
#include <stdarg.h>

#include "diagnosis.h"

struct finding {
	char *about;
	enum pmemfail_severity severity;
	const char *code;
	char *what, *advice;
};

struct pmemfail_diagnosis {
	struct finding *v;
	size_t n, cap;
};

struct pmemfail_diagnosis *pmf_diagnosis_new(void)
{
	return calloc(1, sizeof(struct pmemfail_diagnosis));
}

int pmf_diagnosis_add(struct pmemfail_diagnosis *d, const char *about,
		      enum pmemfail_severity severity, const char *code, char *what,
		      char *advice)
{
	struct finding f = { .severity = severity, .code = code, .what = what,
			     .advice = advice };
	int r;

	r = pmf_grow(&d->v, &d->cap, d->n + 1, sizeof(*d->v));
	if (r >= 0 && !strdup_to(&f.about, about))
		r = -ENOMEM;
	if (r < 0) {
		free(what);
		free(advice);
		return r;
	}
	d->v[d->n++] = f;
	return 0;
}

int pmf_find(struct pmemfail_diagnosis *d, const char *about,
	     enum pmemfail_severity severity, const char *code, const char *advice,
	     const char *fmt, ...)
{
	char *what, *todo = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&what, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	if (!strdup_to(&todo, advice)) {
		free(what);
		return -ENOMEM;
	}
	return pmf_diagnosis_add(d, about, severity, code, what, todo);
}

_public_ struct pmemfail_diagnosis *pmemfail_diagnosis_free(struct pmemfail_diagnosis *d)
{
	if (!d)
		return NULL;
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].about);
		free(d->v[i].what);
		free(d->v[i].advice);
	}
	free(d->v);
	free(d);
	return NULL;
}

_public_ size_t pmemfail_diagnosis_count(const struct pmemfail_diagnosis *d)
{
	return d ? d->n : 0;
}

_public_ int pmemfail_diagnosis_get(const struct pmemfail_diagnosis *d, size_t i,
				    const char **ret_about, const char **ret_code,
				    const char **ret_what, const char **ret_advice)
{
	if (!d)
		return pmf_why(-EINVAL, "pmemfail_diagnosis_get() needs a diagnosis");
	if (i >= d->n)
		return pmf_why(-ENOENT, "there is no finding number %zu", i);
	if (ret_about)
		*ret_about = d->v[i].about;
	if (ret_code)
		*ret_code = d->v[i].code;
	if (ret_what)
		*ret_what = d->v[i].what;
	if (ret_advice)
		*ret_advice = d->v[i].advice;
	return (int)d->v[i].severity;
}

_public_ enum pmemfail_severity pmemfail_diagnosis_worst(const struct pmemfail_diagnosis *d,
							 const char *about)
{
	enum pmemfail_severity worst = PMEMFAIL_OK;

	for (size_t i = 0; d && i < d->n; i++)
		if (!about || streq_ptr(d->v[i].about, about))
			worst = MAX(worst, d->v[i].severity);
	return worst;
}
