# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# append: memmap=384M!1G
# timeout: 180
# kernels: 6.12
#
# hooks-restore: the documented example. The bad range is written anew from a
# backup, the kernel's list is empty then, and the failure cleared. On memory set
# aside by memmap=, where writing clears (drivers/nvdimm/bus.c nvdimm_clear_poison():
# no ndctl means success).

# shellcheck source=tests/vm/cases/lib/poison.sh
source "$TESTS/cases/lib/poison.sh"

OFFSET=$((256 * 1024))
HOOKS=/etc/pmemfail/hooks.d

case_run() {
	local dev example
	dev=$(ns_set_aside)
	example=$(find /usr/share/doc/pmemfail -name 'restore-from-backup' | head -n 1)
	mkdir -p "$HOOKS"
	install -m 755 "$example" "$HOOKS/50-restore"
	pmemfail_up_with RescanIntervalSec=5
	mkfs_as xfs "$dev"
	mount_dax "$dev"
	file_make "$MNT/bad" 2
	mkdir -p "/var/backups/pmem$MNT"
	cp "$MNT/bad" "/var/backups/pmem$MNT/bad"
	keep "$MNT/bad"
	watched
	badblocks_add "$dev" "$(sector_of "$MNT/bad" "$OFFSET")" 8
	try_for 40 failure_is cleared "${dev##*/}" || fault "the failure is not cleared"
	recorded cleared "${dev##*/}"
	on_record '.hooks[0].status == 0' "that the hook did its work"
	sums_verify
	umount "$MNT"
}
