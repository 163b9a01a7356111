#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Rules about the source text, each one case: "ok NAME" or "not ok NAME: what".

    tests/lint/lint.py [TREE]

TREE is the source tree (default: this one). Looks at what git tracks, or at all
files when TREE is no git checkout (as in selftest.py, which breaks every rule).
Exit status 1 when a rule is broken. Standard library only.
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import layers  # noqa: E402
import together  # noqa: E402

MAX_LINES = 400
# One documented header is easier to read than two.
MAY_BE_LONG = ("include/pmemfail/pmemfail.h",)
CODE = (".c", ".h", ".sh", ".py")
UNMARKED = ("LICENSE", "LICENSES/", ".gitignore", "COPYING", "tests/fuzz/corpus/")
MARKED_BY_COMMENT = CODE + (".build", ".txt", ".sym", ".service", ".in", ".conf",
                            ".yaml", ".yml", ".ini", ".rules", ".xml", ".rst")
# In pieces, so that this file does not break its own rule.
FORBIDDEN = [
    ("a path of one machine", "/wo" + r"rk/(main|shared|\.library)|/ho" + "me/[a-z]"),
    ("a package host", r"\b[a-z0-9.-]*(artifact" + "ory|nex" + r"us|pypi|npm" + "js|deb" +
     r"\.debian|snapshot\.deb" + r"ian|mirror\.)[a-z0-9.-]*\.(com|org|net|io|internal)\b"),
    ("a web address with a user or port", r"https?://[^/\s]*[@:]"),
]


def tracked(tree):
    if os.path.exists(os.path.join(tree, ".git")):
        out = subprocess.run(["git", "-C", tree, "ls-files", "-z"], check=True,
                             stdout=subprocess.PIPE).stdout.decode()
        names = out.split("\0")
    else:
        names = [os.path.relpath(os.path.join(d, f), tree)
                 for d, _, files in os.walk(tree) for f in files]
    return sorted(n for n in names if n and os.path.isfile(os.path.join(tree, n)))


class Tree:
    def __init__(self, top):
        self.top = top
        self.files = tracked(top)

    def text(self, name):
        with open(os.path.join(self.top, name), errors="replace") as f:
            return f.read()

    def is_shell(self, name):
        return name.endswith(".sh") or self.text(name)[:40].startswith(
            ("#!/bin/bash", "#!/bin/sh", "#!/usr/bin/env bash"))

    def under(self, folder, end=""):
        return [f for f in self.files if f.startswith(folder) and f.endswith(end)]


def no_upward_include(t):
    bad = []
    pattern = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
    for name in t.files:
        rows = [r for r in layers.ROWS if name.startswith(r + "/")]
        if not rows or not name.endswith((".c", ".h")):
            continue
        own, system = layers.ROWS[max(rows, key=len)]
        for bracket, header in pattern.findall(t.text(name)):
            allowed = own if bracket == '"' else layers.PLAIN + "|" + system
            if not re.fullmatch(allowed, header):
                bad.append(f"{name} includes {header}")
    return bad


def no_giant(t):
    return [f"{n} has {lines} lines" for n in t.files
            if (n.endswith(CODE) or t.is_shell(n))
            and n not in MAY_BE_LONG and (lines := t.text(n).count("\n")) > MAX_LINES]


def licence(t):
    bad = []
    for n in t.files:
        if n.startswith(UNMARKED) or not (n.endswith(MARKED_BY_COMMENT) or t.is_shell(n)):
            continue
        found = re.search(r"SPDX-License-Identifier: (.*?)\s*(\*/|-->)?$",
                          "\n".join(t.text(n).split("\n")[:3]), re.M)
        library = n.startswith(("lib/", "include/pmemfail/")) and n.endswith((".c", ".h", ".sym"))
        want = "LGPL-2.1-or-later" if library else "GPL-2.0-only"
        if n.startswith("include/uapi/"):
            want = "GPL-2.0-only WITH Linux-syscall-note"
        if not found:
            bad.append(f"{n} has no SPDX line")
        elif found.group(1) != want and not n.endswith(".md"):
            bad.append(f"{n} says {found.group(1)}, not {want}")
    return bad


def no_forbidden_word(t):
    bad = []
    for n in t.files:
        if n.startswith("LICENSE"):
            continue
        for number, line in enumerate(t.text(n).split("\n"), 1):
            bad += [f"{n}:{number} has {what}" for what, word in FORBIDDEN
                    if re.search(word, line)]
    return bad


