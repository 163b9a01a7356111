# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: file:xfs file:ext4@6.12 policy:ext4@6.1 race:xfs crowd:xfs@6.12 guard:xfs guard:ext4@6.12 pinned:xfs@6.1 pinned:ext4@named cached:ext4@6.1 orphan:ext4@6.12 devdax:nd storm:xfs storm:ext4@6.1
# timeout: 180
#
# module-attempt WHAT FS: what one attempt promises, each by itself
#   file           a range of one file: who maps it is told, once per attempt; others
#                  are not; the rest of the file stays
#   policy         who is told under which signal policy, PR_MCE_KILL and the sysctl
#   race           many threads revoke at once: one SIGBUS each
#   crowd          more processes than any first guess has room for
#   guard          a killed caller leaves nothing frozen
#   pinned         pages under direct I/O keep their entries, also when nobody maps
#                  them any more
#   cached         files that nobody has open
#   orphan         an unlinked file whose last user is killed while it is revoked
#   devdax         a device-DAX node
#   storm          a filesystem in full use, frozen and not; the attempt does not hang

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

# field NAME LINE
field() {
	[[ " $2 " =~ \ $1=([^ ]*)\  ]] || die "no $1 in '$2'"
	echo "${BASH_REMATCH[1]}"
}

# attempt STEP...: its lines are in $RUN/attempt, and shown.
attempt() {
	bounded 60 "$TESTS/modtest" "$@" >"$RUN/attempt" || die "the attempt failed: $(tail -n 1 "$RUN/attempt")"
	cat "$RUN/attempt"
}

# nth STEP N: the nth line of that step
nth() {
	grep "^$1 " "$RUN/attempt" | sed -n "${2}p"
}

told_counts() {
	sed -n 's/^\(fs\|file\) .* told=\([0-9]*\) .*/\2/p' "$RUN/attempt" | paste -sd' '
}

# present NAME: how many pages of its first 16 are in its page tables
present() {
	"$TESTS/modtest-map" --present "${VICTIM[$1]}" "$(victim_addr "$1")" 16
}

sigbus_settled() {
	sleep 0.3
	victim_sigbus "$1"
}

case_file() {
	file_make "$MNT/file" 1
	file_make "$MNT/other" 1
	victim all reader "$MNT/file"
	victim begin --size 64K reader "$MNT/file"
	victim middle --size 64K --offset 512K reader "$MNT/file"
	victim other reader "$MNT/other"
	# On 6.1 a read fault too makes an entry dirty (fs/dax.c dax_fault_iter()).
	sync "$MNT/file" "$MNT/other"
	attempt at="$MNT/file" file=529288:529289:none
	expect_eq "pages mapped of middle and other" "$(present middle) $(present other)" "15 16"

	# One byte at 512K + 5000, the second page of middle: twice, and once anew.
	attempt at="$MNT/file" file=529288:529289:look file=529288:529289 \
		file=529288:529289 file=0:1048576 sleep=400 new file=0:1048576 fs victims
	expect_eq "told" "$(told_counts)" "0 2 0 1 3 1"
	expect_eq "entries of one page" "$(field entries "$(nth file 2)")" 0
	expect_eq "pages mapped of middle and other" "$(present middle) $(present other)" "0 0"
	expect_eq "entries of the rest" "$(field entries "$(nth file 4)")" 255
	expect_eq "entries of the other" "$(field entries "$(nth fs 1)")" 256
	grep -q "^victim pid=${VICTIM[middle]} flags=T addr=$(printf '0x%x' $(($(victim_addr middle) + 4096))) len=4096 off=528384 ino=$(stat -c %i "$MNT/file") " \
		"$RUN/attempt" || die "the record of middle is wrong"
	expect_eq "SIGBUS of all" "$(sigbus_settled all)" 2
	expect_eq "SIGBUS of begin" "$(victim_sigbus begin)" 2
	expect_eq "SIGBUS of middle" "$(victim_sigbus middle)" 2
	expect_eq "SIGBUS of other" "$(victim_sigbus other)" 1
	expect_eq "VICTIMS" "$(nth victims 1)" "victims OK copied=4 total=4"

	# A file that lives on can be read again.
	kill -USR1 "${VICTIM[all]}"
	wait_for 30 "probe" has_line "$RUN/v-all" '^probed'
	has_line "$RUN/v-all" '^probe .* gone=0 read=256 ' || die "the file cannot be read again"

	# Room for one record of two: all were told, and VICTIMS has them in order.
	attempt at="$MNT/file" file=0:1048576:max=1 victims=0:2 victims=2:9 victims=9:9
	expect_eq "told" "$(told_counts)" 3
	expect_eq "counts" "$(grep ^victims "$RUN/attempt" | paste -sd,)" \
		"victims OK copied=2 total=3,victims OK copied=1 total=3,victims OK copied=0 total=3"
}

