# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: with:xfs with:ext4 without:xfs
#
# prepare WITH-MODULE FILESYSTEM: pmemfailctl prepare-remove does ahead of time
# what an unbind would, and unmounts; without the module it does what can be
# done, and says what cannot.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

populate() {
	DEV=$(fs_make "$1" raw)
	file_make "$MNT/file" 2
	keep "$MNT/file"
	# they do not end by the signal: the mount is busy until the case ends them
	victim reader reader "$MNT/file"
	victim untouched untouched "$MNT/file"
}

case_run_with() {
	local status=0
	pmemfail_up_with SettleTimeoutSec=2
	populate "$1"
	site "$MNT"
	pmemfailctl prepare-remove --yes pmem0 --json >"$RUN/answer" 2>"$RUN/err" || status=$?
	say "prepare-remove while busy: status $status: $(tail -n 1 "$RUN/err")"
	victims_check "$(now_boot)"
	sites_check_state
	victims_end
	sites_close
	expect_ok pmemfailctl prepare-remove --yes pmem0
	! is_mounted "$MNT" || fault "it is still mounted"
	kmsg_clean
	unbind_bounded "$DEV"
	kmsg_clean
	rebind "$DEV"
	sums_check "$DEV"
}

case_run_without() {
	local status=0 pid
	pmemfail_down
	populate "$1"
	pid=${VICTIM[reader]}
	background sh -c "while kill -0 $pid 2>/dev/null; do grep -q '^sigbus' $RUN/v-reader &&
		kill $pid ${VICTIM[untouched]}; sleep 0.1; done"
	pmemfailctl prepare-remove --yes pmem0 >"$RUN/answer" 2>&1 || status=$?
	cat "$RUN/answer"
	expect_eq "exit status" "$status" 7
	grep -q module "$RUN/answer" || fault "the missing module is not named"
	grep -q '^sigbus code=0 ' "$RUN/v-reader" || fault "the reader was not told"
	VICTIM=()
	kmsg_clean
	wait_for 10 "unmount" no_mount
	unbind_bounded "$DEV"
	rebind "$DEV"
	sums_check "$DEV"
}

no_mount() {
	! is_mounted "$MNT" || { umount "$MNT" && ! is_mounted "$MNT"; }
}

case_run() {
	"case_run_$1" "$2"
}
