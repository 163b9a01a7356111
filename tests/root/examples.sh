#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# examples: each program of examples/ compiles against what is installed, alone, without
# a warning, and does what it says. As root, without pmem, with directories of pmemfail's
# own in a mount namespace, so that nothing of this machine is touched.

set -euo pipefail

[[ $EUID == 0 ]] || exit 77
[[ ${APART:-} ]] || APART=1 exec unshare -m "$0"

top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/${BUILD:-build}
[[ ${BUILD:-} != /* ]] || build=$BUILD
work=$(mktemp -d)
pids=() made=()
cleanup() {
	((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
	umount /var/lib/pmemfail /run/pmemfail 2>/dev/null || true
	((${#made[@]} == 0)) || rmdir "${made[@]}"
	rm -rf "$work"
}
trap cleanup EXIT
status=0

judge() {
	local name=$1
	shift
	if "$@" >"$work/log" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name: $(tail -n 1 "$work/log")"
		status=1
	fi
}

compiles() {
	local flags
	read -ra flags < <(pkg-config --cflags --libs libpmemfail)
	gcc -std=c17 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -o "$work/$1" \
		"$top/examples/$1.c" "${flags[@]}"
}

# ends STATUS PROGRAM...
ends() {
	local want=$1 got=0
	shift
	timeout 20 "$work/$1" "${@:2}" || got=$?
	[[ $got == "$want" ]] || { echo "$1 ends with $got, not $want"; return 1; }
}

# It waits for changes, and does not end by itself.
keeps_waiting() {
	"$work/monitor" >"$work/monitor.out" 2>&1 &
	pids+=("$!")
	sleep 1
	kill -0 "$!" && kill "$!" && [[ ! -s $work/monitor.out ]]
}

# Unless this machine has its pmemfaild: then it must refuse.
watches() {
	local pid
	"$work/daemon" >"$work/daemon.out" 2>&1 &
	pid=$!
	pids+=("$pid")
	for _ in {1..100}; do
		! grep -qx watching "$work/daemon.out" || break
		kill -0 "$pid" || { cat "$work/daemon.out"; return 1; }
		sleep 0.1
	done
	grep -qx watching "$work/daemon.out"
	# A second one refuses and says why.
	ends 1 daemon 2>"$work/second" || return
	grep -q 'pmemfaild already' "$work/second" || return
	kill "$pid"
	wait "$pid"
}

for dir in /var/lib/pmemfail /run/pmemfail; do
	[[ -d $dir ]] || { mkdir "$dir" && made+=("$dir"); }
	mount -t tmpfs -o mode=700 none "$dir"
done
DESTDIR=$work/root meson install -C "$build" --no-rebuild --quiet >/dev/null
PKG_CONFIG_SYSROOT_DIR=$work/root
PKG_CONFIG_PATH=$(dirname "$(find "$work/root" -name libpmemfail.pc)")
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH LD_LIBRARY_PATH
for source in "$top"/examples/*.c; do
	name=$(basename "$source" .c)
	judge "compiles-$name" compiles "$name"
done
judge list ends 0 list
judge monitor keeps_waiting
judge assess ends 4 assess pmem77
judge assess-usage ends 2 assess
judge daemon watches
exit "$status"
