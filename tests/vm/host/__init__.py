# SPDX-License-Identifier: GPL-2.0-only
#
# The host's side of the test machine: what tests/vm/run and tests/vm/shell
# are made of. Python's standard library only.
