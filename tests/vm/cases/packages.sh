# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# image: build
# timeout: 3600
# variants: built unbuilt
# named: it compiles the module in an emulated guest, which takes minutes
#
# packages HOW: an administrator's way through the README's section Install, on a clean
# Debian: apt installs the packages, DKMS builds the module for the running kernel, the
# service runs, and a removal ends well with just what they installed. They are upgraded,
# removed, installed again, and purged while a device is being removed; in the end what
# is left is what the administrator put there. Then it is all done without packages.
#   built    all of it
#   unbuilt  all but what needs the module: DKMS is told to build none, as an
#            administrator can, which makes it a matter of a minute or two

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"
# shellcheck source=tests/vm/cases/lib/readme.sh
source "$TESTS/cases/lib/readme.sh"

# Debian's kernel headers ask for it. DKMS builds the same sources again and again here:
# each time as ever, but for gcc, which is run once for each file.
export DEBIAN_KERNEL_USE_CCACHE=1 CCACHE_DIR=$RUN/ccache

# the administrator's own
DROP_IN=/etc/pmemfail/pmemfail.conf.d/mine.conf
SETTING='#KeepDays=366'

# timed WHAT COMMAND...
timed() {
	local what=$1 start
	start=$(now_ms)
	shift
	"$@"
	say "$what: $(($(now_ms) - start)) ms"
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
		-not -path '/var/log/*' | sort
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

module_is_loaded() {
	[[ ! $BUILT || -d /sys/module/pmemfail ]] || die "the module is not loaded"
}

serves() {
	expect_eq "the service" "$(systemctl is-active pmemfaild.service)" active
	expect_eq "the service at boot" "$(systemctl is-enabled pmemfaild.service)" enabled
	module_is_loaded
	[[ ! $BUILT ]] || watched
}

metrics_are() {
	expect_eq "the metrics" "$(systemctl is-active pmemfail-metrics.timer || true)" "$1"
}

# Of this boot and this case, in systemd's own words.
starts_of_service() {
	journal_since UNIT=pmemfaild.service MESSAGE_ID=39f53479d3a045ac8e11786248231fbf -o cat |
		wc -l
}

# Sixteen files at most; a short one is enough to see that all parts work together.
# What is mapped is on $MNT/NAME.
in_use() {
	mkfs_as xfs /dev/pmem0
	mount_dax /dev/pmem0
	file_make "$MNT/$1" 4
	victim "$1" reader "$MNT/$1"
	rm -f "$RUN/sums"
	keep "$MNT/$1"
	site "$MNT"
	[[ ! $BUILT ]] || watched
}

rescue() {
	[[ $BUILT ]] || return 0
	in_use "$1"
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

# Record, settings and what the administrator changed.
all_is_kept() {
	[[ ! $BUILT ]] || expect_match "the record" "$(pmemfailctl list --quiet)" '^[0-9]+'
	expect_ok has_line /etc/pmemfail/pmemfail.conf "^$SETTING\$"
	expect_ok test -s "$DROP_IN"
}

install_packages() {
	local line
	readme_commands 1 3
	for line in "${COMMANDS[@]}"; do
		as_printed "$line" || why_not_built "'$line' fails"
	done
	module_is_built
	serves
}

# The service is started anew, once; the metrics, which are off by default, stay on.
upgrade_packages() {
	local version starts
	version=$(version_of)
	readme_commands 2 2
	starts=$(starts_of_service)
	sources_are second
	as_printed "${COMMANDS[0]}" || why_not_built "the upgrade fails"
	expect_eq "the version after the upgrade" "$(version_of)" "$version+1"
	expect_eq "the service's starts" "$(starts_of_service)" "$((starts + 1))"
	module_is_built
	serves
	metrics_are active
	all_is_kept
}

# In the order that is worse: the module goes while pmemfaild has it in use.
remove_packages() {
	APT_CONFIG=$RUN/apt.conf apt-get -q remove pmemfail-dkms
	expect_eq "what DKMS has" "$(dkms status)" ""
	serves
	# a boot asks for no module that is not there
	expect_ok systemctl restart systemd-modules-load.service
	APT_CONFIG=$RUN/apt.conf apt-get -q remove pmemfail
	expect_fail test -d /sys/module/pmemfail
	expect_eq "the unit" "$(systemctl show -P LoadState pmemfaild.service)" not-found
	metrics_are inactive
	expect_ok test -s /var/lib/pmemfail/failures.db
	expect_ok has_line /etc/pmemfail/pmemfail.conf "^$SETTING\$"
}

# It must have had no reason to go on before.
unbind_until_stop() {
	unbind /dev/pmem0 && ! systemctl -q is-active pmemfaild.service
}

unbind_waits() {
	has_line "/proc/$1/stack" pmemfail_hold_wait
}

# While an unbind waits for pmemfaild, which waits for a program, until it is told to
# stop: it finishes that, and nothing of it is left undone.
purge_while_removing() {
	local unbind
	in_use last
	# shellcheck disable=SC2016 # its own shell's
	background pmemfailctl inhibit pmem0 sh -c '
		while [ "$(systemctl is-active pmemfaild.service)" = active ]; do sleep 0.2; done'
	wait_for 10 "inhibitor" has_inhibitor
	nd_remember /dev/pmem0
	unbind_until_stop &
	unbind=$!
	wait_for 10 "hold" unbind_waits "$unbind"
	purge
	try_for "$UNBIND_SECONDS" gone "$unbind" || hung "the unbind does not return"
	wait "$unbind" || fault "the unbind failed, or did not wait"
	REMOVED_MS=$(now_boot)
	removal_judge
	rebind /dev/pmem0
	sums_check /dev/pmem0
}

has_inhibitor() {
	busctl call org.pmemfail1 /org/pmemfail1 org.pmemfail1.Manager ListInhibitors |
		grep -q '^a(ssssuu) 1'
}

purge() {
	readme_commands 2 2
	as_printed "${COMMANDS[1]}"
}

# All that was installed is gone, and nothing that was not.
nothing_is_left() {
	expect_eq "what is left" "$(traces)" $'/etc/pmemfail\n/etc/pmemfail/pmemfail.conf.d'
	expect_eq "whose it is" "$(find /etc/pmemfail -type f)" "$DROP_IN"
	expect_eq "the unit" "$(systemctl show -P LoadState pmemfaild.service)" not-found
	metrics_are inactive
	expect_fail test -d /sys/module/pmemfail
	expect_fail modinfo -n pmemfail
}

# What meson would compile is there already; DKMS builds the module.
without_packages() {
	local line
	readme_commands 3 5
	for line in "${COMMANDS[@]}"; do
		as_printed "$line" || why_not_built "'$line' fails"
	done
	module_is_built
	serves
}

case_run() {
	guest_spoiled "packages are installed in it"
	BUILT=1
	if [[ $1 == unbuilt ]]; then
		BUILT=
		touch /etc/dkms/no-autoinstall
	fi
	readme_begin
	expect_eq "what bears the name before" "$(traces)" ""

	sources_are first
	timed "installed" install_packages
	expect_eq "the metrics at boot" \
		"$(systemctl is-enabled pmemfail-metrics.timer || true)" disabled
	rescue before
	# by a database that nobody but the packages made
	explained

	echo "$SETTING" >>/etc/pmemfail/pmemfail.conf
	printf '%s\n' '[pmemfail]' HoldTimeoutSec=4min InhibitDelayMaxSec=2min >"$DROP_IN"
	expect_ok systemctl enable --now pmemfail-metrics.timer
	timed "upgraded" upgrade_packages
	rescue after

	[[ ! $BUILT ]] || example list '^1	pmem0	remove	handled$'
	[[ $BUILT ]] || example list '^$'
	example assess '^$' /dev/pmem0

	timed "removed" remove_packages
	timed "installed again" install_packages
	all_is_kept
	if [[ $BUILT ]]; then
		timed "purged while a device is removed" purge_while_removing
	else
		timed "purged" purge
	fi
	nothing_is_left

	if [[ $BUILT ]]; then
		rm -r /etc/pmemfail
		timed "installed without packages" without_packages
		rescue bare
	fi
	kmsg_clean
}
