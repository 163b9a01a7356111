# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# product.sh: pmemfail in the guest: start it as an administrator would, and
# ask it what it recorded.
#
# Sourced by green.sh. With STOCK set nothing is started and nothing expected.

CONF=/etc/pmemfail/pmemfail.conf.d

# pmemfail_up [KEY=VALUE...]: module loaded, daemon running with these settings.
pmemfail_up() {
	[[ ${STOCK:-} ]] && return
	pmemfail_conf "$@"
	modprobe pmemfail || die "the module does not load"
	expect_ok systemctl start pmemfaild.service
}

pmemfail_conf() {
	mkdir -p "$CONF"
	printf '%s\n' '[pmemfail]' "$@" >"$CONF/test.conf"
}

# watched DEV...: the daemon would hear of their unbind.
watched() {
	local dev
	[[ ${STOCK:-} ]] && return
	wait_for 10 "watch of all devices" all_watched
}

all_watched() {
	pmemfailctl status --json 2>/dev/null |
		jq -e '.devices > 0 and .devices == .watched' >/dev/null
}

# newest [DEVICE-NAME]: the id of the newest failure.
newest() {
	pmemfailctl list --json | jq -r --arg d "${1:-}" '
		[.failures[] | select($d == "" or .device_name == $d)] | max_by(.id) | .id // empty'
}

failure_is() {
	local state
	FAILURE=$(newest "$2") && [[ $FAILURE ]] || return 1
	state=$(pmemfailctl show "$FAILURE" --json | jq -r .state)
	[[ $state == "$1" ]]
}

# recorded STATE DEVICE-NAME: so the failure ended. Sets FAILURE to its id and
# leaves its JSON in $RUN/failure.
recorded() {
	[[ ${STOCK:-} ]] && return
	if ! try_for 15 failure_is "$1" "$2"; then
		pmemfailctl list --json || true
		[[ ${FAILURE:-} ]] && { pmemfailctl show "$FAILURE" || true; }
		fault "no failure of $2 in state $1 is recorded"
		return 0
	fi
	pmemfailctl show "$FAILURE" --json >"$RUN/failure"
}

# recorded_victims PID...: exactly these are in $RUN/failure as told.
recorded_victims() {
	local got want
	[[ ${STOCK:-} ]] && return
	got=$(jq -r '[.sites[].victims[] | .pid] | unique | .[]' "$RUN/failure" | sort -n | paste -sd' ')
	want=$(printf '%s\n' "$@" | sort -n | paste -sd' ')
	[[ $got == "$want" ]] || fault "victims on record: $got; should be: $want"
}