def every_test_is_registered(t):
    listed = t.text("tests/unit/meson.build") if "tests/unit/meson.build" in t.files else ""
    bad = [n for n in t.under("tests/unit/test-", ".c")
           if "TEST(" in t.text(n) and f"'{n[16:-2]}':" not in listed]
    listed = t.text("tests/fuzz/meson.build") if "tests/fuzz/meson.build" in t.files else ""
    bad += [n for n in t.under("tests/fuzz/fuzz-", ".c")
            if "int LLVMFuzzerTestOneInput(" in t.text(n)
            and (f"\n  '{n[16:-2]}': [" not in listed or not t.under(f"tests/fuzz/corpus/{n[16:-2]}/"))]
    bad += [n for n in t.under("tests/root/", ".sh")
            if not os.access(os.path.join(t.top, n), os.X_OK)]
    return [f"{n} is never run" for n in bad]


def every_source_is_built(t):
    bad = []
    for folder in ("lib", "daemon", "ctl", "kernel"):
        build = f"{folder}/meson.build"
        listed = t.text(build) if build in t.files else ""
        if folder == "kernel" and "kernel/Kbuild" in t.files:
            listed += " ".join(f"'{o}.c'" for o in re.findall(r"(\w+)\.o", t.text("kernel/Kbuild")))
        bad += [f"{n} is not built" for n in t.under(folder + "/", ".c")
                if f"'{n[len(folder) + 1:]}'" not in listed]
    return bad


HEADERS = ("include/pmemfail/pmemfail.h", "include/pmemfail/guard.h")


def declared_in(t, header):
    text = re.sub(r"/\*.*?\*/", "", t.text(header), flags=re.S)
    # not the type of a function: "(*pmemfail_x_fn)("
    return set(re.findall(r"\b(pmemfail_\w+)\s*\(", text))


def map_is_the_header(t):
    """Both headers together: what they declare is what is exported."""
    map_ = "lib/libpmemfail.sym"
    missing = [f"no {n}" for n in HEADERS + (map_,) if n not in t.files]
    if missing:
        return missing
    declared = set().union(*(declared_in(t, h) for h in HEADERS))
    exported = set(re.findall(r"^\s*(pmemfail_\w+);", t.text(map_), re.M))
    return [f"{f} is declared, not exported" for f in sorted(declared - exported)] + \
           [f"{f} is exported, not declared" for f in sorted(exported - declared)]


# header: a manual that has each of its calls in its synopsis
CALL_MANUALS = {"include/pmemfail/guard.h": "man/pmemfail_guard.3"}


def manuals_have_the_calls(t):
    bad = []
    for header, page in CALL_MANUALS.items():
        if header not in t.files or page not in t.files:
            bad.append(f"no {header} or no {page}")
            continue
        shown = set(re.findall(r"^\.F[no] \"?(pmemfail_\w+)", t.text(page).split(".Sh DESC")[0], re.M))
        declared = declared_in(t, header)
        bad += [f"{page} does not have {f}" for f in sorted(declared - shown)]
        bad += [f"{page} has {f}, which is none" for f in sorted(shown - declared)]
    return bad


def every_setting_is_documented(t):
    policy = "lib/model/policy.c"
    if policy not in t.files:
        return [f"no {policy}"]
    keys = re.findall(r'^\t\{ "(\w+)", PMF_VALUE_', t.text(policy), re.M)
    bad = [] if keys else ["found no settings"]
    for place in ("systemd/pmemfail.conf", "man/pmemfail.conf.5"):
        text = t.text(place) if place in t.files else ""
        bad += [f"{place} does not name {k}" for k in keys if k not in text]
    return bad


def verbs_agree(t):
    """pmemfailctl's table, its manual, its completion and its bad-input test."""
    names = {"table": "ctl/main.c", "manual": "man/pmemfailctl.1",
             "completion": "completion/pmemfailctl", "zsh": "completion/_pmemfailctl", "test": "tests/root/ctl-badinput.sh"}
    missing = [f"no {n}" for n in names.values() if n not in t.files]
    if missing:
        return missing
    table, manual, completion, zsh, test = (t.text(n) for n in names.values())
    verbs = set(re.findall(r'^\t\{ "([a-z-]+)", "', table, re.M))
    options = set(re.findall(r'^\t\{ CTL_\w+, \S+, "([a-z-]+)"', table, re.M))
    listed = re.search(r"verbs='([^']*)'", completion)
    sections = manual.split(".Sh OPTIONS")[0]
    seen = {
        names["manual"]: set(re.findall(r"^\.It Cm ([a-z-]+)", sections, re.M)),
        names["completion"]: set(listed.group(1).split() if listed else []),
        names["zsh"]: set(re.findall(r"^\t\t'([a-z-]+):", zsh, re.M)),
        names["test"]: {v for v in verbs if re.search(
            rf"^for verb in [^;]*\b{v}\b[^;]*; do\n\taccepted", test, re.M)},
    }
    bad = [] if verbs and options else ["found no verbs or no options in the table"]
    for place, have in seen.items():
        bad += [f"{place} does not know the verb {v}" for v in sorted(verbs - have)]
        bad += [f"{place} has a verb {v} that is none" for v in sorted(have - verbs)]
    for o in sorted(options):
        if not re.search(rf"^\..*(Fl|,) -{o}\b", manual, re.M):
            bad.append(f"{names['manual']} does not name --{o}")
        if not re.search(rf"--{o}(?![a-z-])", completion):
            bad.append(f"{names['completion']} does not name --{o}")
        if not re.search(rf"--{o}(?![a-z-])", zsh):
            bad.append(f"{names['zsh']} does not name --{o}")
    return bad


