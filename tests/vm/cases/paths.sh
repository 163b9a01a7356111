# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# variants: region:xfs@6.12 region:ext4@named driver:xfs
#
# paths WHICH FILESYSTEM: the device goes by another way than its own unbind.
# First what the tools refuse, which must touch nothing, then what they do not:
#   region  ndctl disable-region; else the region is unbound from its driver
#   driver  modprobe -r of the pmem driver; else the NVDIMM bus loses its driver

# shellcheck source=tests/vm/cases/lib/green.sh
source "$TESTS/cases/lib/green.sh"

NFIT=/sys/bus/acpi/drivers/nfit

# refused COMMAND...: it changes nothing, whatever status it ends with (ndctl says
# 0 after having disabled nothing).
refused() {
	"$@" >"$RUN/refused" 2>&1 || true
	[[ -b /dev/pmem0 ]] || return 1
	[[ $(victim_sigbus reader) == 0 ]] || fault "'$*' was refused, but a process was told"
	say "'$*' is refused: $(tail -n 1 "$RUN/refused")"
}

go_by_region() {
	refused ndctl disable-namespace namespace0.0 || die "ndctl disables a mounted namespace"
	if refused ndctl disable-region region0; then
		bounded 60 tee "$ND/drivers/nd_region/unbind" <<<region0 >/dev/null ||
			fault "the unbind of the region hangs or fails"
	fi
}

return_by_region() {
	echo region0 >"$ND/drivers/nd_region/bind"
}

go_by_driver() {
	refused modprobe -r nd_pmem || die "the driver can be unloaded while it is used"
	BUS=$(basename "$NFIT"/ACPI*)
	bounded 60 tee "$NFIT/unbind" <<<"$BUS" >/dev/null ||
		fault "the unbind of the NVDIMM bus hangs or fails"
}

return_by_driver() {
	echo "$BUS" >"$NFIT/bind"
	wait_for 10 "pmem1" test -e "$ND/devices/region1"
}

case_run() {
	local which=$1 kind=$2 dev pids
	pmemfail_up
	dev=$(fs_make "$kind" raw)
	file_make "$MNT/file" 2
	keep "$MNT/file"
	victim reader reader "$MNT/file"
	victim untouched untouched "$MNT/file"
	site "$MNT"
	watched
	pids=("${VICTIM[@]}")

	"go_by_$which"
	REMOVED_MS=$(now_boot)
	[[ ! -e /dev/pmem0 ]] || fault "pmem0 is still there"
	removal_judge
	recorded handled pmem0
	recorded_victims "${pids[@]}"

	"return_by_$which"
	wait_for 10 "$dev" test -b "$dev"
	sums_check "$dev"
	watched
}
