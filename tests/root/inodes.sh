#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Inodes by their numbers, their paths, which files are open, and all files: what
# lib/sys says of XFS and ext4 on loop devices.
# Needs root and loop devices, no pmem. Prints "ok NAME" or "not ok NAME: why"; exit
# 77: cannot run here.
set -u
cd "$(dirname "$0")/../.." || exit 1
test=inodes
. tests/root/owners-tools.bash

# --- inodes ---

inodes() {	# NAME FSTYPE
	local name=$1 d=$work/$1 type=$2 n g pid bind=$work/bind
	mkdir -p "$bind" "$d/sub/dir"
	echo x >"$d/sub/dir/plain"
	echo x >"$d/x (deleted)"
	mkfifo "$d/fifo"
	mknod "$d/null" c 1 3
	ln -s f "$d/link"

	n=$(ino "$d/sub/dir/plain")
	g=$(ask open "$d" "$type" "$n" | cut -d' ' -f2)
	same "$name-open" "$(ask open "$d" "$type" "$n" "$g")" \
		"file $g open $d/sub/dir/plain"
	same "$name-open-stale" "$(ask open "$d" "$type" "$n" $((g + 1)))" "error ESTALE"
	same "$name-open-dir" "$(ask open "$d" "$type" "$(ino "$d/sub")" | cut -d' ' -f1,3-)" \
		"directory open $d/sub"
	same "$name-open-root" "$(ask open "$d" "$type" "$(ino "$d")" | cut -d' ' -f1,3-)" \
		"directory open $d"
	for f in fifo null link; do
		same "$name-open-$f" "$(ask open "$d" "$type" "$(ino "$d/$f")" |
			cut -d' ' -f1,3-)" "unknown handle $d/$f"
	done
	same "$name-open-nothing" "$(ask open "$d" "$type" 77777777777)" "error ENOENT"
	same "$name-named-deleted" "$(ask open "$d" "$type" "$(ino "$d/x (deleted)")" |
		cut -d' ' -f3-)" "open $d/x (deleted)"

	sleep 1000 3<"$d/x (deleted)" &
	pid=$!
	started+=("$pid")
	sleep 0.1
	n=$(ino "$d/x (deleted)")
	ln "$d/x (deleted)" "$d/second"
	rm "$d/x (deleted)"
	# Not deleted, though the kernel says so of the only name that it has cached.
	sync -f "$d"
	echo 2 >/proc/sys/vm/drop_caches
	same "$name-lost-link" "$(ask open "$d" "$type" "$n" | cut -d' ' -f3-)" "open ENOENT"
	rm "$d/second"
	same "$name-unlinked" "$(ask open "$d" "$type" "$n" | cut -d' ' -f1,3 )" "file open"
	sleep 1000 3<"$d/f" &
	started+=($!)
	kill "$pid"
	wait "$pid" 2>/dev/null
	sync -f "$d"
	fsfreeze -f "$d" && fsfreeze -u "$d"
	same "$name-gone" "$(ask open "$d" "$type" "$n")" "error ENOENT"

	echo x >"$d/last"
	sleep 1000 3<"$d/last" &
	started+=($!)
	sleep 0.1
	n=$(ino "$d/last")
	rm "$d/last"
	same "$name-last-name" "$(ask open "$d" "$type" "$n" | cut -d' ' -f3-)" "open $d/last"
	echo y >"$d/last"
	same "$name-name-of-another" "$(ask open "$d" "$type" "$n" | cut -d' ' -f3-)" \
		"open ENOENT"

	mount --bind "$d/sub" "$bind"
	same "$name-bind" "$(ask open "$bind" "$type" "$(ino "$d/sub/dir/plain")" |
		cut -d' ' -f3-)" "open $bind/dir/plain"
	same "$name-outside-bind" "$(ask open "$bind" "$type" "$(ino "$d/f")" |
		cut -d' ' -f3-)" "open ENOENT"
	umount "$bind"
}

# A dentry that nobody has looked up has no path, and "/" is not one.
uncached() {	# NAME FSTYPE WANTED
	local d=$work/$1 n
	mkdir -p "$d/sub/dir"
	echo x >"$d/sub/dir/plain"
	n=$(ino "$d/sub/dir/plain")
	umount "$d"
	mount -t "$2" -o loop "$work/$1.img" "$d"
	same "$1-uncached" "$(ask open "$d" "$2" "$n" | cut -d' ' -f1,3-)" "file open $3"
}

