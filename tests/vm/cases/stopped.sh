# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# kernels: 6.12
#
# stopped: a daemon that does not run (SIGSTOP) holds an unbind up until
# HoldTimeoutSec and no longer; afterwards it says honestly what it missed. A
# second daemon refuses to start meanwhile.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

daemon_pid() {
	systemctl show -P MainPID pmemfaild.service
}

case_run() {
	local pid status=0 second
	ns_make_fsdax 0 >/dev/null
	pmemfail_up_with HoldTimeoutSec=3
	watched
	pid=$(daemon_pid)

	second=$(PATH=$PATH:/usr/libexec:/usr/lib/pmemfail bounded 10 pmemfaild 2>&1) || status=$?
	((status != 0 && status < 124)) || die "a second daemon ends with $status: $second"
	say "second daemon: status $status, '$second'"
	[[ $(daemon_pid) == "$pid" ]] || die "the first daemon is gone"

	kill -STOP "$pid"
	unbind_bounded /dev/pmem0
	((UNBIND_MS >= 2500)) || fault "the unbind waited only $UNBIND_MS ms"
	((UNBIND_MS <= 8000)) || fault "the unbind waited $UNBIND_MS ms, not 3 s"
	kill -CONT "$pid"
	recorded failed pmem0
	expect_eq hold_ended "$(jq -r .hold_ended "$RUN/failure")" true
	rebind /dev/pmem0
	watched
	[[ $(daemon_pid) == "$pid" ]] || die "the daemon did not survive being stopped"
	kmsg_clean
}