# mce WHO: how a victim would have it
mce_victim() {
	VICTIM_VIA=("$TESTS/modtest-mce" "$2")
	victim "$1" --size 16K reader "$MNT/file"
	VICTIM_VIA=()
}

case_policy() {
	file_make "$MNT/file" 1
	mce_victim early early
	mce_victim late late
	mce_victim plain default
	sysctl -q -w vm.memory_failure_early_kill=0
	# with time between them: a SIGBUS that is pending swallows the next
	attempt at="$MNT/file" fs=none new fs=policy sleep=400 new fs sleep=400 new fs=every sleep=400
	expect_eq "told by none, policy, all, every" "$(told_counts)" "0 1 2 3"
	expect_eq "flags of late" "$(grep -c "^victim pid=${VICTIM[late]} flags=L " "$RUN/attempt")" 3
	sysctl -q -w vm.memory_failure_early_kill=1
	attempt at="$MNT/file" fs=policy
	sysctl -q -w vm.memory_failure_early_kill=0
	expect_eq "told by policy with the sysctl" "$(told_counts)" 2
	sleep 0.3
	expect_eq "SIGBUS of early, late, plain" \
		"$(victim_sigbus early) $(victim_sigbus late) $(victim_sigbus plain)" "4 1 3"
}

case_race() {
	local i names=()
	file_make "$MNT/file" 1
	for i in {1..12}; do
		victim "v$i" --size 16K reader "$MNT/file"
		names+=("v$i")
	done
	attempt at="$MNT" race=16 race=16
	expect_eq "told in all" "$(field told "$(nth race 1)") $(field told "$(nth race 2)")" "12 0"
	sleep 0.3
	for i in "${names[@]}"; do
		expect_eq "SIGBUS of $i" "$(victim_sigbus "$i")" 1
	done
}

case_crowd() {
	echo content >"$MNT/file"
	background "$TESTS/modtest-map" --crowd 600 "$MNT/file" >"$RUN/crowd"
	wait_for 60 "crowd" has_line "$RUN/crowd" '^ready'
	attempt at="$MNT" fs=look,max=2 fs=max=1000 fs=dirty,max=700 victims=599:9 | grep -v ^victim
	expect_eq "told" "$(told_counts)" "0 600 0"
	expect_eq "listed" "$(awk '/^fs/ { n++ } n == 1 && /^victim / { v++ } END { print v }' "$RUN/attempt")" 2
	expect_eq "all listed" "$(grep -o '^victim pid=[0-9]*' "$RUN/attempt" | sort -u | wc -l)" 600
	expect_eq "VICTIMS" "$(nth victims 1)" "victims OK copied=1 total=600"
	kill -TERM "$BG_PID"
	wait_for 30 "end of the crowd" gone "$BG_PID"
	expect_eq "the crowd" "$(tail -n 1 "$RUN/crowd")" "told once=600 more=0"
}

case_guard() {
	local start
	site "$MNT"
	background "$TESTS/modtest" at="$MNT" arm freeze fs die
	start=$(now_ms)
	bounded 20 touch "$MNT/new" || die "it stays frozen"
	say "thawed after $(($(now_ms) - start)) ms"
	kmsg_has 'pmemfail: thawed' || die "the thaw is not in the log"

	# Without the guard's promise it stays so: the check above can fail.
	background "$TESTS/modtest" at="$MNT" arm freeze disarm die
	wait_for 10 "end" gone "$BG_PID"
	expect_match "the state" "$("$TESTS/fsstate" "${SITE[$MNT]}")" '^frozen=1 '
	fsfreeze -u "$MNT" 2>/dev/null || true	# fsstate may have

	# It is for this filesystem, and nobody else's freeze after it.
	attempt at="$MNT" arm disarm
	attempt at="$MNT" arm freeze thaw
	bounded 10 touch "$MNT/new" || die "it is frozen"
	# Busy no longer than the attempt.
	sites_umount
	rmmod pmemfail
}

# A block device on which reads wait until it is resumed.
slow_disk() {
	modprobe brd rd_nr=1 rd_size=65536
	wait_for 10 /dev/ram0 test -b /dev/ram0
	echo "0 131072 linear /dev/ram0 0" | dmsetup create slow
	wait_for 10 /dev/mapper/slow test -b /dev/mapper/slow
	udevadm settle
	dmsetup suspend --noflush slow
}

