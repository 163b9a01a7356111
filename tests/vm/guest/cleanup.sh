# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# cleanup.sh: take down whatever a case left, so that the next one starts clean.
#
# Why: booting takes longer than most cases. What cannot be taken down within
# bounds is a finding: the case fails by it and the guest is given up. Sourced
# by tests/vm/guest/agent, which calls cleanup_all.

# Each step says on stdout what it could not do; silence is success. What
# commands say on stderr goes to the log of a case that failed.

# Processes of the case, known by their cgroup, whatever became of their parents.
cleanup_processes() {
	local pid
	[[ -e $CASE_CGROUP/cgroup.procs ]] || return 0
	echo 1 >"$CASE_CGROUP/cgroup.kill"
	try_for 5 cgroup_empty && return
	while read -r pid; do
		echo "process $pid ($(<"/proc/$pid/comm")) cannot be killed"
	done <"$CASE_CGROUP/cgroup.procs" 2>/dev/null
}

cgroup_empty() {
	[[ ! -s $CASE_CGROUP/cgroup.procs || -z $(<"$CASE_CGROUP/cgroup.procs") ]]
}

# Every case starts without daemon, module and state, with the configuration
# that was installed.
cleanup_pmemfail() {
	local dir
	if [[ -e /usr/lib/systemd/system/pmemfaild.service ]]; then
		bounded 25 systemctl stop pmemfaild.service || echo "pmemfaild does not stop"
		systemctl -q reset-failed 2>/dev/null || true
	fi
	# where memory failures wait for the next daemon
	for dir in /sys/kernel/{,debug/}tracing/instances/pmemfail; do
		[[ ! -d $dir ]] || rmdir "$dir" || echo "cannot remove $dir"
	done
	rm -rf /var/lib/pmemfail /run/pmemfail /etc/pmemfail
	[[ ! -e $INSTALLED_ETC ]] || cp -a "$INSTALLED_ETC" /etc/pmemfail
	if [[ -d /sys/module/pmemfail ]]; then
		bounded 10 rmmod pmemfail || echo "module pmemfail cannot be unloaded"
	fi
}

INSTALLED_ETC=/run/pmemfail-test.etc

keep_installed_etc() {
	[[ ! -e /etc/pmemfail ]] || cp -a /etc/pmemfail "$INSTALLED_ETC"
}

# Mount points on pmem, device-mapper, md or loop devices, newest first.
test_mounts() {
	local i where
	lines_of /proc/self/mountinfo ' - [^ ]+ /dev/(pmem|mapper/|dm-|md|loop)' || true
	for ((i = ${#LINES_OF[@]} - 1; i >= 0; i--)); do
		read -r _ _ _ _ where _ <<<"${LINES_OF[i]}"
		echo "$where"
	done
}

cleanup_mounts() {
	local dir
	# what a case put over the record
	while has_line /proc/self/mountinfo '^([^ ]+ ){4}/var/lib/pmemfail '; do
		bounded 5 umount /var/lib/pmemfail || break
	done
	for dir in $(test_mounts); do
		bounded 5 fsfreeze -u "$dir" 2>/dev/null || true
		bounded 20 umount "$dir" || echo "cannot unmount $dir"
	done
	try_for 3 no_superblock ||
		echo "superblock leaked: $(superblocks | paste -sd' ')"
}

# File systems the kernel still holds, mounted or not.
superblocks() {
	local fs
	for fs in /sys/fs/xfs/* /sys/fs/ext4/*; do
		case ${fs##*/} in
		'*' | stats | features | debug) ;;
		*) echo "$fs" ;;
		esac
	done
}

no_superblock() {
	[[ -z $(superblocks) ]]
}

cleanup_dm() {
	local name
	[[ -e /sys/block/dm-0 || -e /sys/block/dm-1 ]] || return 0
	for name in $(dmsetup ls 2>/dev/null | awk '/\(/ { print $1 }'); do
		bounded 10 dmsetup remove --retry "$name" || echo "cannot remove dm $name"
	done
}

cleanup_md() {
	[[ ! -e /proc/mdstat ]] || mdadm --stop --scan 2>/dev/null || true
}

# The devices the case unbound are bound again; injected badblocks go by that.
cleanup_nvdimm() {
	local file disk nd
	for file in /sys/block/pmem*/badblocks; do
		[[ -e $file && -n $(<"$file") ]] || continue
		disk=${file%/badblocks}
		nd=$(nd_of "${disk##*/}")
		echo "$nd" >"$RUN/nd-${disk##*/}"
		bounded 10 nd_unbind "$nd" || echo "cannot unbind $nd"
	done
	for file in "$RUN"/nd-*; do
		[[ -e $file ]] || continue
		disk=${file##*/nd-}
		nd=$(<"$file")
		[[ -e /sys/block/$disk ]] && continue
		bounded 10 nd_bind "$nd" && try_for 10 test -b "/dev/$disk" ||
			echo "cannot bind $nd again"
	done
	for file in "$ND"/devices/region*/badblocks; do
		[[ -e $file && -n $(<"$file") ]] && guest_spoiled "poison stays in $file"
	done
	return 0
}

# How much each disk had been written to when it was known to be empty.
declare -A EMPTY_AT

# writes_of DISK: its incarnation and the writes the block device saw in it.
# mkfs and partitioning are among them: no change means nothing to wipe.
writes_of() {
	local fields
	read -ra fields <"/sys/block/$1/stat"
	echo "$(<"/sys/block/$1/diskseq"):${fields[4]}"
}

# 6.1 counts a pmem disk's writes only when asked to.
disk_is_empty() {
	echo 1 >"/sys/block/$1/queue/iostats"
	EMPTY_AT[$1]=$(writes_of "$1")
}

# The guest is new, and so are its NVDIMMs.
disks_are_empty() {
	local disk
	for disk in /sys/block/pmem*; do
		[[ ! -e $disk ]] || disk_is_empty "${disk##*/}"
	done
}

# After a power cut they are not.
disks_are_used() {
	EMPTY_AT=()
}

# No partition table, no file system: the first and last MiB go.
cleanup_contents() {
	local dev disk size
	for dev in /dev/pmem*; do
		disk=${dev##*/}
		[[ -e /sys/block/$disk && $(writes_of "$disk") != "${EMPTY_AT[$disk]:-}" ]] || continue
		size=$(($(sectors_of "$dev") * 512))
		{
			dd status=none if=/dev/zero of="$dev" bs=1M count=1 conv=notrunc &&
				dd status=none if=/dev/zero of="$dev" bs=1M count=1 conv=notrunc \
					seek=$((size / 1048576 - 1))
		} || echo "cannot write to $dev"
		[[ ! -e /sys/block/$disk/${disk}p1 ]] || blockdev --rereadpt "$dev" ||
			echo "$dev still has partitions in use"
		disk_is_empty "$disk"
	done
}

cleanup_sysctl() {
	echo 0 >/proc/sys/vm/memory_failure_early_kill
}

cleanup_all() {
	local step
	for step in processes pmemfail mounts dm md nvdimm contents sysctl; do
		cleanup_"$step" || echo "cleanup_$step broke"
	done
}
