# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: run@6.1 refused@6.12 slow@6.1
# timeout: 180
#
# hooks WHAT: programs in /etc/pmemfail/hooks.d after a failure:
#   run      it gets the failure, as JSON and as variables, and its status is kept;
#            journalctl -x explains all that is said on the way
#   refused  one that others could have written is not run, and it is said why
#   slow     one that does not end is ended; the rescue does not wait for it

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

OFFSET=$((256 * 1024))
HOOKS=/etc/pmemfail/hooks.d

hook() {
	mkdir -p "$HOOKS"
	cat >"$HOOKS/$1"
	chmod 755 "$HOOKS/$1"
}

set_up() {
	pmemfail_up_with "$@"
	fs_make xfs raw >/dev/null
	file_make "$MNT/bad" 2
	watched
}

has_hooks() {
	FAILURE=$(newest pmem0) && [[ $FAILURE ]] || return 1
	pmemfailctl show "$FAILURE" --json | jq .failure >"$RUN/failure"
	jq -e --argjson n "$1" '.hooks | length == $n' "$RUN/failure" >/dev/null
}

case_run_run() {
	hook 10-note <<'H'
#!/bin/sh
cat >/run/pmemfail-test/hook-stdin
env >/run/pmemfail-test/hook-env
ls -l /proc/self/fd >/run/pmemfail-test/hook-fds
exit 3
H
	set_up HookTimeoutSec=20
	victim bad reader "$MNT/bad"
	bad_file latent raw "$MNT/bad" "$OFFSET"
	wait_for 30 "the hook's result" has_hooks 1
	on_record '.hooks[0] | .name == "10-note" and .status == 3' "the hook's exit status"
	jq -e '.id > 0 and .kind == "poison" and (.cases | length) == 1' "$RUN/hook-stdin" >/dev/null ||
		jq -e '.failure.kind == "poison"' "$RUN/hook-stdin" >/dev/null ||
		fault "the hook's input is not the failure"
	grep -qx "PMEMFAIL_ID=$FAILURE" "$RUN/hook-env" || fault "no PMEMFAIL_ID"
	grep -qx "PMEMFAIL_STATE=handled" "$RUN/hook-env" || fault "no PMEMFAIL_STATE"
	! grep -v ' [0-3] -> ' "$RUN/hook-fds" | grep -- '->' || fault "descriptors leak into hooks"
	told_at bad "$OFFSET"
	victims_end
	journalctl --update-catalog
	explained
	has_line "$RUN/explained" "Subject: Failure $FAILURE of persistent memory \(poison\) is handled" ||
		fault "the failure is not explained: $(<"$RUN/explained")"
	has_line "$RUN/explained" "Subject: Who was sent SIGBUS in failure $FAILURE\$" ||
		fault "the victim is not explained"
}

case_run_refused() {
	hook 10-good <<<$'#!/bin/sh\nexit 0'
	hook 20-writable <<<$'#!/bin/sh\ntouch /run/pmemfail-test/ran'
	chmod 777 "$HOOKS/20-writable"
	hook 30-foreign <<<$'#!/bin/sh\ntouch /run/pmemfail-test/ran'
	chown nobody "$HOOKS/30-foreign"
	set_up
	bad_file latent raw "$MNT/bad" "$OFFSET"
	wait_for 30 "the hooks' results" has_hooks 3
	on_record '[.hooks[] | select(.name == "10-good" and .status == 0)] | length == 1' "the good one"
	on_record '[.hooks[] | select(.why != null)] | length == 2' "why two were refused"
	[[ ! -e $RUN/ran ]] || fault "a hook that others can write was run"
	pmemfailctl doctor >"$RUN/doctor" || true
	grep -q "20-writable .* is refused" "$RUN/doctor" || fault "doctor does not speak of the refused hook: $(cat "$RUN/doctor")"
}

case_run_slow() {
	hook 10-slow <<<$'#!/bin/sh\nsleep 1000'
	set_up HookTimeoutSec=3
	victim bad reader "$MNT/bad"
	bad_file latent raw "$MNT/bad" "$OFFSET"
	told_at bad "$OFFSET"
	recorded handled pmem0
	wait_for 30 "the hook's end" has_hooks 1
	on_record '.hooks[0].timed_out' "that it took too long"
	! pgrep -f 'sleep 1000' || fault "the hook's child lives on"
	victims_end
}

case_run() {
	"case_run_$1"
}
