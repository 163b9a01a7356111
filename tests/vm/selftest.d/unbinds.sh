# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# unbinds: a device left unbound, and one with poison, are whole again for the
# next case.

case_run() {
	badblocks_add "$(ns_make_fsdax 1)" 4096 8
	unbind "$(ns_make_fsdax 0)"
}
