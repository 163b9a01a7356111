# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: with:xfs with:ext4@6.1 without:xfs@6.12 without:ext4@named
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

# prepares STATUS ERE: it ends so and says so.
prepares() {
	local status=0
	pmemfailctl prepare-remove --yes pmem0 >"$RUN/answer" 2>&1 || status=$?
	say "prepare-remove ends with $status: $(tail -n 1 "$RUN/answer")"
	expect_eq "exit status" "$status" "$1"
	grep -qE -- "$2" "$RUN/answer" || { cat "$RUN/answer"; die "it does not say '$2'"; }
}

# After it has all ended the unbind meets nobody.
go() {
	! is_mounted "$MNT" || fault "it is still mounted"
	kmsg_clean
	unbind_bounded "$DEV"
	kmsg_clean
	rebind "$DEV"
	sums_check "$DEV"
}

case_run_with() {
	pmemfail_up_with SettleTimeoutSec=2
	populate "$1"
	site "$MNT"
	if [[ $1 == ext4 ]]; then
		prepares 1 'NOT safe to remove'
		# its read faults do not ask whether it was shut down, and DAX is stopped
		# for good only by a real unbind: the answer must say so
		grep -q 'mapped again' "$RUN/answer" || die "it does not say what is not safe"
		victim_check_told reader
		victim_check_told untouched
	else
		prepares 0 'safe to remove'
		victims_check "$(now_boot)"
	fi
	sites_check_state
	victims_end
	sites_close
	prepares 0 'safe to remove'
	go
}

case_run_without() {
	pmemfail_down
	pmemfail_conf SettleTimeoutSec=2
	populate "$1"
	prepares 7 'module'
	# a plain signal is all there is without the module: no code, no address
	grep -q '^sigbus code=0 ' "$RUN/v-reader" || fault "the reader was not told"
	EXPECT=([reader]=spared [untouched]=spared)
	MAX_SIGBUS=([reader]=2 [untouched]=2)
	victims_end
	prepares 0 'safe to remove'
	go
}

case_run() {
	"case_run_$1" "$2"
}
