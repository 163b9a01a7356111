# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# kernels: 6.12
#
# tool: pmemfailctl refuses what it must with the exit code that is documented
# and a message that names the thing, and never crashes; a malformed setting
# stops the daemon and what acts, and is named with its line.

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

# refuses STATUS ERE ARGUMENT...
refuses() {
	local status=0 want=$1 pattern=$2
	shift 2
	pmemfailctl "$@" >"$RUN/answer" 2>"$RUN/error" </dev/null || status=$?
	[[ $status == "$want" ]] ||
		die "pmemfailctl $* ends with $status, not $want: $(<"$RUN/error")"
	has_line "$RUN/error" "$pattern" ||
		die "pmemfailctl $* says '$(<"$RUN/error")', which does not match '$pattern'"
	count_lines "$RUN/error" ''
	((COUNT <= 3)) || die "pmemfailctl $*: more than three lines"
}

wrong_names() {
	local verb
	for verb in assess "prepare-remove --yes"; do
		# shellcheck disable=SC2086 # the verb and its option
		{
			refuses 4 "no pmem device .*'pmem77'" $verb pmem77
			refuses 4 "'/dev/vda'" $verb /dev/vda
			refuses 4 "'/dev/null'" $verb /dev/null
			refuses 4 "'/etc/passwd'" $verb /etc/passwd
			refuses 4 "''" $verb ''
			refuses 4 "\.\./" $verb ../../dev/pmem77
			refuses 4 'x1b|\\033|\\e' $verb $'\e[2J'
			refuses 4 "aaaa" $verb "$(printf 'a%.0s' {1..5000})"
		}
	done
	refuses 2 "'0x1' is no failure's id" show 0x1
	refuses 2 "id" show -- -1
	refuses 2 "id" show 99999999999999999999999
	refuses 4 "no failure has the id 4711" show 4711
}

wrong_usage() {
	refuses 2 "no verb 'dance'" dance
	refuses 2 "needs its argument" assess
	refuses 2 "takes no argument" status now
	refuses 2 "no option" list --sideways
	refuses 2 "'done' is no state" list --state=done
	refuses 2 "--yes" prepare-remove pmem0
	refuses 2 "LENGTH '0' is an empty range" report pmem0 0 0
	refuses 2 "OFFSET '1.5G' is no number of bytes" report pmem0 1.5G 4K
	refuses 2 "beyond the end of 'pmem0'" report pmem0 1P 4K
	refuses 2 "beyond the end of 'pmem0'" report pmem0 0 1P
	refuses 2 "beyond the end of 'pmem0'" assess pmem0 1P 4K
	refuses 4 "no pmem device in use has the physical address 0x1000" report --spa 0x1000 4K
	# None of that left a trace.
	expect_eq "failures" "$(pmemfailctl list --quiet | wc -l)" 0
}

no_root() {
	local verb nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	for verb in "assess pmem0" "prepare-remove --yes pmem0" "report pmem0 0 4K" replay \
		doctor thaw "list --direct"; do
		# shellcheck disable=SC2086
		expect_status 3 "${nobody[@]}" pmemfailctl $verb 2>"$RUN/error"
		has_line "$RUN/error" root || die "$verb without root says '$(<"$RUN/error")'"
	done
	# Reading is for everybody, as long as there is a daemon to ask.
	for verb in status devices list; do
		expect_status 0 "${nobody[@]}" pmemfailctl "$verb" >/dev/null
	done
	expect_status 4 "${nobody[@]}" pmemfailctl show 1 2>/dev/null
	expect_status 0 "${nobody[@]}" pmemfailctl --help >/dev/null
}

bad_config() {
	local line
	systemctl stop pmemfaild.service
	for line in 'HoldTimeoutSec=never' 'HoldTimeout=30' 'Freeze=perhaps' 'StateDirectory=relative' \
		'[other]' 'nonsense'; do
		pmemfail_conf "Freeze=yes" "$line"
		refuses 1 "test\.conf(:[0-9]+)?: " prepare-remove --yes pmem0
		# what only looks goes on, and says so
		expect_status 0 pmemfailctl status >/dev/null 2>"$RUN/error"
		has_line "$RUN/error" "test\.conf(:[0-9]+)?: " ||
			die "status with '$line' says '$(<"$RUN/error")'"
		expect_fail systemctl start pmemfaild.service
		journal_since -u pmemfaild -o cat | grep 'test\.conf' >/dev/null ||
			die "the daemon does not name the file with '$line'"
		systemctl reset-failed pmemfaild.service
	done
	rm -r "$CONF"
	expect_ok systemctl start pmemfaild.service
}

case_run() {
	ns_make_fsdax 0 >/dev/null
	pmemfail_up
	watched
	wrong_names
	wrong_usage
	no_root
	expect_status 0 pmemfailctl thaw
	[[ $(pmemfailctl thaw --json | jq .thawed) == 0 ]] || die "something was thawed"
	expect_eq "schema" "$(pmemfailctl devices --json | jq .schema)" 1
	expect_eq "mode of pmem0" \
		"$(pmemfailctl devices --json | jq -r '.devices[] | select(.name == "pmem0").mode')" fsdax
	bad_config
	kmsg_clean
}