def bus_is_documented(t):
    """The contract of D-Bus and its manual, interface by interface; and the errors."""
    xml, man, code = "systemd/org.pmemfail1.xml", "man/org.pmemfail1.5", "daemon/bus-error.c"
    if xml not in t.files or man not in t.files:
        return [f"no {xml} or no {man}"]
    interfaces = re.findall(r'<interface name="([\w.]+)">(.*?)</interface>', t.text(xml), re.S)
    bad = [] if interfaces else ["found no interface"]
    macro = {"method": "Fn", "signal": "Fn", "property": "Va"}
    for name, body in interfaces:
        has = {f"{macro[k]} {n}" for k, n in
               re.findall(r'<(method|signal|property) name="(\w+)"', body)}
        section = re.search(rf"^\.Sh {re.escape(name)}$(.*?)^\.Sh ", t.text(man), re.S | re.M)
        told = set(re.findall(r"^\.It ((?:Fn|Va) \w+)", section.group(1) if section else "", re.M))
        bad += [f"{man} does not have {m} of {name}" for m in sorted(has - told)]
        bad += [f"{man} has {m} of {name}, which is none" for m in sorted(told - has)]
    errors = set(re.findall(r'BUS_ERROR\("(\w+)"\)', t.text(code) if code in t.files else ""))
    told = set(re.findall(r"^\.It Er (\w+)", t.text(man), re.M))
    return bad + [f"the error {e} is not in both {man} and {code}" for e in sorted(errors ^ told)]


def tool(t, command, names):
    """Output lines of a program over files; a missing program is a failure."""
    if not shutil.which(command[0]):
        return [f"{command[0]} is not installed"]
    if not names:
        return []
    r = subprocess.run(command + names, cwd=t.top, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, check=False)
    lines = r.stdout.decode(errors="replace").strip().split("\n")
    return (lines if lines != [""] else [f"{command[0]} failed"]) if r.returncode else []


def spelling(t):
    names = [n for n in t.files if not n.startswith(UNMARKED)]
    return tool(t, ["codespell", "-L", "iput,upto,mis,nd,ba,fo,hist,te,ue,creat,mke"], names)


def shell(t):
    return tool(t, ["shellcheck", "-x", "-f", "gcc", "-S", "style", "-e", "SC1090,SC1091,SC2317"],
                [n for n in t.files if t.is_shell(n)])


def manuals(t):
    return tool(t, ["mandoc", "-T", "lint", "-W", "warning"],
                [n for n in t.files if re.fullmatch(r"man/.*\.[1-9]", n)])


def public_header_is_plain_c(t):
    """Alone, as C and as C++: needs no C++ library, as it includes none of it."""
    bad = []
    strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"]
    for header in (h for h in HEADERS if h in t.files):
        for std in ("c99", "c11", "c17"):
            bad += tool(t, ["gcc", f"-std={std}", *strict, "-x", "c"], [header])
        bad += tool(t, ["clang", "-std=c++17", *strict, "-x", "c++"], [header])
    return bad


RULES = [no_upward_include, no_giant, licence, no_forbidden_word, every_test_is_registered,
         every_source_is_built, map_is_the_header, manuals_have_the_calls, every_setting_is_documented,
         verbs_agree, bus_is_documented, spelling, shell, manuals, public_header_is_plain_c,
         *together.RULES]


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    tree = Tree(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(here)))
    broken = 0
    for rule in RULES:
        bad = rule(tree)
        broken += bool(bad)
        print(f"{'not ok' if bad else 'ok'} lint/{rule.__name__}" +
              (f": {len(bad)} found" if bad else ""))
        for line in bad[:40]:
            print(f"  {line}")
    return broken > 0


if __name__ == "__main__":
    sys.exit(main())
