#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
bus-contract: is an object on the bus what its interface's XML says?

    bus-contract.py CONTRACT LIVE INTERFACE

LIVE is what Introspect() of an object answered. Compared are all members with their
arguments' names, types and directions, access, and the annotations that change what a
client does. Order counts for nothing, and an annotation's default is as good as its
absence. Prints what differs, "-" for the contract's, "+" for the object's; then exits
with 1. Also 1 when either does not have the interface: nothing equals nothing.
"""
import sys
import xml.etree.ElementTree as ET

EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"
DEFAULTS = {EMITS: "true", "org.freedesktop.DBus.Deprecated": "false",
            "org.freedesktop.DBus.Method.NoReply": "false"}


def annotations(member):
    found = dict(DEFAULTS if member.tag == "property" else {})
    found.update({a.get("name"): a.get("value") for a in member.findall("annotation")})
    return {k: v for k, v in found.items() if k in DEFAULTS and v != DEFAULTS[k]}


def arguments(member):
    default = "in" if member.tag == "method" else "out"
    return [(a.get("name"), a.get("type"), a.get("direction", default))
            for a in member.findall("arg")]


def members(path, interface):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    root = ET.fromstring(text[text.index("<node"):])
    return {f"{m.tag} {m.get('name')} {m.get('type', '')} {m.get('access', '')}"
            f" {arguments(m)} {annotations(m)}"
            for i in root.iter("interface") if i.get("name") == interface
            for m in i if m.tag in ("method", "signal", "property")}


def main(contract, live, interface):
    want, have = members(contract, interface), members(live, interface)
    for line in sorted(want - have):
        print("-", line)
    for line in sorted(have - want):
        print("+", line)
    if not want or not have:
        print("no", interface, "in", contract if not want else live)
    return want != have or not want


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
