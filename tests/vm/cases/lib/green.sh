# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# green.sh: the story of a removal, and what "ended well" means, once for all
# cases: the unbind returns; every process is told once and can read nothing;
# the file system is shut down, not frozen; umount succeeds; the kernel says
# nothing; after a rebind it mounts and what was synced is there.
#
# Sourced by the cases:  source "$TESTS/cases/lib/green.sh"

# shellcheck source=tests/vm/cases/lib/victims.sh
source "$TESTS/cases/lib/victims.sh"
# shellcheck source=tests/vm/cases/lib/product.sh
source "$TESTS/cases/lib/product.sh"

UNBIND_SECONDS=60
# directories that are file systems on what will be removed -> descriptor
declare -gA SITE=()
# CLOCK_BOOTTIME ms when the last unbind had returned; how long it took
REMOVED_MS=0
UNBIND_MS=0

# site DIR: this file system is judged. Opened now: once shut down nobody can.
site() {
	local fd
	exec {fd}<"$1"
	SITE[$1]=$fd
}

# file_make PATH MIB: content that is on the media when it returns.
file_make() {
	dd if=/dev/urandom of="$1" bs=1M count="$2" conv=fsync status=none
}

# file_make_huge PATH MIB: the same in extents that 2 MiB pages can map: room for
# all of it is asked for at once, or the allocator does not align it.
file_make_huge() {
	fallocate -l "$2M" "$1"
	dd if=/dev/urandom of="$1" bs=1M count="$2" conv=notrunc,fsync status=none
}

# keep FILE...: what these hold now is synced and must be there afterwards.
keep() {
	sync "$@"
	sha256sum "$@" >>"$RUN/sums"
}

# hung WHAT: a fault, with what sleeps uninterruptibly in the kernel log
hung() {
	echo w >/proc/sysrq-trigger
	fault "$1"
}

# unbind_bounded DEV...: all at once, each within its time.
unbind_bounded() {
	local dev pids=() start
	for dev; do nd_remember "$dev"; done
	start=$(now_ms)
	for dev; do
		unbind "$dev" &
		pids+=("$!")
	done
	for dev in "${pids[@]}"; do
		if ! try_for "$UNBIND_SECONDS" gone "$dev"; then
			hung "the unbind does not return within $UNBIND_SECONDS s"
		elif ! wait "$dev"; then
			fault "the unbind failed"
		fi
	done
	# shellcheck disable=SC2034 # the cases say it
	UNBIND_MS=$(($(now_ms) - start))
	REMOVED_MS=$(now_boot)
}

# So that rebind knows it in this shell.
nd_remember() {
	local nd
	nd=$(nd_of "$1")
	echo "$nd" >"$RUN/nd-${1##*/}"
}

sites_check_state() {
	local dir state
	for dir in "${!SITE[@]}"; do
		state=$("$TESTS/fsstate" "${SITE[$dir]}" 2>&1) || true
		[[ $state == 'frozen=0 '* ]] || fault "$dir is still frozen ($state)"
		[[ $state =~ write=(EIO|EROFS|ESHUTDOWN|ENODEV)$ ]] ||
			fault "$dir is not shut down ($state)"
	done
}

# Our own descriptors would keep it busy.
sites_close() {
	local dir fd
	for dir in "${!SITE[@]}"; do
		fd=${SITE[$dir]}
		exec {fd}<&-
		unset "SITE[$dir]"
	done
}

# umount_check DIR [COMMAND...]: with the command in front, e.g. nsenter.
umount_check() {
	local dir=$1
	shift
	bounded 30 "$@" umount "$dir" || fault "umount of $dir fails or hangs"
}

# mountpoint(1) would stat it, which a file system that is shut down refuses.
is_mounted() {
	has_line /proc/self/mountinfo "^([^ ]+ ){4}$1 "
}

sites_umount() {
	local dir dirs=("${!SITE[@]}")
	sites_close
	for dir in "${dirs[@]}"; do
		! is_mounted "$dir" || umount_check "$dir"
	done
	try_for 5 no_superblocks || fault "a superblock is left: $(superblocks_left)"
}

superblocks_left() {
	local fs left=()
	for fs in /sys/fs/xfs/* /sys/fs/ext4/*; do
		case ${fs##*/} in
		'*' | stats | features | debug) ;;
		*) left+=("$fs") ;;
		esac
	done
	echo "${left[*]}"
}

no_superblocks() {
	[[ -z $(superblocks_left) ]]
}

kmsg_clean() {
	local bad
	bad=$(kmsg_check) || fault "kernel complaint: $(head -n 1 <<<"$bad")"
}

# However often cases ask for it.
journald_again() {
	systemctl reset-failed systemd-journald.service
	systemctl restart systemd-journald.service
}

# For what makes the kernel say something about each page: it stays in its buffer,
# where neither a slow console nor journald costs it time.
kmsg_unread() {
	local conf=/run/systemd/journald.conf.d/unread.conf

	dmesg -n 1
	mkdir -p "${conf%/*}"
	printf '[Journal]\nReadKMsg=no\n' >"$conf"
	# shellcheck disable=SC2064
	trap "rm -f $conf; journald_again" EXIT
	journald_again
}

# removal DEV...: from the unbind to the umount.
removal() {
	unbind_bounded "$@"
	removal_judge
}

removal_judge() {
	victims_check "$REMOVED_MS"
	sites_check_state
	kmsg_clean
	victims_end
	sites_umount
	kmsg_clean
}

# returned STACK DEV: the devices of stack_make are bound again, with all that
# stood on them.
returned() {
	local stack=$1 disk=/dev/pmem0
	case $stack in
	dm | dm2 | striped) dmsetup remove --retry test || fault "cannot remove the dm device" ;;
	esac
	rebind "$disk" || fault "$disk cannot be bound again"
	case $stack in
	partition) wait_for 10 "${disk}p1" test -b "${disk}p1" ;;
	dm) dm_linear test "$disk" >/dev/null ;;
	dm2) dm_linear test "$disk" /dev/pmem1 >/dev/null ;;
	striped) dm_striped test "$disk" /dev/pmem1 >/dev/null ;;
	esac
}

# All that was kept is as it was.
sums_verify() {
	local bad
	bad=$(sha256sum --quiet -c "$RUN/sums" 2>&1) ||
		fault "synced content is lost: ${bad%%$'\n'*}"
}

# sums_check DEV [DIR]: it mounts, holds what was kept, and unmounts.
sums_check() {
	local dev=$1 dir=${2:-$MNT}
	(mount_dax "$dev" "$dir") || { fault "$dev does not mount again"; return 0; }
	sums_verify
	umount "$dir" || fault "$dir cannot be unmounted after the return"
	kmsg_clean
}
