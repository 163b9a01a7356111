# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# doctor: says what is missing while it is missing, and nothing when all is
# there; assess lists what a removal would hit and touches nothing of it.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

# doctor_finds STATUS CODE-ERE
doctor_finds() {
	local status=0
	pmemfailctl doctor --json >"$RUN/doctor" || status=$?
	[[ $status == "$1" ]] || { cat "$RUN/doctor"; die "doctor ends with $status, not $1"; }
	jq -r '.findings[] | select(.severity != "ok" and .severity != "note") | .code' \
		"$RUN/doctor" >"$RUN/codes"
	if [[ $2 ]]; then
		grep -qE -- "$2" "$RUN/codes" || { cat "$RUN/doctor"; die "doctor does not find $2"; }
	else
		[[ ! -s $RUN/codes ]] || { cat "$RUN/doctor"; die "doctor finds $(paste -sd' ' "$RUN/codes")"; }
	fi
}

assessment() {
	local dev pids
	dev=$(fs_make xfs dm)
	file_make "$MNT/file" 2
	file_make "$MNT/other" 2
	victim reader reader "$MNT/file"
	victim untouched untouched "$MNT/other"
	pmemfailctl assess pmem0 --json | jq .assessment >"$RUN/failure"
	pids=("${VICTIM[@]}")
	recorded_victims "${pids[@]}"
	expect_eq mountpoint "$(jq -r '.cases[0].site.mountpoint' "$RUN/failure")" "$MNT"
	expect_eq paths "$(jq -r '.cases[0].victims[].path' "$RUN/failure" | sort -u | paste -sd' ')" \
		"$MNT/file $MNT/other"
	expect_eq "the same by the name of the stack" \
		"$(pmemfailctl assess "$dev" --json | jq -r .assessment.device_name)" pmem0
	kill -USR1 "${VICTIM[reader]}"
	wait_for 10 "answer" has_line "$RUN/v-reader" '^probed told=0'
	has_line "$RUN/v-reader" '^probe .* gone=0 ' || die "the assessment took something away"
	touch "$MNT/writable"
	victims_end
	umount "$MNT"
	dmsetup remove --retry test
}

case_run() {
	ns_make_fsdax 0 >/dev/null
	pmemfail_down
	doctor_finds 8 '^module-'
	modprobe pmemfail
	doctor_finds 8 '^daemon-'
	systemctl start pmemfaild.service
	wait_for 10 "all well" pmemfailctl doctor --quiet
	doctor_finds 0 ''
	assessment

	mkfs.ext4 -q -F /dev/pmem0
	mkdir -p "$MNT"
	mount -o dax=never /dev/pmem0 "$MNT"
	pmemfailctl doctor --json >"$RUN/doctor" || true
	jq -e '[.findings[] | select(.about == "pmem0")] | any(.code | test("dax"))' \
		"$RUN/doctor" >/dev/null || { cat "$RUN/doctor"; die "doctor does not mention DAX"; }
	umount "$MNT"
	kmsg_clean
}
