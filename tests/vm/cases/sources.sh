# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# cpu: Skylake-Server-v4
# variants: watch@6.12 lists@6.1 sandbox
#
# sources WHAT: what is known of poison, and how soon
#   watch   a write into a list and a machine check wake who watches, nothing else does;
#           the trace event says which page, also when nobody was there for it
#   lists   the lists of the disk and of the region, and marking
#   sandbox the same calls under the restrictions of pmemfaild.service

PROBE=$TESTS/sources-probe
TRACE=/sys/kernel/tracing/instances/pmemfail

# lines ERE: how many of what the watcher has said so far
lines() {
	grep -cE "$1" "$RUN/watch" || true
}

more_than() {
	(($(lines "$2") > $1))
}

watch_up() {
	background "$PROBE" watch pmem0 region0 >"$RUN/watch"
	WATCHER=$BG_PID
	wait_for 20 "the watcher" has_line "$RUN/watch" '^(ready|[a-z]+ E)'
	has_line "$RUN/watch" '^ready' || die "the watcher cannot: $(tail -n 1 "$RUN/watch")"
}

# mce SECTOR: of pmem0
mce() {
	host_hmp mce -b 0 9 0xbd000000000000c0 0x5 "$(spa_of /dev/pmem0 "$1")" 0x8c
}

case_watch() {
	local before
	# mounted once, so that it is not the watcher which does
	[[ -d /sys/kernel/tracing/instances ]] || mount -t tracefs nodev /sys/kernel/tracing
	watch_up
	expect_ok test -d "$TRACE"
	expect_eq "the event" "$(cat "$TRACE/events/ras/memory_failure_event/enable")" 1
	sleep 10
	expect_eq "wakeups of an idle time" "$(lines '^wake')" 0

	badblocks_add /dev/pmem0 16384 8
	wait_for 5 "wakeup by a write" more_than 0 '^wake badblocks$'
	sleep 1
	before=$(lines '^wake badblocks$')
	((before <= 2)) || die "one write woke it $before times"
	expect_eq "pages" "$(lines '^page')" 0

	# what is marked already is not written again
	expect_eq "mark" "$("$PROBE" mark pmem0 8388608 8392704)" "mark OK"
	sleep 1
	expect_eq "wakeups by nothing new" "$(lines '^wake badblocks$')" "$before"

	mce 8192
	wait_for 10 "wakeup by a machine check" more_than "$before" '^wake badblocks$'
	wait_for 10 "page" more_than 0 '^page'
	expect_eq "the page" "$(grep '^page' "$RUN/watch")" "page $(spa_of /dev/pmem0 8192)"
	sleep 1
	before=$(lines '^wake')
	sleep 3
	expect_eq "wakeups afterwards" "$(lines '^wake')" "$before"
	expect_eq "wakeups for nothing" "$(lines 'for nothing')" 0

	# What happens while nobody is there waits in the buffer for the next one, and what
	# the last one has not said to be on record is told once more.
	kill -KILL "$WATCHER"
	wait_for 10 "its end" gone "$WATCHER"
	expect_ok test -d "$TRACE"
	mce 32768
	wait_for 10 "badblock" has_line /sys/block/pmem0/badblocks '^32768 8'
	watch_up
	wait_for 10 "pages" more_than 1 '^page'
	expect_eq "the pages" "$(grep '^page' "$RUN/watch")" \
		"$(printf 'page %s\n' "$(spa_of /dev/pmem0 8192)" "$(spa_of /dev/pmem0 32768)")"

	# So it does when the last one ended as it was told to.
	kill -TERM "$WATCHER"
	wait_for 10 "its end" gone "$WATCHER"
	expect_ok has_line "$RUN/watch" '^closed'
	mce 65536
	wait_for 10 "badblock" has_line /sys/block/pmem0/badblocks '^65536 8'
	watch_up
	wait_for 10 "the page" has_line "$RUN/watch" "^page $(spa_of /dev/pmem0 65536)\$"
	kill -TERM "$WATCHER"
	wait_for 10 "its end" gone "$WATCHER"
	expect_ok rmdir "$TRACE"
}

# list [ARGUMENT...]: its lines of bad ranges
list() {
	"$PROBE" list "$@" >"$RUN/list" || die "list: $(tail -n 1 "$RUN/list")"
	sed -n 's/^bad //p' "$RUN/list" | paste -sd' '
}

field() {
	grep -o " $1=[^ ]*" "$RUN/list" | cut -d= -f2
}

