# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: xfs:raw ext4:dm@6.12
# timeout: 180
#
# module-revoke FS STACK: a removal by the module's ioctls alone: all mappers of a
# file system told once and unmapped, no entry left, no fault maps the memory again,
# unbind and umount leave a healthy kernel, and what was synced is there afterwards.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

# field NAME LINE
field() {
	[[ " $2 " =~ \ $1=([^ ]*)\  ]] || die "no $1 in '$2'"
	echo "${BASH_REMATCH[1]}"
}

# nth STEP N: the nth line of that step
nth() {
	grep "^$1 " "$RUN/attempt" | sed -n "${2}p"
}

mappers() {
	file_make "$MNT/read" 1
	file_make "$MNT/written" 1
	file_make "$MNT/gone" 1
	file_make "$MNT/idle" 1
	# in one piece, so that the kernel can map it by PMD
	fallocate -l 2M "$MNT/huge"
	dd if=/dev/urandom of="$MNT/huge" bs=1M count=2 conv=notrunc,fsync status=none
	victim huge --huge reader "$MNT/huge"
	victim reader --size 128K reader "$MNT/read"
	victim readonly --size 64K --offset 512K readonly "$MNT/read"
	victim writer --size 128K writer "$MNT/written"
	victim dirty --size 64K dirty "$MNT/written"
	victim private --size 32K private "$MNT/read"
	victim untouched --size 32K untouched "$MNT/read"
	victim two --size 16K --fork reader "$MNT/read"
	victim three --size 16K --threads 2 reader "$MNT/read"
	victim leaderless --size 64K --threads 2 --leaderless reader "$MNT/read"
	victim unlinked --size 64K --unlink dirty "$MNT/gone"
	victim ignores --size 16K ignore "$MNT/read"
	victim blocks --size 16K blocked "$MNT/read"
	victim both --size 16K reader "$MNT/read" "$MNT/written"
	EXPECT[ignores]=deaf
	EXPECT[blocks]=deaf
}

# Everyone is in the list, with the address where the affected part begins.
victims_listed() {
	local name line pid
	for name in "${!VICTIM[@]}"; do
		pid=${VICTIM[$name]}
		# LOOK has one record per file; all addresses have the same length
		line=$(grep "^victim pid=$pid " "$1" | sort -k 4 | head -n 1) ||
			die "$name (pid $pid) is not listed"
		expect_eq "address of $name" "$(field addr "$line")" "$(victim_addr "$name")"
		[[ $2 == told ]] || continue
		case ${EXPECT[$name]} in
		deaf) expect_eq "flags of $name" "$(field flags "$line")" TI ;;
		*) expect_eq "flags of $name" "$(field flags "$line")" T ;;
		esac
		expect_eq "start of $name in ticks" $(($(field start "$line") / 10000000)) \
			"$(awk '{ sub(/.*\) /, ""); print $20 }' "/proc/$pid/stat")"
	done
}

# In a real removal this is between hold and release.
revoke() {
	background "$TESTS/modtest" at="$MNT" fs=look arm freeze fs shutdown fs=dirty thaw \
		fs=dirty,stop,every victims disarm wait="$RUN/unbound" >"$RUN/attempt"
	ATTEMPT=$BG_PID
	wait_for 60 "end of the revoke" has_lines 2 '^guard'
	cat "$RUN/attempt"
	expect_eq "the freeze" "$(nth freeze 1 | cut -d' ' -f2)" OK
	expect_eq "the shutdown" "$(nth shutdown 1 | cut -d' ' -f2)" OK
	expect_eq "the thaw" "$(nth thaw 1 | cut -d' ' -f2)" OK
}

has_lines() {
	count_lines "$RUN/attempt" "$2"
	((COUNT >= $1))
}

judge() {
	local told
	expect_eq "told by looking" "$(field told "$(nth fs 1)")" 0
	told=$(field told "$(nth fs 2)")
	expect_eq "processes told" "$told" "${#VICTIM[@]}"
	expect_eq "told again" "$(field told "$(nth fs 3)")$(field told "$(nth fs 4)")" 00
	expect_eq "VICTIMS" "$(field total "$(nth victims 1)")" "$told"
	(($(field entries "$(nth fs 1)") > 0)) || die "no entries were there"
	expect_eq "entries left" "$(field left "$(nth fs 3)")$(field left "$(nth fs 4)")" 00
	expect_eq "files" "$(field files "$(nth fs 2)")" 4
	expect_eq "granularity of huge" \
		"$(field lsb "$(grep "^victim pid=${VICTIM[huge]} " "$RUN/looked")")" 21
	expect_eq "pinned" "$(field pinned "$(nth fs 2)")" 0
	sed -n '/^victims /,/^guard/p' "$RUN/attempt" >"$RUN/told"
	victims_listed "$RUN/told" told
}

case_run() {
	local kind=$1 stack=$2 dev name
	expect_ok modprobe pmemfail
	dev=$(fs_make "$kind" "$stack")
	mappers
	keep "$MNT/read" "$MNT/idle"
	site "$MNT"
	# LOOK finds them by file, and changes nothing.
	"$TESTS/modtest" at="$MNT" fs=look >"$RUN/looked"
	victims_listed "$RUN/looked" looked
	expect_eq "records" "$(field victims "$(head -n 1 "$RUN/looked")")" $((${#VICTIM[@]} + 1))
	for name in "${!VICTIM[@]}"; do
		expect_eq "SIGBUS to $name for a look" "$(victim_sigbus "$name")" 0
	done

	revoke
	judge
	# The memory is there still, and yet no fault maps it.
	victims_check "$(now_boot)"
	for name in "${!VICTIM[@]}"; do
		[[ $name == reader ]] || EXPECT[$name]=checked
	done

	unbind_bounded /dev/pmem0
	touch "$RUN/unbound"
	wait_for 10 "end of the attempt" gone "$ATTEMPT"
	victims_check "$REMOVED_MS"
	sites_check_state
	victims_end
	sites_umount
	expect_ok rmmod pmemfail
	kmsg_clean
	returned "$stack"
	sums_check "$dev"
	kmsg_clean
}
