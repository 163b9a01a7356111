# SPDX-License-Identifier: GPL-2.0-only
"""What is said in two places and must be the same in both: rules for lint.py.

Each takes the tree as lint.py has it and returns what is wrong, a line each.
"""
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


RULES = [versions_agree, catalog_is_the_names, every_manual_is_installed,
         every_call_has_a_manual]
