# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# product.sh: pmemfail in the guest: start it as an administrator would, and
# ask it what it recorded.
#
# Sourced by green.sh. With STOCK set nothing is started and nothing expected.

CONF=/etc/pmemfail/pmemfail.conf.d

# pmemfail_up: module loaded, daemon running.
pmemfail_up() {
	[[ ! ${STOCK:-} ]] || return 0
	modprobe pmemfail || die "the module does not load"
	expect_ok systemctl start pmemfaild.service
}

# As on a machine that does not have it.
pmemfail_down() {
	! systemctl -q is-active pmemfaild.service || systemctl stop pmemfaild.service
	[[ ! -d /sys/module/pmemfail ]] || rmmod pmemfail
}

# pmemfail_up_with KEY=VALUE...: the same with these settings.
pmemfail_up_with() {
	pmemfail_conf "$@"
	pmemfail_up
}

pmemfail_conf() {
	mkdir -p "$CONF"
	printf '%s\n' '[pmemfail]' "$@" >"$CONF/test.conf"
}

# Waits until the daemon would hear of the unbind of every device.
watched() {
	[[ ! ${STOCK:-} ]] || return 0
	wait_for 10 "watch of all devices" all_watched
}

# The daemon's own word for it, in the state it tells systemd.
all_watched() {
	local status dev there=0
	status=$(systemctl show -P StatusText pmemfaild.service)
	for dev in /dev/pmem? /dev/dax*.*; do
		[[ ! -e $dev ]] || ((++there))
	done
	[[ $status =~ ^([0-9]+)\ of\ ([0-9]+)\  ]] || return 1
	((BASH_REMATCH[1] == there && BASH_REMATCH[2] == there))
}

# newest [DEVICE-NAME]: the id of the newest failure.
newest() {
	pmemfailctl list --json | jq -r --arg d "${1:-}" '
		[.failures[] | select($d == "" or .device_name == $d)] | max_by(.id) | .id // empty'
}

# Its JSON is in $RUN/failure then, one member a line.
failure_is() {
	FAILURE=$(newest "$2") && [[ $FAILURE ]] || return 1
	pmemfailctl show "$FAILURE" --json | jq .failure >"$RUN/failure"
	has_line "$RUN/failure" "^  \"state\": \"$1\",?\$"
}

# recorded STATE DEVICE-NAME: so the failure ended. Sets FAILURE to its id and
# leaves its JSON in $RUN/failure.
recorded() {
	[[ ! ${STOCK:-} ]] || return 0
	if ! try_for 15 failure_is "$1" "$2"; then
		pmemfailctl list --json || true
		[[ ${FAILURE:-} ]] && { pmemfailctl show "$FAILURE" || true; }
		fault "no failure of $2 in state $1 is recorded"
	fi
}

# recorded_victims PID...: exactly these are in $RUN/failure as told.
recorded_victims() {
	local both got want
	[[ ! ${STOCK:-} ]] || return 0
	both=$(jq -r --argjson want "[$(IFS=,; echo "$*")]" '
		([.cases[].victims[].pid] | unique), ($want | sort) |
		map(tostring) | join(" ")' "$RUN/failure")
	got=${both%%$'\n'*} want=${both#*$'\n'}
	[[ $got == "$want" ]] || fault "victims on record: $got; should be: $want"
}

# explained: journalctl -x tells of each message of the daemon what it means, and shows
# the name of no field instead of its value. The catalog's database is what installing
# a package makes anew.
explained() {
	local ids said
	ids=$(journal_since _COMM=pmemfaild -o json | jq -r '.MESSAGE_ID // empty' | wc -l)
	journal_since _COMM=pmemfaild -x >"$RUN/explained"
	said=$(grep -cE '^(░░|--) Subject: ' "$RUN/explained") || true
	((ids > 0)) || fault "no message of pmemfaild has an id"
	[[ $said == "$ids" ]] || fault "journalctl -x explains $said of $ids messages"
	! grep -E '^(░░|--) .*PMEMFAIL_' "$RUN/explained" || fault "journalctl -x names fields"
}
