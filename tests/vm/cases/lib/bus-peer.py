#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
bus-peer: a program as others write it, in Python over GLib: it knows org.pmemfail1
from its manual and from what GLib asks of any service.

    bus-peer.py STATUS WHAT

It lists the devices, follows them and the failures as an object manager's client does,
and asks for a moment before WHAT is taken away. Told of a removal, it waits for half a
second and lets go. Each thing it sees is a line in STATUS; it ends when a failure is
handled, with 1 after a minute without.
"""
import os
import sys

from gi.repository import Gio, GLib

NAME, PATH = "org.pmemfail1", "/org/pmemfail1"
MANAGER, DEVICE, FAILURE = (f"{NAME}.{i}" for i in ("Manager", "Device", "Failure"))


class Peer:
    def __init__(self, status, what):
        self.status = os.open(status, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.loop = GLib.MainLoop()
        self.result = 1
        self.lock = -1
        self.bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
        self.manager = Gio.DBusProxy.new_sync(self.bus, Gio.DBusProxyFlags.NONE, None, NAME,
                                              PATH, MANAGER)
        self.manager.connect("g-signal", self.on_signal)
        self.manager.connect("g-properties-changed", self.on_manager_changed)
        self.objects = Gio.DBusObjectManagerClient.new_sync(
            self.bus, Gio.DBusObjectManagerClientFlags.DO_NOT_AUTO_START, NAME, PATH)
        self.objects.connect("object-added", self.on_object, "added")
        self.objects.connect("object-removed", self.on_object, "removed")
        self.objects.connect("interface-proxy-properties-changed", self.on_changed)
        self.list_devices()
        self.inhibit(what)
        GLib.timeout_add_seconds(60, self.loop.quit)
        self.say("ready")

    def say(self, *words):
        os.write(self.status, (" ".join(map(str, words)) + "\n").encode())

    def list_devices(self):
        for _, name, node, mode, size, protected, path in self.manager.ListDevices():
            self.say("device", name, node, mode, size, protected)
            proxy = self.objects.get_interface(path, DEVICE)
            self.say("managed", proxy.get_cached_property("Name").unpack())

    def inhibit(self, what):
        answer, fds = self.bus.call_with_unix_fd_list_sync(
            NAME, PATH, MANAGER, "Inhibit",
            GLib.Variant("(ssss)", (what, "bus-peer", "it is a test", "delay")),
            GLib.VariantType("(h)"), Gio.DBusCallFlags.NONE, -1, None, None)
        self.lock = fds.get(answer.unpack()[0])

    def let_go(self):
        self.say("lets go")
        os.close(self.lock)
        self.lock = -1

    def on_signal(self, _proxy, _sender, name, arguments):
        self.say("signal", name, *arguments.unpack())
        if name == "PrepareForRemoval" and arguments.unpack()[1] and self.lock >= 0:
            GLib.timeout_add(500, self.let_go)

    def on_manager_changed(self, _proxy, changed, _invalidated):
        for key, value in changed.unpack().items():
            self.say("manager", key, value)

    def on_object(self, _manager, thing, what):
        self.say("object", what, thing.get_object_path())

    def on_changed(self, _manager, _thing, proxy, changed, _invalidated):
        for key, value in changed.unpack().items():
            self.say("changed", proxy.get_object_path(), key, value)
        if proxy.get_interface_name() == FAILURE and changed.unpack().get("State") == "handled":
            self.result = 0
            # what else is told of it comes at once
            GLib.timeout_add_seconds(1, self.loop.quit)


if __name__ == "__main__":
    peer = Peer(*sys.argv[1:])
    peer.loop.run()
    peer.say("end", peer.result)
    sys.exit(peer.result)