# Its owner may take his time to give it up; we do not.
leased() {	# NAME FSTYPE
	local d=$work/$1 begin=$SECONDS
	echo x >"$d/leased"
	python3 -c 'import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
time.sleep(1000)' "$d/leased" &
	started+=($!)
	sleep 0.5
	same "$1-leased" "$(ask open "$d" "$2" "$(ino "$d/leased")")" "error EAGAIN"
	same "$1-leased-soon" "$((SECONDS - begin < 10))" 1
	kill "$!"
	wait "$!" 2>/dev/null
}

# What the filesystem keeps in inodes of its own is metadata.
quota() {
	local d=$work/quota n
	mkdir "$d"
	truncate -s 320M "$work/quota.img"
	mkfs.xfs -q "$work/quota.img"
	if ! mount -t xfs -o loop,uquota "$work/quota.img" "$d" 2>/dev/null; then
		echo "# $test quota: this kernel does not know it"
		return
	fi
	umount "$d"
	n=$(xfs_db -r -c 'sb 0' -c 'p uquotino' "$work/quota.img")
	mount -t xfs -o loop,uquota "$work/quota.img" "$d"
	same quota-internal "$(ask open "$d" xfs "${n##* }")" "error EPERM"
}

# mkfs of Debian 12 cannot make them yet; the bit alone suffices on an empty XFS.
parents() {
	local d=$work/parents bits
	mkdir "$d"
	truncate -s 600M "$work/parents.img"
	mkfs.xfs -q -d agcount=2 -l size=120m "$work/parents.img"
	bits=$(xfs_db -r -c 'sb 0' -c 'p features_incompat' "$work/parents.img")
	xfs_db -x -c 'sb 0' -c "write -d features_incompat $((${bits##* } | 128))" \
		"$work/parents.img" >/dev/null 2>&1
	if ! mount -t xfs -o loop "$work/parents.img" "$d" 2>/dev/null; then
		echo "# $test parents: this kernel does not know parent pointers"
		return
	fi
	uncached parents xfs "$d/sub/dir/plain"
}

# --- what is in use, and everything ---

hold_open() {	# COMMAND...: in the background, with its own descriptors
	"$@" &
	started+=($!)
}

open_files() {	# NAME
	local d=$work/$1 other=$work/other wanted before i
	mkdir -p "$other"
	for i in 1 2 3 4 5 6; do
		echo x >"$d/open$i"
	done
	before=$(ask openfiles "$d")
	hold_open sleep 1000 3<"$d/open1"
	hold_open sleep 1000 3<"$d/open1"
	hold_open unshare -m sh -c "mount --bind '$d' '$other' && exec sleep 1000 3<'$other/open2'"
	# on a mount that no namespace has any more
	hold_open unshare -m sh -c "mount --bind '$d' '$other' && exec 3<'$other/open3' &&
		umount -l '$other' && exec sleep 1000"
	hold_open sh -c "exec sleep 1000 4<'$d/open4' 3<'$d/open5'"
	sleep 1
	wanted=$(for i in 1 2 3 4 5; do ino "$d/open$i"; done)
	rm "$d/open4"
	same "$1-open-files" "$(ask openfiles "$d" | grep -vxF "${before:-none}")" \
		"$(sort -n <<<"$wanted")"
	same "$1-open-sorted" "$(ask openfiles "$d")" "$(ask openfiles "$d" | sort -nu)"
	kill "${started[@]}" 2>/dev/null
	wait 2>/dev/null
	started=()
	same "$1-none-open" "$(ask openfiles "$d")" ""
}

walk() {	# NAME FSTYPE
	local d=$work/$1 got wanted
	ln "$d/f" "$d/second-link"
	mkdir "$d/covered"
	echo x >"$d/covered/below"
	sync -f "$d"
	wanted=$(find "$d" -xdev \( -type f -o -type d \) -printf '%i\n' | sort -nu)
	mount -t tmpfs none "$d/covered"
	got=$(ask walk "$d/d" "$2")
	umount "$d/covered"
	same "$1-walk" "$(grep '^[0-9]' <<<"$got" | cut -d' ' -f1 | sort -n)" "$wanted"
	same "$1-walk-progress" "$(grep -v '^[0-9]' <<<"$got" | sed -E 's/ ([0-9]+) of \1$//')" \
		"progress"
	same "$1-walk-stopped" "$(ask walk "$d" "$2" 7 | tail -1)" "stopped 42"
}

setup rmap xfs -m rmapbt=1,reflink=1
setup journal ext4
setup plain xfs -m rmapbt=0
setup nojournal ext4 -O ^has_journal
for name in rmap:xfs journal:ext4; do
	make_files "$work/${name%:*}"
	inodes "${name%:*}" "${name#*:}"
	leased "${name%:*}" "${name#*:}"
	open_files "${name%:*}"
	walk "${name%:*}" "${name#*:}"
done
uncached plain xfs ENOENT
uncached nojournal ext4 ENOENT
parents
quota
exit $failed
