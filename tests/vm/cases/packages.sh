# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# image: build
# timeout: 3600
# variants: built unbuilt
# named: it compiles the module twice in an emulated guest, which takes minutes
#
# packages HOW: the Debian packages on a clean Debian: apt installs them, DKMS builds the
# module for the running kernel, the service runs, and a removal ends well with just
# what they installed. They are upgraded, and purged without a trace.
#   built    all of it
#   unbuilt  all but what needs the module: DKMS is told to build none, as an
#            administrator can, which makes it a matter of a minute or two

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

PACKAGES=(pmemfail pmemfail-dkms libpmemfail-dev)

# apt_from ARCHIVE COMMAND...: with no other archive in the world.
apt_from() {
	local list=$RUN/$1.list
	mkdir -p "$RUN/apt/lists/partial" "$RUN/apt/archives/partial"
	echo "deb [trusted=yes] file:$TESTS/repository/$1 ./" >"$list"
	shift
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
		-o Dir::Etc::SourceList="$list" -o Dir::Etc::SourceParts=- \
		-o Dir::State::Lists="$RUN/apt/lists" -o Dir::Cache="$RUN/apt" -o APT::Sandbox::User=root "$@"
}

# The compiler's own words, when DKMS could not build.
why_not_built() {
	tail -n 40 /var/lib/dkms/pmemfail/*/build/make.log 2>/dev/null || true
	die "$*"
}

# Whatever in the system bears the name.
traces() {
	find /etc /var /run /usr /lib/modules/ -name '*pmemfail*' \
		-not -path '/usr/lib/pmemfail-tests*' -not -path '/run/pmemfail-test*' \
		-not -name '*pmemfail-agent*' -not -name '*pmemfail.ctl*' \
		-not -path '/var/log/*'
}

version_of() {
	dpkg-query -W -f '${Version}' pmemfail
}

# The module that modprobe takes is DKMS's, and there is one.
module_is_built() {
	local status release
	[[ $BUILT ]] || return 0
	release=$(uname -r)
	status=$(dkms status)
	say "dkms: $status"
	# quoted, for a backport's release has a "+"
	[[ $status =~ ^pmemfail/[0-9.]+,\ "$release",\ x86_64:\ installed$ ]] ||
		die "DKMS says '$status'"
	[[ $(modinfo -n pmemfail) =~ /"$release"/updates/dkms/pmemfail\.ko ]] ||
		die "the module's file is $(modinfo -n pmemfail)"
}

serves() {
	expect_eq "the service" "$(systemctl is-active pmemfaild.service)" active
	expect_eq "the service at boot" "$(systemctl is-enabled pmemfaild.service)" enabled
	expect_eq "the metrics" "$(systemctl is-enabled pmemfail-metrics.timer || true)" disabled
	[[ ! $BUILT ]] || watched
}

# Sixteen files at most; a short one is enough to see that all parts work together.
rescue() {
	local name=$1
	[[ $BUILT ]] || return 0
	mkfs_as xfs /dev/pmem0
	mount_dax /dev/pmem0
	file_make "$MNT/$name" 4
	victim "$name" reader "$MNT/$name"
	rm -f "$RUN/sums"
	keep "$MNT/$name"
	site "$MNT"
	watched
	removal /dev/pmem0
	recorded handled pmem0
	rebind /dev/pmem0
	sums_check /dev/pmem0
}

# example NAME ERE ARGUMENT...: it compiles against what -dev installed, and says so.
example() {
	local name=$1 flags out
	read -ra flags < <(sed -n 's/^Libs: .*\(-l.*\)/\1/p' /usr/lib/*/pkgconfig/libpmemfail.pc)
	gcc -Wall -Werror -o "$RUN/$name" \
		"$TESTS/examples/$name.c" "${flags[@]}"
	out=$("$RUN/$name" "${@:3}")
	grep -qE -- "$2" <<<"$out" || die "the example $name says '$out'"
}

case_run() {
	local first second start
	guest_spoiled "packages are installed in it"
	BUILT=1
	if [[ $1 == unbuilt ]]; then
		BUILT=
		touch /etc/dkms/no-autoinstall
	fi
	expect_eq "what bears the name before" "$(traces)" ""

	start=$(now_ms)
	apt_from first update
	apt_from first install "${PACKAGES[@]}" || why_not_built "apt cannot install"
	say "installed in $(($(now_ms) - start)) ms"
	first=$(version_of)
	module_is_built
	[[ ! $BUILT ]] || expect_ok test -d /sys/module/pmemfail
	serves
	rescue before
	# by a database that nobody but the packages made
	explained

	start=$(now_ms)
	apt_from second update
	apt_from second upgrade || why_not_built "apt cannot upgrade"
	say "upgraded in $(($(now_ms) - start)) ms"
	second=$(version_of)
	expect_eq "the version after the upgrade" "$second" "$first+1"
	module_is_built
	serves
	# the record is still there
	[[ ! $BUILT ]] || expect_match "the record" "$(pmemfailctl list --quiet)" '^[0-9]+$'
	rescue after

	[[ ! $BUILT ]] || example list '^1	pmem0	remove	handled$'
	[[ $BUILT ]] || example list '^$'
	example assess '^$' /dev/pmem0

	apt_from second purge 'pmemfail*' 'libpmemfail*'
	expect_eq "what is left" "$(traces)" ""
	systemctl daemon-reload
	expect_eq "the unit" "$(systemctl show -P LoadState pmemfaild.service)" not-found
	expect_fail test -d /sys/module/pmemfail
	expect_fail modinfo -n pmemfail
	kmsg_clean
}
