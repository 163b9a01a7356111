/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of settings: from text, with limits and a reason. For policy.c only.
 */
#ifndef PMF_POLICY_VALUE_H
#define PMF_POLICY_VALUE_H

#include "model/policy.h"

enum pmf_value_type {
	PMF_VALUE_TIME,		/* uint64_t, us */
	PMF_VALUE_DAYS,		/* the same from a number of days */
	PMF_VALUE_NUMBER,	/* uint64_t */
	PMF_VALUE_BOOL,
	PMF_VALUE_WORD,		/* an enum whose values number the words */
	PMF_VALUE_PATH,		/* char[PMF_PATH_SIZE] */
};

#define PMF_PATH_SIZE	sizeof(((struct pmf_policy *)0)->state_dir)

struct pmf_setting {
	const char *key;
	enum pmf_value_type type;
	size_t offset;		/* in struct pmf_policy */
	size_t has;		/* in struct pmf_fs_override; 0: not for one filesystem */
	uint64_t least, most;	/* us, days or just a number */
	bool infinite;		/* "infinity" is allowed, too: UINT64_MAX */
	const char *const *words;	/* NULL at the end */
	const char *value;	/* default, as in the file */
	const char *what;
};

/* -EINVAL with a sentence in why (may be NULL), and the field untouched. */
int pmf_value_set(const struct pmf_setting *s, void *field, const char *value,
		  char why[160]);

/* Fill why, if there is one, cut when too long. */
void pmf_explain(char *why, const char *fmt, ...) _printf_(2, 3);

/* Absolute, and the only way to write it: no "..", ".", "//" or "/" at the end in it.
 * Printable. */
bool pmf_path_is_plain(const char *s);

#endif
