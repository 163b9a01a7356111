# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: mce:xfs latent:xfs@6.12 removal:xfs@6.1 devdax:nd
# timeout: 120
# cpu: Skylake-Server-v4
#
# appguard WHAT [FILESYSTEM]: programs that are guarded by libpmemfail live, where others
# are ended: they get -EIO with the offset, or zeroes.
#   mce, latent	a page of a file goes bad, by a machine check or found by a scrub
#   removal	the device goes
#   devdax	the same of a device-DAX node: zeroes for whole huge pages

# shellcheck source=tests/vm/cases/lib/poison-stories.sh
source "$TESTS/cases/lib/poison-stories.sh"

declare -A GUARDED=()

# guarded NAME read|zero FILE [SIZE]: ready when it returns
guarded() {
	local name=$1
	shift
	"$TESTS/guarded" "$@" >"$RUN/g-$name" &
	GUARDED[$name]=$!
	wait_for 30 "guarded $name" has_line "$RUN/g-$name" '^ready'
}

# scanned NAME WORD...: it lives, reads all of it, and says each of the words
scanned() {
	local name=$1 line word
	shift
	kill -USR1 "${GUARDED[$name]}" || die "$name has ended"
	try_for 30 has_line "$RUN/g-$name" '^scan ' || {
		gone "${GUARDED[$name]}" && die "$name was ended"
		die "$name does not answer"
	}
	line=$(grep '^scan ' "$RUN/g-$name")
	say "$name: $line"
	for word; do
		[[ " $line " == *" $word "* ]] || die "$name: '$line' is not $word"
	done
}

guarded_end() {
	local name
	for name in "${!GUARDED[@]}"; do
		kill -TERM "${GUARDED[$name]}"
		expect_status 0 wait "${GUARDED[$name]}"
		has_line "$RUN/g-$name" '^end' || die "$name did not end well"
	done
}

three_guarded() {
	guarded read read "$MNT/bad"
	guarded zero zero "$MNT/bad"
	guarded spared read "$MNT/good"
}

poison() {
	set_up "$2" raw
	three_guarded
	bad_file "$1" raw "$MNT/bad" "$OFFSET"
	recorded handled pmem0
	recorded_victims "${GUARDED[read]}" "${GUARDED[zero]}"
	scanned read pages=512 failed=1 "first=$OFFSET" told=1 "told_at=$OFFSET" replaced=0
	scanned zero zeroes=1 told=1 "told_at=$OFFSET" replaced=1 "replaced_at=$OFFSET" length=4096
	scanned spared failed=0 told=0 zeroes=0
	goes_on "$MNT"
	guarded_end
	umount "$MNT"
	kmsg_clean
}

removal_of_a_file_system() {
	set_up "$1" raw
	three_guarded
	site "$MNT"
	unbind_bounded "$DEV"
	recorded handled pmem0
	scanned read failed=512 first=0 told=1 told_at=0
	scanned zero zeroes=512 replaced=512 replaced_at=0 length=4096 told=1
	scanned spared failed=256 first=0 told=1
	sites_check_state
	guarded_end
	sites_umount
	kmsg_clean
}

removal_of_a_node() {
	local node driver=/sys/bus/dax/drivers/device_dax
	pmemfail_up
	node=$(ns_make_devdax 0)
	guarded zero zero "$node" $((4 << 20))
	guarded read read "$node" $((2 << 20))
	watched
	bounded 60 tee "$driver/unbind" <<<"${node##*/}" >/dev/null || die "the unbind hangs or fails"
	recorded handled "${node##*/}"
	scanned zero zeroes=1024 told=1 told_at=0 replaced=2 replaced_at=0 length=$((2 << 20))
	scanned read failed=512 first=0 told=1
	guarded_end
	kmsg_clean
	bounded 20 tee "$driver/bind" <<<"${node##*/}" >/dev/null || die "it cannot be bound again"
	ns_make_fsdax 0 >/dev/null
}

case_run() {
	case $1 in
	mce | latent) poison "$1" "$2" ;;
	removal) removal_of_a_file_system "$2" ;;
	devdax) removal_of_a_node ;;
	esac
}
