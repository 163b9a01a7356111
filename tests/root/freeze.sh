#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Freeze, guard and leftovers on XFS and ext4 on loop devices, locks and signals.
# Needs root and loop devices, no pmem. ONLY=TEST runs one. Prints "ok NAME" or
# "not ok NAME: why"; exit 77: cannot run here.
set -u
cd "$(dirname "$0")/../.." || exit 1

if [ "$(id -u)" != 0 ]; then
	echo "skip freeze: needs root"
	exit 77
fi
work=$(mktemp -d /tmp/pmemfail-freeze.XXXXXX) || exit 1
run=$work/run
loops=()

# shellcheck disable=SC2317	# called by the trap
# First ends all that the test has started, which is one process group: owners that
# live may keep a freeze. Guards go too, so the thaw is ours.
cleanup() {
	trap - EXIT
	[ -n "${main:-}" ] && kill -KILL -- "-$main" 2>/dev/null
	sleep 0.3
	for fs in xfs ext4; do
		for _ in 1 2 3; do
			fsfreeze --unfreeze "$work/$fs" 2>/dev/null || break
		done
		umount "$work/$fs" 2>/dev/null || umount -l "$work/$fs" 2>/dev/null
	done
	for l in "${loops[@]}"; do
		losetup -d "$l" 2>/dev/null
	done
	rm -rf "$work"
	[ "$(readlink /dev/pmemfail)" != /dev/null ] || rm /dev/pmemfail
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# Only what the test needs is linked: with an archive, a file of lib/sys that does
# not compile fails this test when it is needed, and its own tests in any case.
libs="libndctl libdaxctl devmapper mount libudev uuid libtracefs libtraceevent ext2fs libsystemd"
flags="-std=gnu17 -D_GNU_SOURCE -g -O1 ${CFLAGS:-} -Ilib -Iinclude -Iinclude/uapi"
# shellcheck disable=SC2086
flags="$flags $(pkg-config --cflags $libs)"
mkdir "$work/o"
for c in lib/base/*.c lib/model/*.c lib/sys/*.c \
	tests/root/{freeze-main,freeze-death,freeze-tools,sys-small}.c; do
	# shellcheck disable=SC2086
	${CC:-cc} $flags -c -o "$work/o/$(basename "$c" .c).o" "$c" 2>>"$work/build.log"
done
ar rcs "$work/all.a" "$work"/o/*.o
for program in freeze-main sys-small; do
	# shellcheck disable=SC2046,SC2086
	${CC:-cc} $flags -o "$work/$program" "$work/o/$program.o" "$work/all.a" \
		$(pkg-config --libs $libs) -lpthread 2>>"$work/build.log" || {
		echo "not ok freeze-build: $(grep -m1 -E 'error|undef' "$work/build.log")"
		exit 1
	}
done

mkdir -m 0755 "$run"
r=0
[ -n "${ONLY:-}" ] || "$work/sys-small" "$run" || r=1

args=()
for fs in xfs ext4; do
	mkdir "$work/$fs"
	truncate -s 320M "$work/$fs.img"
	mkfs.$fs -q "$work/$fs.img" >/dev/null 2>&1 || {
		echo "not ok freeze-setup: mkfs.$fs"
		exit 1
	}
	l=$(losetup -f --show "$work/$fs.img") || {
		echo "skip freeze: no loop device"
		exit 77
	}
	loops+=("$l")
	mount -t $fs "$l" "$work/$fs" || {
		echo "not ok freeze-setup: mount $fs"
		exit 1
	}
	args+=("${l##*/}" "$work/$fs" "$l" "$fs")
done

set -m	# a process group of its own
"$work/freeze-main" "$run" "${args[@]}" &
main=$!
wait "$main" || r=1
exit $r
