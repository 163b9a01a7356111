#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every lint rule fails when it should: a tree that breaks them all, one each.

Prints "ok NAME" or "not ok NAME" per rule of lint.py, as lint.py does.
"""
import os
import subprocess
import sys
import tempfile

SPDX = "// SPDX-License-Identifier: "
LGPL = SPDX + "LGPL-2.1-or-later\n"
GPL = SPDX + "GPL-2.0-only\n"

# Each breaks the rule of that name and, as far as possible, no other.
BROKEN = {
    "no_upward_include": ("lib/model/x.c", LGPL + '#include "flow/handle.h"\n'),
    "no_giant": ("tests/giant.c", GPL + "\n" * 500),
    "licence": ("daemon/x.c", "int x;\n"),
    "no_forbidden_word": ("tests/paths.c", GPL + "/* /wo" + "rk/main/x */\n"),
    "every_test_is_registered": ("tests/unit/test-x.c", GPL + "TEST(x)\n"),
    "every_source_is_built": ("ctl/x.c", GPL),
    "map_is_the_header": ("lib/libpmemfail.sym", LGPL + "A {\n\tpmemfail_gone;\n};\n"),
    "manuals_have_the_calls": ("man/pmemfail_guard.3", '.\\" SPDX-License-Identifier: GPL-2.0-only\n'
                               ".Fn pmemfail_gone\n.Sh DESCRIPTION\n"),
    "every_setting_is_documented": ("lib/model/policy.c", LGPL + '\t{ "Undocumented", PMF_VALUE_BOOL\n'),
    "verbs_agree": ("ctl/main.c", GPL + '\t{ "dance", "", 0, 0, "Dance",\n'),
    "bus_is_documented": ("systemd/org.pmemfail1.xml", "<!-- SPDX-License-Identifier:"
                          ' GPL-2.0-only -->\n<interface name="a.B"><method name="C"/>'
                          "</interface>\n"),
    "spelling": ("tests/word.c", GPL + "/* rec" + "ieve */\n"),
    "shell": ("tests/x.sh", "#!/bin/bash\n# SPDX-License-Identifier: GPL-2.0-only\nrm $1\n"),
    "manuals": ("man/x.8", '.\\" SPDX-License-Identifier: GPL-2.0-only\n.Dt X 8\n.Nosuch\n'),
    "versions_agree": ("kernel/dkms.conf", "# SPDX-License-Identifier: GPL-2.0-only\n"
                       'PACKAGE_VERSION="0"\n'),
    "catalog_is_the_names": ("daemon/names.h", GPL + '#define MESSAGE_X "' + "0" * 32 + '"\n'),
    "every_manual_is_installed": ("man/y.8", '.\\" SPDX-License-Identifier: GPL-2.0-only\n'),
    "every_call_has_a_manual": ("man/z.3", '.\\" SPDX-License-Identifier: GPL-2.0-only\n'
                                ".Fn pmemfail_gone\n"),
    "security_names_its_tests": ("docs/SECURITY.md", "`unit/none/gone`\n"),
    "packages_have_one_maintainer": ("debian/changelog", "pmemfail (0) unstable; urgency=low\n\n"
                                     " -- someone <someone@example.org>  Now\n"),
    "setup_installs_build_depends": ("debian/control", "Maintainer: other <other@example.org>\n"
                                     "Build-Depends: debhelper-compat (= 13),\n nosuch-dev\n"),
    "copyright_is_what_files_say": ("debian/copyright", "Files: *\nCopyright: x\nLicense: GPL-1\n"),
    "public_header_is_plain_c": ("include/pmemfail/pmemfail.h",
                                 "/* SPDX-License-Identifier: LGPL-2.1-or-later */\nint f(;\n"),
}


def main():
    lint = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lint.py")
    bad = 0
    with tempfile.TemporaryDirectory() as tree:
        for name, text in BROKEN.values():
            os.makedirs(os.path.dirname(os.path.join(tree, name)), exist_ok=True)
            with open(os.path.join(tree, name), "w") as f:
                f.write(text)
        out = subprocess.run([sys.executable, lint, tree], stdout=subprocess.PIPE,
                             check=False).stdout.decode()
    seen = [line.split()[-1] for line in out.split("\n") if line.startswith("ok lint/")]
    rules = [line for line in out.split("\n") if line.startswith(("ok lint/", "not ok lint/"))]
    for rule in BROKEN:
        missed = f"lint/{rule}" in seen
        bad += missed
        print(f"{'not ok' if missed else 'ok'} lint-selftest/{rule}")
    if len(rules) != len(BROKEN):
        print("not ok lint-selftest/each_rule: a rule has no case here")
        bad += 1
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
