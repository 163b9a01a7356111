#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# unwilling: processes that make whoever asks what they have open wait for a FUSE server
# that never answers. Needs root and FUSE. Prints "ok NAME" or "not ok NAME: why"; exit
# 77: cannot run here.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "$(id -u)" != 0 ] || [ ! -c /dev/fuse ]; then
	echo "skip unwilling: needs root and FUSE"
	exit 77
fi
work=$(mktemp -d "/tmp/pmemfail-unwilling.XXXXXX") || exit 1
trap 'umount -l "$work/fuse" 2>/dev/null; umount "$work"; rmdir "$work"' EXIT
trap 'exit 1' INT TERM HUP
mount -t tmpfs unwilling "$work" || exit 77
# shellcheck disable=SC2086
${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O1 -UNDEBUG ${CFLAGS:-} -Ilib -Iinclude -Iinclude/uapi \
	-o "$work/unwilling" tests/root/unwilling.c lib/base/*.c lib/sys/parse-proc.c \
	lib/sys/{files-child,fork,maps-child,maps-reader,openfiles,mount-ids}.c \
	-lpthread 2>"$work/build.log" || {
	echo "not ok unwilling-build: $(grep -m1 -E 'error|undef' "$work/build.log")"
	exit 1
}
mkdir "$work/d"
"$work/unwilling" "$work/d"
status=$?
umount -l "$work/d/fuse" 2>/dev/null
exit "$status"