case_pinned() {
	file_make "$MNT/file" 1
	victim other --offset 64K --size 960K reader "$MNT/file"
	victim same --size 64K reader "$MNT/file"
	slow_disk
	background "$TESTS/modtest-map" --pin /dev/mapper/slow "$MNT/file" >"$RUN/pin"
	wait_for 10 "pending read" has_line "$RUN/pin" '^pinned'
	expect_eq "pages mapped" "$(present same)" 16
	# Some pages pinned, most not; then nobody maps it.
	attempt at="$MNT" fs=dirty,none
	expect_eq "pinned, entries, left" "$(pinned_counts 1)" "1 256 16"
	expect_eq "pages mapped" "$(present same)" 0
	victims_end
	attempt at="$MNT" fs=dirty,none fs=look
	expect_eq "pinned, entries, left" "$(pinned_counts 1)" "1 16 16"
	expect_eq "pinned, entries, left" "$(pinned_counts 2)" "1 16 16"
	dmsetup resume slow
	wait_for 20 "end of the read" has_line "$RUN/pin" '^read 65536'
	attempt at="$MNT" fs=dirty,none
	expect_eq "pinned, entries, left" "$(pinned_counts 1)" "0 16 0"
	dmsetup remove --retry slow
}

pinned_counts() {
	local line
	line=$(nth fs "$1")
	echo "$(field pinned "$line") $(field entries "$line") $(field left "$line")"
}

case_cached() {
	local i
	mkdir "$MNT/d"
	for i in {1..700}; do
		echo "$i" >"$MNT/d/$i"
	done
	bounded 120 "$TESTS/modtest-map" "$MNT"/d/*
	# and no dentry holds them: the walk's reference is the only one
	sync
	echo 2 >/proc/sys/vm/drop_caches
	attempt at="$MNT" fs=look arm freeze fs thaw disarm
	expect_eq "files" "$(field files "$(nth fs 1)")" 700
	expect_eq "left, looking and after" "$(field left "$(nth fs 1)") $(field left "$(nth fs 2)")" "700 0"
	# Their references went with the attempt.
	bounded 10 umount "$MNT" || die "the filesystem is busy after the attempt"
}

# The walk's reference becomes the last one, and its eviction a transaction, which
# would wait for the thaw.
case_orphan() {
	local i hits=0
	# dropping the entries takes some 50 ms: from too early to too late, with builtins
	# only, for starting a program takes as long
	for i in {0..15}; do
		dd if=/dev/zero of="$MNT/file" bs=1M count=128 conv=fsync status=none
		victim "orphan$i" --offset 4K --unlink reader "$MNT/file"
		bounded 60 "$TESTS/modtest" at="$MNT" arm freeze wait="$RUN/go" fs=none thaw disarm >"$RUN/attempt" &
		BG_PID=$!
		wait_for 30 "freeze" has_line "$RUN/attempt" '^freeze OK'
		: >"$RUN/go"
		read -r -t "0.0$((i + 10))" -u 8 || true
		kill -KILL "${VICTIM[orphan$i]}"
		wait_for 30 "end of the attempt" gone "$BG_PID"
		expect_ok wait "$BG_PID"
		grep ^fs "$RUN/attempt"
		# it was found mapped, and was gone when the processes were looked at
		[[ $(nth fs 1) != *' vmas=1 '*' victims=0 '* ]] || hits=$((hits + 1))
		rm "$RUN/go"
		unset "VICTIM[orphan$i]"
		((!hits)) || break
	done
	say "killed in time: round $i"
	((hits)) || die "no file lost its last user while it was revoked"
	bounded 10 umount "$MNT" || die "the filesystem is busy after the attempt"
}

case_devdax() {
	local node
	node=$(ns_make_devdax 1)
	victim huge --huge --size 4M reader "$node"
	victim two --huge --size 2M --offset 2M dirty "$node"
	attempt at="$node" file=0:4096 file=0:2097152 file=0:18446744073709551615 victims
	expect_eq "told" "$(told_counts)" "1 0 1"
	expect_match "the record of two" "$(grep "^victim pid=${VICTIM[two]} " "$RUN/attempt" | tail -n 1)" \
		" addr=$(victim_addr two) len=2097152 off=2097152 .* lsb=21 "
	sleep 0.3
	expect_eq "SIGBUS" "$(victim_sigbus huge) $(victim_sigbus two)" "1 1"
	victims_end
	ns_make_fsdax 1 >/dev/null
}

case_storm() {
	local i
	site "$MNT"
	background "$TESTS/fsstorm" --status "$RUN/v-storm" --procs 4 "$MNT"
	sleep 2
	for i in 1 2 3 4 5 6; do
		attempt at="$MNT" arm freeze fs=none fs=none thaw disarm new fs=none arm freeze fs=none new | grep -v ^victim
		sleep 0.2
	done
	attempt at="$MNT" arm freeze fs=none shutdown fs=dirty,none thaw fs=dirty,stop,none disarm
	expect_eq "entries left" "$(field left "$(nth fs 3)")" 0
	wait_for 30 "end of the storm" gone "$BG_PID"
	unbind_bounded /dev/pmem0
	sites_umount
	kmsg_clean
}

case_run() {
	local name
	expect_ok modprobe pmemfail
	[[ $1 == devdax ]] || fs_make "$2" raw >/dev/null
	"case_$1" "$2"
	for name in "${!VICTIM[@]}"; do MAX_SIGBUS[$name]=9; done
	victims_end
}
