/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names that others rely on, each written once: message ids and field names in the
 * journal, exit codes. They never change their meaning; new ones are added.
 */
#ifndef DAEMON_NAMES_H
#define DAEMON_NAMES_H

/* Exit codes; documented in pmemfaild(8), used by RestartPreventExitStatus=. */
enum daemon_exit {
	DAEMON_OK = 0,
	DAEMON_FAILURE = 1,	/* also --check: there is no pmem device */
	DAEMON_USAGE = 2,
	DAEMON_NOT_ROOT = 3,
	DAEMON_CONFIG = 4,
	DAEMON_ANOTHER = 5,	/* another pmemfaild runs */
};

/* One MESSAGE_ID per kind of message: journalctl MESSAGE_ID=... finds them all. */
#define MESSAGE_STARTED		"e143053c7b014d8dacb27bf6aac54276"
#define MESSAGE_STOPPING	"476f17342c114d709d45e554c34d5a24"
#define MESSAGE_RELOADED	"c6d64374fb3a42fa85dd96a77979609e"
#define MESSAGE_BAD_CONFIG	"f8e06016c39540ff967aed298677594f"
#define MESSAGE_PROTECTED	"8c1a508c5d894f1a8dc432a845f06171"	/* n of m devices */
#define MESSAGE_MODULE		"a0292d19b7f74fc5a6127aedda30a43f"
#define MESSAGE_RECORD_PROBLEM	"806ba189c79147afb49270eccd3f9add"
#define MESSAGE_FAILURE		"efa536c873644f39bb100a487de54aba"	/* added, changed */
#define MESSAGE_SITE		"56473bde682240d5a353a8e9e091f010"	/* what became of one */
#define MESSAGE_VICTIM		"2da329f5f74d45909fa7252f92a2e180"	/* one process told */
#define MESSAGE_TARGET		"086516367dc04a738e7918b395d46203"	/* who owns bad bytes */
#define MESSAGE_HOOK		"c6f557037a824a96935cb0ef642d39c2"	/* what one answered */
#define MESSAGE_JOB_FAILED	"172bda40eea544aeaa76ad71c6d795ac"	/* asked for over D-Bus */
#define MESSAGE_PROBLEM		"d1e3376396344ba483aec5948af4119d"	/* of pmemfaild itself */

#define FIELD_FAILURE_ID	"PMEMFAIL_FAILURE_ID"
#define FIELD_KIND		"PMEMFAIL_KIND"
#define FIELD_SOURCE		"PMEMFAIL_SOURCE"
#define FIELD_STATE		"PMEMFAIL_STATE"
#define FIELD_DEVICE		"PMEMFAIL_DEVICE"
#define FIELD_DEVICE_ID		"PMEMFAIL_DEVICE_ID"
#define FIELD_SITE		"PMEMFAIL_SITE"
#define FIELD_FSTYPE		"PMEMFAIL_FSTYPE"
#define FIELD_MOUNTPOINT	"PMEMFAIL_MOUNTPOINT"
#define FIELD_FROZEN_USEC	"PMEMFAIL_FROZEN_USEC"
#define FIELD_HOLD_USEC		"PMEMFAIL_HOLD_USEC"
#define FIELD_TOLD		"PMEMFAIL_TOLD"
#define FIELD_PID		"PMEMFAIL_PID"
#define FIELD_UID		"PMEMFAIL_UID"
#define FIELD_COMM		"PMEMFAIL_COMM"
#define FIELD_UNIT		"PMEMFAIL_UNIT"
#define FIELD_PATH		"PMEMFAIL_PATH"
#define FIELD_ADDRESS		"PMEMFAIL_ADDRESS"
#define FIELD_TARGET		"PMEMFAIL_TARGET"	/* kind of it: file, metadata, ... */
#define FIELD_ACTION		"PMEMFAIL_ACTION"
#define FIELD_INODE		"PMEMFAIL_INODE"
#define FIELD_OFFSET		"PMEMFAIL_OFFSET"	/* bytes, in the file or the site */
#define FIELD_LENGTH		"PMEMFAIL_LENGTH"
#define FIELD_ERRNO		"PMEMFAIL_ERRNO"
#define FIELD_JOB		"PMEMFAIL_JOB"		/* kind of it: replay, ... */
#define FIELD_CLIENT_UID	"PMEMFAIL_CLIENT_UID"	/* who asked for it */
#define FIELD_HOOK		"PMEMFAIL_HOOK"
#define FIELD_EXIT_STATUS	"PMEMFAIL_EXIT_STATUS"
/* journald's own word for "this is about that unit": a unit's status and
 * journalctl --unit= then show what happened to it. Taken from root only. */
#define FIELD_OBJECT_UNIT	"OBJECT_SYSTEMD_UNIT"

#endif
