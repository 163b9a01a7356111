/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pmemfailctl: what its files share: the verbs' table, the options given, the
 * exit codes, and the few ways to speak. Everything here is for ctl/ only; the
 * machine is reached through <pmemfail/pmemfail.h> and nothing else.
 */
#ifndef CTL_H
#define CTL_H

#include <json-c/json.h>
#include <pmemfail/pmemfail.h>
#include <stdarg.h>
#include <stdio.h>

/* Documented in pmemfailctl(1) and --help: scripts depend on them. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,		/* doctor: something is only partly protected */
	CTL_USAGE = 2,
	CTL_PERMISSION = 3,
	CTL_NOT_FOUND = 4,
	CTL_BUSY = 5,
	CTL_UNSUPPORTED = 6,
	CTL_NO_MODULE = 7,
	CTL_UNPROTECTED = 8,	/* doctor: something is not protected */
};

struct ctl {
	struct pmemfail *lib;		/* a connection to pmemfaild, or direct */
	struct pmemfail *machine;	/* direct: the same, or beside a connection; NULL
					 * when not root */
	const struct ctl_verb *verb;
	bool json, quiet, verbose, no_colour, help, version;
	bool direct, bus;	/* --direct, --bus: not the other way */
	bool yes;		/* prepare-remove --yes */
	bool spa;		/* report --spa */
	bool deep;		/* assess --deep */
	const char *state;	/* list --state */
	const char *who, *why;	/* inhibit --who, --why */
	const char *output;	/* metrics --output */
	bool colour;		/* stdout is a terminal that may be coloured */
	size_t width;		/* columns of stdout; 0: not a terminal, no limit */
};

/* key of an option: what ctl_set_option() understands. */
enum ctl_key {
	CTL_JSON = 256, CTL_QUIET, CTL_VERBOSE, CTL_NO_COLOUR, CTL_HELP, CTL_VERSION,
	CTL_YES, CTL_STATE, CTL_SPA, CTL_DEEP, CTL_DIRECT, CTL_BUS, CTL_WHO, CTL_WHY,
	CTL_OUTPUT,
};

struct ctl_option {
	enum ctl_key key;
	char letter;		/* 0: none */
	const char *name;
	const char *arg;	/* name of its argument; NULL: takes none */
	const char *what;
};

struct ctl_verb {
	const char *name;
	const char *args;	/* for the usage line */
	int min_args, max_args;
	const char *summary;	/* one line */
	const char *details;	/* wrapped; ends without a newline */
	const struct ctl_option *options;	/* ended by key 0; NULL: none */
	int (*run)(struct ctl *c, char **args);	/* an enum ctl_exit */
	bool lenient;	/* goes on with the defaults when the configuration is bad */
	bool direct;	/* works on the machine itself, whether a daemon runs or not */
	bool command;	/* its arguments end with a command, whose options are its own */
};

/* The command table, in the order of --help; ended by a NULL name. */
extern const struct ctl_verb ctl_verbs[];
extern const struct ctl_option ctl_global_options[];
const struct ctl_verb *ctl_find_verb(const char *name);

/* What ends or stops a program is ignored from here on: for verbs that have begun to
 * act on a device, since half of that is worse than either end of it. */
void ctl_ignore_signals(void);

/* way.c */

/* Set lib and machine: by the daemon when there is one, else directly as root. Returns
 * -1 to go on; else it has said why not, and this is the exit code. */
int ctl_choose_way(struct ctl *c);
/* "bus" or "direct". */
const char *ctl_way(const struct ctl *c);
/* A diagnosis by who knows most. */
int ctl_diagnose(const struct ctl *c, struct pmemfail_diagnosis **ret);

/* help.c: text made from the tables. */
void ctl_help(const struct ctl_verb *verb);

/* One file each: verb-NAME.c. */
int ctl_status(struct ctl *c, char **args);
int ctl_devices(struct ctl *c, char **args);
int ctl_list(struct ctl *c, char **args);
int ctl_show(struct ctl *c, char **args);
int ctl_assess(struct ctl *c, char **args);
int ctl_prepare_remove(struct ctl *c, char **args);
int ctl_report(struct ctl *c, char **args);
int ctl_replay(struct ctl *c, char **args);
int ctl_monitor(struct ctl *c, char **args);
int ctl_inhibit(struct ctl *c, char **args);
int ctl_metrics(struct ctl *c, char **args);
int ctl_thaw(struct ctl *c, char **args);
int ctl_doctor(struct ctl *c, char **args);

/* speak.c */

/* "pmemfailctl: TEXT" on stderr, escaped. Returns code, so that it can be returned. */
int ctl_error(enum ctl_exit code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Which way errors of the library came from here on, for people; NULL: do not say. */
void ctl_speak_of(const char *way);
/* An error r of the library: says what could not be done, why, and what to do about
 * it. Returns the exit code. */
int ctl_error_library(int r, const char *doing);
/* The same for what was to be done with a device that was named. */
int ctl_error_device(const struct ctl *c, int r, const char *doing, const char *device);
enum ctl_exit ctl_exit_from_errno(int r);
/* What a sentence from elsewhere lacks at its end: "." or "". */
const char *ctl_full_stop(const char *sentence);
/* A line of text for people on stdout, escaped; none with --json or --quiet. */
void ctl_say(const struct ctl *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* {"schema": 1} to add to. The library's JSON text as an object: consumes text. */
struct json_object *ctl_json_new(void);
struct json_object *ctl_json_from_library(char *text);
void ctl_json_add(struct json_object *to, const char *key, struct json_object *value);
/* A string, or null. */
void ctl_json_add_string(struct json_object *to, const char *key, const char *s);
/* Print it on stdout and drop it. */
void ctl_json_print(struct json_object *o);
/* The same as json-c is told to lay it out. */
void ctl_json_puts(struct json_object *o, int how);

#endif
