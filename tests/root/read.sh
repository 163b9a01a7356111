#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Reading the machine, on XFS and ext4 on loop devices: mounts in every odd place,
# and processes that do not want to be read. Needs root and loop devices, no pmem.
# Prints "ok NAME" or "not ok NAME: why"; exit 77: cannot run here.
# shellcheck disable=SC2317 # cleanup is called by trap
set -u
cd "$(dirname "$0")/../.." || exit 1

if [ "$(id -u)" != 0 ]; then
	echo "skip read: needs root"
	exit 77
fi
work=$(mktemp -d /tmp/pmemfail-read.XXXXXX) || exit 1
loops=()

cleanup() {
	trap - EXIT
	for l in "${loops[@]}"; do
		losetup -d "$l" 2>/dev/null
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

libs="libndctl libdaxctl devmapper mount libudev uuid libtracefs libtraceevent"
flags="-std=gnu17 -D_GNU_SOURCE -g -O1 -UNDEBUG ${CFLAGS:-}"
# shellcheck disable=SC2086 # several names
flags="$flags -Ilib -Iinclude -Iinclude/uapi $(pkg-config --cflags $libs)"
mkdir "$work/o"
for c in lib/base/*.c lib/model/*.c lib/sys/*.c; do
	# shellcheck disable=SC2086
	${CC:-cc} $flags -c -o "$work/o/$(basename "$c" .c).o" "$c" 2>>"$work/build.log"
done
ar rcs "$work/all.a" "$work"/o/*.o
programs=(read-mounts read-log read-unmount read-procs read-unwilling)
for p in "${programs[@]}"; do
	# shellcheck disable=SC2046,SC2086
	${CC:-cc} $flags -o "$work/$p" "tests/root/$p.c" tests/root/read-tools.c \
		tests/unit/test.c "$work/all.a" $(pkg-config --libs $libs) -lpthread \
		2>>"$work/build.log" || {
		echo "not ok $p-build: $(grep -m1 -E 'error|undefined' "$work/build.log")"
		exit 1
	}
done

failed=0
for fs in xfs ext4; do
	truncate -s 320M "$work/$fs.img"
	mkfs.$fs -q "$work/$fs.img" >/dev/null 2>&1 ||
		{ echo "not ok read-setup: mkfs.$fs"; exit 1; }
	loop=$(losetup -f --show "$work/$fs.img") ||
		{ echo "skip read: no loop device"; exit 77; }
	loops+=("$loop")
	for p in "${programs[@]}"; do
		mkdir -p "$work/d"
		PMF_FSTYPE=$fs PMF_DEVICE=$loop PMF_DIR=$work/d timeout 300 "$work/$p" \
			>"$work/out" 2>&1 </dev/null
		status=$?
		sed -nE "s/^(not )?ok [0-9]+ - /\1ok $p $fs /p; s/^# /# /p" "$work/out"
		if [ $status != 0 ]; then
			failed=1
			grep -q '^not ok' "$work/out" ||
				echo "not ok $p $fs: exit $status"
		fi
	done
done
exit $failed
