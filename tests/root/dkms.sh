#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# dkms: what meson installs of the module builds by DKMS, for both kernels.
#
# Why: administrators get the module this way, on their own kernels. In trees of
# its own: nothing of this machine's DKMS is touched. Needs the kernels' headers,
# which scripts/setup installs.

set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
kernels=${PMEMFAIL_CACHE:-/var/cache/pmemfail}/kernels
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree" "$work/modules"

# built RELEASE: DKMS builds the module without a warning, for that kernel.
built() {
	local release=$1 log=$work/tree/pmemfail/$version/$1/x86_64/log/make.log
	local module=$work/tree/pmemfail/$version/$1/x86_64/module/pmemfail.ko
	dkms build "pmemfail/$version" -k "$release" --dkmstree "$work/tree" \
		--sourcetree "$work/root/usr/src" --installtree "$work/modules" \
		--kernelsourcedir "/usr/src/linux-headers-$release" \
		--no-depmod >"$work/log" 2>&1 || {
		tail -n 1 "$work/log"
		return 1
	}
	# "Skipping BTF generation" is said where no vmlinux is installed
	if grep -iq 'warning' "$log"; then
		echo "a warning: $(grep -i warning "$log" | head -n 1)"
		return 1
	fi
	[[ -e $module ]] || module=$module.xz
	modinfo -F vermagic "$module" | grep -q "^$release " || {
		echo "no module for $release came of it"
		return 1
	}
}

main() {
	local release why status=0
	"$top/scripts/build"
	DESTDIR=$work/root meson install -C "$top/build/debian" --no-rebuild --quiet
	version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/kernel/dkms.conf")
	dkms add "pmemfail/$version" --dkmstree "$work/tree" \
		--sourcetree "$work/root/usr/src" --installtree "$work/modules" \
		>"$work/log" 2>&1 || {
		echo "not ok add: $(tail -n 1 "$work/log")"
		exit 1
	}
	while read -r _ release; do
		if why=$(built "$release"); then
			echo "ok build-$release"
		else
			echo "not ok build-$release: $why"
			status=1
		fi
	done <"$kernels"
	exit "$status"
}

main
