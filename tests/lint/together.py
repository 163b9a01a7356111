# SPDX-License-Identifier: GPL-2.0-only
"""What is said in two places and must be the same in both: rules for lint.py.

Each takes the tree as lint.py has it and returns what is wrong, a line each.
"""
import fnmatch
import re


def versions_agree(t):
    """meson's, DKMS's, the packages'."""
    places = {"meson.build": r"version: '([0-9.]+)'",
              "kernel/dkms.conf": r'PACKAGE_VERSION="([^"]*)"',
              "debian/changelog": r"^pmemfail \(([^)]*)\)"}
    found = {}
    for name, pattern in places.items():
        m = re.search(pattern, t.text(name), re.M) if name in t.files else None
        found[name] = m.group(1) if m else None
    if len(set(found.values())) == 1 and None not in found.values():
        return []
    return [f"{name} says version {version}" for name, version in found.items()]


def catalog_is_the_names(t):
    """The journal's catalog explains each message of the daemon, and no other."""
    names, catalog = "daemon/names.h", "systemd/pmemfail.catalog"
    if names not in t.files or catalog not in t.files:
        return [f"no {names} or no {catalog}"]
    ids = dict(reversed(pair) for pair in re.findall(
        r'^#define (MESSAGE_\w+)\s+"([0-9a-f]{32})"', t.text(names), re.M))
    fields = set(re.findall(r'^#define FIELD_\w+\s+"(\w+)"', t.text(names), re.M))
    explained = re.findall(r"^-- ([0-9a-f]{32})$", t.text(catalog), re.M)
    bad = [f"{catalog} does not explain {ids[i]}" for i in sorted(set(ids) - set(explained))]
    bad += [f"{catalog} explains {i}, which is no message" for i in explained if i not in ids]
    bad += [f"{catalog} explains {i} twice" for i in set(explained) if explained.count(i) > 1]
    bad += [f"{catalog} names the field {f}, which there is not" for f in
            sorted(set(re.findall(r"@([A-Z_]+)@", t.text(catalog))) - fields)]
    return bad if ids else ["found no message ids"]


def every_manual_is_installed(t):
    build = "man/meson.build"
    listed = re.findall(r"'([a-z0-9_.-]+\.[1-9])'", t.text(build) if build in t.files else "")
    there = [n[4:] for n in t.files if re.fullmatch(r"man/.*\.[1-9]", n)]
    return [f"man/{n} is not installed" for n in there if n not in listed] + \
           [f"{build} installs {n}, which there is not" for n in listed if n not in there]


def every_call_has_a_manual(t):
    """Each function of the headers is named, as one, in a manual of section 3."""
    headers = "".join(t.text(n) for n in t.under("include/pmemfail/", ".h"))
    text = re.sub(r"/\*.*?\*/", "", headers, flags=re.S)
    declared = set(re.findall(r"\b(pmemfail_\w+)\s*\(", text))
    named = {}
    for n in t.files:
        if re.fullmatch(r"man/.*\.3", n):
            for f in re.findall(r"^\.(?:Fn|Fo|It Fn) (?:\"[^\"]*\" )?(pmemfail_\w+)",
                                t.text(n), re.M):
                named.setdefault(f, n)
    return [f"{f} is in no manual" for f in sorted(declared - set(named))] + \
           [f"{named[f]} names {f}, which there is not" for f in sorted(set(named) - declared)]


def names_a_test(t, name):
    """Whether a test is there that is called so: TIER/PROGRAM[/CASE] or vm/CASE[:ARGUMENTS]."""
    tier, _, rest = name.partition("/")
    if tier == "vm":
        case, _, arguments = rest.partition(":")
        path = f"tests/vm/cases/{case}.sh"
        listed = re.findall(r"^# variants: (.*)$", t.text(path), re.M) if path in t.files else []
        # some are of one kernel only
        variants = [v.split("@")[0] for v in " ".join(listed).split()]
        return path in t.files and (not arguments or arguments in variants)
    if tier == "fuzz":
        return f"tests/fuzz/fuzz-{rest}.c" in t.files
    program, _, case = rest.partition("/")
    if tier == "unit":
        path = f"tests/unit/test-{program}.c"
        return path in t.files and bool(re.search(rf"TEST\({case}\)", t.text(path)))
    # cases of a script are its own, or of C files beside it
    return f"tests/root/{program}.sh" in t.files and any(
        re.search(rf"(?<![a-z_]){re.escape(case)}(?![a-z_])", t.text(n))
        for n in t.under("tests/root/") if n.endswith((".c", ".sh", ".bash")))


