# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# storage.sh: namespaces, partitions, device-mapper, file systems, unbinding.
#
# Why: every case needs a DAX file system on some stack of devices, in a line
# or two. Sourced by lib.sh; what is made here the agent takes down again.

MNT=/mnt/test
ND=/sys/bus/nd

# ns_make_fsdax REGION [SIZE]: a file system DAX namespace with its page
# structures in RAM; one that exists is used. Prints the block device.
ns_make_fsdax() {
	ns_make "$1" fsdax "${2:-}"
	echo "/dev/pmem$1"
}

# ns_make_devdax REGION [SIZE]: prints the character device.
ns_make_devdax() {
	ns_make "$1" devdax "${2:-}"
	echo "/dev/dax$1.0"
}

# ns_make_raw REGION: a namespace without info block; the block device is
# bound as namespaceX.Y itself.
ns_make_raw() {
	ns_make "$1" raw ""
	echo "/dev/pmem$1"
}

# ns_set_aside: the block device on memory set aside by memmap=: no labels, no info
# block. Needs a guest with such memory (# append: memmap=...).
ns_set_aside() {
	local disk
	modprobe nd_e820
	udevadm settle
	for disk in /sys/block/pmem*; do
		[[ $(readlink -f "$disk") == *e820_pmem* ]] || continue
		echo "/dev/${disk##*/}"
		return
	done
	die "the guest has no memory set aside by memmap="
}

# The name a namespace has as a device node depends on its mode.
ns_node() {
	case $2 in
	devdax) echo "/dev/dax$1.0" ;;
	*) echo "/dev/pmem$1" ;;
	esac
}

ns_make() {
	local region=$1 mode=$2 size=$3 map=(--map=mem) options=()
	[[ ! $size && $(ns_mode "$region") == "$mode" ]] && return
	[[ $mode == raw ]] && map=()
	[[ $size ]] && options=(--size "$size")
	ndctl create-namespace -f -e "namespace$region.0" -m "$mode" \
		"${map[@]}" "${options[@]}" >/dev/null ||
		die "cannot make namespace$region.0 $mode"
	wait_for 10 "$(ns_node "$region" "$mode")" test -e "$(ns_node "$region" "$mode")"
}

# ns_mode REGION: what is bound there now, by what holds the namespace; empty
# when nothing is, or more than one.
ns_mode() {
	local bound
	bound=$(cd "$ND/devices/region$1" && compgen -G '[npd]*[0-9].*[0-9]/driver')
	case $bound in
	*$'\n'*) ;;
	pfn*) echo fsdax ;;
	dax*) echo devdax ;;
	namespace*) echo raw ;;
	esac
}

# nd_of DEV: the nd device behind a pmem block device, "pfn0.0", also after it
# was unbound by this case.
nd_of() {
	local disk=${1##*/} link
	if link=$(cd -P "/sys/block/$disk/device" 2>/dev/null && pwd); then
		echo "${link##*/}"
	elif [[ -s $RUN/nd-$disk ]]; then
		echo "$(<"$RUN/nd-$disk")"
	else
		die "no nd device known for $1"
	fi
}

nd_bind() {
	echo "$1" >"$ND/drivers/nd_pmem/bind"
}

nd_unbind() {
	echo "$1" >"$ND/drivers/nd_pmem/unbind"
}

# unbind DEV: as an admin would, by sysfs. Takes as long as the kernel takes.
unbind() {
	local nd
	nd=$(nd_of "$1")
	echo "$nd" >"$RUN/nd-${1##*/}"
	nd_unbind "$nd"
}

# rebind DEV: the block device is back when it returns.
rebind() {
	local nd
	nd=$(nd_of "$1")
	nd_bind "$nd"
	wait_for 10 "$1 after rebind" test -b "$1"
}

# sectors_of DEV: as blockdev --getsz says it
sectors_of() {
	local size=/sys/class/block/${1##*/}/size
	if [[ -e $size ]]; then
		echo "$(<"$size")"
	else
		blockdev --getsz "$1"
	fi
}

# part_make DEV [PERCENT]: one DAX-capable partition (2 MiB aligned), by
# default all of it, and a second with the rest. Prints the first.
part_make() {
	local dev=$1 percent=${2:-100} sectors first
	sectors=$(sectors_of "$dev")
	first=$(((sectors - 8192) * percent / 100 / 4096 * 4096))
	{
		echo "label: gpt"
		echo "start=4096, size=$first"
		((percent == 100)) || echo "start=$((4096 + first)), size=$(((sectors - 8192 - first) / 4096 * 4096))"
	} | sfdisk -q --wipe always "$dev" >/dev/null
	wait_for 10 "${dev}p1" test -b "${dev}p1"
	echo "${dev}p1"
}

# dm_linear NAME DEV...: the devices one after the other. Prints the mapper
# device.
dm_linear() {
	local name=$1 dev sectors at=0
	shift
	for dev; do
		sectors=$(($(sectors_of "$dev") / 4096 * 4096))
		echo "$at $sectors linear $dev 0"
		at=$((at + sectors))
	done | dmsetup create "$name"
	wait_for 10 "/dev/mapper/$name" test -b "/dev/mapper/$name"
	echo "/dev/mapper/$name"
}

# dm_striped NAME DEV DEV...: 2 MiB chunks over devices of the same size.
dm_striped() {
	local name=$1 dev sectors
	shift
	sectors=$(($(sectors_of "$1") / 4096 * 4096))
	{
		echo -n "0 $((sectors * $#)) striped $# 4096"
		for dev; do echo -n " $dev 0"; done
		echo
	} | dmsetup create "$name"
	wait_for 10 "/dev/mapper/$name" test -b "/dev/mapper/$name"
	echo "/dev/mapper/$name"
}

# stack_make raw|partition|dm|dm2|striped: the device a file system goes on.
# All start with region 0; dm2 and striped reach into region 1.
stack_make() {
	local dev
	dev=$(ns_make_fsdax 0)
	case $1 in
	raw) echo "$dev" ;;
	partition) part_make "$dev" ;;
	dm) dm_linear test "$dev" ;;
	dm2) dm_linear test "$dev" "$(ns_make_fsdax 1)" ;;
	striped) dm_striped test "$dev" "$(ns_make_fsdax 1)" ;;
	*) die "no stack '$1'" ;;
	esac
}

