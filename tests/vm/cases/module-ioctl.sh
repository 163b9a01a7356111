# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# module-ioctl: what /dev/pmemfail refuses and how: sizes, tails, flags, fds of
# every kind, unknown commands, a caller without the capability.

case_run() {
	local dev node name
	expect_ok modprobe pmemfail
	wait_for 5 /dev/pmemfail test -c /dev/pmemfail
	expect_eq "mode of the device" "$(stat -c '%a %u' /dev/pmemfail)" "600 0"
	dev=$(fs_make xfs partition)
	node=$(ns_make_devdax 1)
	head -c 1M /dev/urandom >"$MNT/file"
	"$TESTS/modtest-args" "$MNT/file" /dev/pmem0 "$dev" "$node" >"$RUN/args" ||
		die "$(grep -v '^ok' "$RUN/args")"
	say "$(grep -c '^ok' "$RUN/args") checks"

	# Each kind of check can fail.
	for name in info-tail-set watch-partition fs-look-stop guard-both capability container; do
		BREAK=$name expect_fail "$TESTS/modtest-args" \
			"$MNT/file" /dev/pmem0 "$dev" "$node" >"$RUN/args"
		expect_eq failures "$(grep ^FAILED "$RUN/args" | cut -d: -f1)" "FAILED $name"
	done
	ns_make_fsdax 1 >/dev/null
}