read_at() {
	dd if=/dev/pmem0 of=/dev/null bs=4096 count=1 iflag=direct skip=$(($1 / 4096)) \
		2>"$RUN/dd"
}

case_lists() {
	local binding
	ns_make_fsdax 1 >/dev/null
	expect_eq "bad at first" "$(list pmem0)" ""
	expect_eq "spa" "$(field spa)" "$(spa_of /dev/pmem0 0)"
	expect_eq "region" "$(field region)" "$(<"$ND/devices/region0/resource")"
	expect_match "namespace" "$(field ns)" "^$(<"$ND/devices/namespace0.0/resource")-"
	binding=$(field binding)
	expect_eq "binding" "$binding" \
		"$(</proc/sys/kernel/random/boot_id)/$(<"/sys/block/pmem0/diskseq")"

	badblocks_add /dev/pmem0 16384 8
	expect_eq "bad of the disk" "$(list pmem0)" "8388608-8392704"
	mce 8192
	wait_for 10 "badblock" has_line "$ND/devices/region0/badblocks" '^[0-9]+ 8'
	expect_eq "bad of both" "$(list pmem0)" "4194304-4198400 8388608-8392704"
	expect_eq "bad of the region" "$(list pmem0 pmem1)" "4194304-4198400"

	expect_ok read_at 67108864
	expect_eq "mark" "$("$PROBE" mark pmem0 67108865 67108866)" "mark OK"
	expect_fail read_at 67108864
	expect_ok grep -q "Input/output error" "$RUN/dd"
	expect_ok read_at 67112960
	expect_ok has_line /sys/block/pmem0/badblocks '^131072 1$'
	expect_eq "mark again" "$("$PROBE" mark pmem0 67108865 67108866)" "mark OK"
	# overlaps what is there, and needs several entries
	expect_eq "mark a MiB" "$("$PROBE" mark pmem0 66584576 67633152)" "mark OK"
	expect_match "bad with it" "$(list pmem0)" " 66584576-67633152\$"
	expect_eq "mark outside" "$("$PROBE" mark pmem0 0 0xffffffffff || true)" "mark EINVAL"

	# until there is no room: told, and the list says that it may not be all
	"$PROBE" fill pmem1 >"$RUN/fill" || true
	cat "$RUN/fill"
	expect_eq "a full list" "$(tail -n 1 "$RUN/fill")" "fill ENOSPC"
	expect_eq "entries that fit" "$(sed -n 's/^filled //p' "$RUN/fill")" 512
	list pmem1 >/dev/null
	expect_ok grep -qx "full 1" "$RUN/list"
	expect_ok "$PROBE" mark pmem1 0 512

	# the disk's own list begins anew with a binding, the region's does not
	unbind /dev/pmem0
	rebind /dev/pmem0
	expect_eq "bad after a rebind" "$(list pmem0)" "4194304-4198400"
	[[ $(field binding) != "$binding" ]] || die "the binding is the same"
}

# sandboxed WORD...: options of systemd-run and what to run, restricted as the service is
sandboxed() {
	local line properties=()
	while read -r line; do
		properties+=(-p "$line")
	done < <(sed -n '/^CapabilityBoundingSet=/,/^SystemCallErrorNumber=/p' \
		/usr/lib/systemd/system/pmemfaild.service | grep -v '^#')
	((${#properties[@]} > 20)) || die "no restrictions found"
	systemd-run --quiet --collect "${properties[@]}" "$@"
}

case_sandbox() {
	expect_eq "mark" "$(sandboxed --pipe --wait "$PROBE" mark pmem0 8388608 8392704)" "mark OK"
	expect_eq "bad" "$(list pmem0)" "8388608-8392704"
	sandboxed --unit=probe -p StandardOutput="file:$RUN/watch" -p StandardError=inherit \
		"$PROBE" watch pmem0 region0
	wait_for 20 "the watcher" has_line "$RUN/watch" '^(ready|[a-z]+ E)'
	expect_eq "the last it said" "$(tail -n 1 "$RUN/watch")" ready
	mce 8192
	wait_for 10 "page" has_line "$RUN/watch" "^page $(spa_of /dev/pmem0 8192)\$"
	wait_for 10 "wakeup" has_line "$RUN/watch" '^wake badblocks$'
	systemctl stop probe
	expect_eq "the last it said" "$(tail -n 1 "$RUN/watch")" closed
	expect_ok rmdir "$TRACE"
}

case_run() {
	"case_$1"
}