# mkfs_as KIND DEV: xfs (rmapbt, as removal and poison handling want it),
# xfs-plain (Debian 12's default but for DAX), xfs-reflink (with rmapbt), ext4,
# ext4-nojournal.
mkfs_as() {
	case $1 in
	xfs | xfs-rmapbt) mkfs.xfs -q -f -m rmapbt=1,reflink=0 -d su=2m,sw=1,agcount=2 "$2" ;;
	xfs-plain) mkfs.xfs -q -f -m rmapbt=0,reflink=0 -d su=2m,sw=1,agcount=2 "$2" ;;
	xfs-reflink) mkfs.xfs -q -f -m rmapbt=1,reflink=1 -d su=2m,sw=1,agcount=2 "$2" ;;
	ext4) mkfs.ext4 -q -F -b 4096 -E stride=512,stripe_width=512 "$2" ;;
	ext4-nojournal) mkfs.ext4 -q -F -b 4096 -O ^has_journal -E stride=512,stripe_width=512 "$2" ;;
	*) die "no file system kind '$1'" ;;
	esac
}

# mount_dax DEV [DIR]: dax=always, by default on $MNT. Fails the case when the
# kernel mounted it without DAX.
mount_dax() {
	local dev=$1 dir=${2:-$MNT}
	[[ -d $dir ]] || mkdir -p "$dir"
	mount -o dax=always "$dev" "$dir"
	# of those mounted there the last is the one that is seen
	lines_of /proc/self/mountinfo "^([^ ]+ ){4}$dir " || die "$dev is not mounted"
	[[ ${LINES_OF[-1]} =~ [\ ,]dax=always(,|$) ]] ||
		die "$dev is mounted without DAX"
}

# fs_make KIND STACK [DIR]: all of the above; prints the device.
fs_make() {
	local dev
	dev=$(stack_make "$2")
	mkfs_as "$1" "$dev"
	mount_dax "$dev" "${3:-$MNT}"
	echo "$dev"
}

# badblocks_add DEV SECTOR COUNT: latent poison, as a scrub would find it.
badblocks_add() {
	echo "$2 $3" >"/sys/block/${1##*/}/badblocks"
}

# spa_of DEV SECTOR: the system physical address, for host_hmp mce.
spa_of() {
	local base
	base=$(<"/sys/bus/nd/devices/$(nd_of "$1")/resource")
	printf '0x%x\n' $((base + $2 * 512))
}

# sector_of FILE OFFSET: the sector on the file system's device that holds that
# byte of the file.
sector_of() {
	filefrag -b512 -v "$1" | awk -v at=$(($2 / 512)) '
		$1 ~ /^[0-9]+:$/ {
			gsub(/[.:]/, " ")
			if (at >= $2 && at <= $3) { print $4 + at - $2; exit }
		}'
}