def security_names_its_tests(t):
    """Each attempt in SECURITY.md has a test, or says that it has none; and it exists."""
    page = "docs/SECURITY.md"
    if page not in t.files:
        return [f"no {page}"]
    names = re.findall(r"`((?:unit|root|vm|fuzz)/[^`\s]+)`", t.text(page))
    bad = [f"{page} names {n}, which there is not" for n in names if not names_a_test(t, n)]
    tables = re.findall(r"^\| attempt \|.*\n\|[-|]+\n((?:\|.*\n)*)", t.text(page), re.M)
    for row in "".join(tables).splitlines():
        if "not tested" not in row and not re.search(r"`(unit|root|vm|fuzz)/", row):
            bad.append(f"{page} has no test for: {row[:60]}")
    return bad if names and tables else bad + ["found no tests or no attempts"]


def packages_have_one_maintainer(t):
    """Debian wants the address in the control file and in each entry of the changelog."""
    found = {name: re.findall(pattern, t.text(name), re.M) if name in t.files else []
             for name, pattern in (("debian/control", r"^Maintainer: (.*)$"),
                                   ("debian/changelog", r"^ -- (.*>)  "))}
    if all(found.values()) and len(set(sum(found.values(), []))) == 1:
        return []
    return [f"{name} is by {who}" for name in found for who in found[name] or ["nobody"]]


def setup_installs_build_depends(t):
    """What scripts/package needs, scripts/setup brings."""
    control = re.search(r"^Build-Depends:(.*(?:\n .*)*)",
                        t.text("debian/control") if "debian/control" in t.files else "", re.M)
    if not control:
        return ["debian/control has no Build-Depends"]
    there = re.search(r"^build_packages=\((.*?)^\)",
                      t.text("scripts/setup") if "scripts/setup" in t.files else "", re.M | re.S)
    there = set(there.group(1).split() if there else [])
    # what Debian provides under another name
    provided = {"debhelper-compat": "debhelper", "dh-sequence-dkms": "dh-dkms"}
    wanted = [re.split(r"[ (]", entry.strip())[0] for entry in control.group(1).split(",")]
    return [f"scripts/setup does not install {name}" for name in wanted
            if provided.get(name, name) not in there]


def copyright_is_what_files_say(t):
    """Each file's SPDX line and the last paragraph of debian/copyright that matches it."""
    name = "debian/copyright"
    paragraphs = re.findall(r"^Files: (.*)\nCopyright: .*\nLicense: (.*)$",
                            t.text(name) if name in t.files else "", re.M)
    spdx = {"GPL-2": "GPL-2.0-only", "LGPL-2.1+": "LGPL-2.1-or-later",
            "GPL-2 with Linux-syscall-note": "GPL-2.0-only WITH Linux-syscall-note"}
    bad = []
    for file in t.files:
        m = re.match(r"(?:.*\n)?.*SPDX-License-Identifier: ([\w.-]+(?: WITH [\w-]+)?)", t.text(file))
        said = [licence for globs, licence in paragraphs
                if any(fnmatch.fnmatchcase(file, glob) for glob in globs.split())]
        if m and (not said or spdx.get(said[-1]) != m.group(1)):
            bad.append(f"{name} says {said[-1] if said else 'nothing'} of {file}, "
                       f"which is {m.group(1)}")
    return bad


RULES = [versions_agree, catalog_is_the_names, every_manual_is_installed,
         every_call_has_a_manual, security_names_its_tests, packages_have_one_maintainer,
         setup_installs_build_depends, copyright_is_what_files_say]
