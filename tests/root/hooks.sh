#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Hooks: refusals need a second owner of files, so this needs root, and nothing else.
# Prints "ok NAME" or "not ok NAME: why"; exit 77: cannot run here.
# shellcheck disable=SC2317 # cleanup is called by trap
set -u
cd "$(dirname "$0")/../.." || exit 1

if [ "$(id -u)" != 0 ]; then
	echo "skip hooks: needs root"
	exit 77
fi
work=$(mktemp -d /tmp/pmemfail-hooks.XXXXXX) || exit 1
cleanup() {
	rm -rf "$work"
}
trap cleanup EXIT

# shellcheck disable=SC2086 # several flags
${CC:-cc} -std=gnu17 -D_GNU_SOURCE -g -O1 -UNDEBUG ${CFLAGS:-} -Wall -Wextra \
	-Ilib -Iinclude -Iinclude/uapi -o "$work/hooks" tests/root/hooks.c tests/unit/test.c \
	lib/base/*.c lib/sys/{fork,hook,hook-list,clock,guard-main}.c \
	lib/sys/frozen.c lib/sys/lock.c lib/sys/signal.c lib/model/*.c -lpthread \
	2>"$work/build.log" || {
	echo "not ok hooks-build: $(grep -m1 -E 'error|undefined' "$work/build.log")"
	exit 1
}
timeout 120 "$work/hooks" >"$work/out" 2>&1 </dev/null
status=$?
sed -nE "s/^(not )?ok [0-9]+ - /\1ok /p; s/^# /# /p" "$work/out"
[ $status = 0 ] || grep -q '^not ok' "$work/out" || echo "not ok hooks: exit $status"
exit $status
