# SPDX-License-Identifier: GPL-2.0-only
"""machine: one QEMU guest, from start to certain end.

Why: whatever happens to the runner, no guest and no backing file may be left
over, and no more guests may run at a time than the host can bear. Used by
guests.py only.
"""

import ctypes
import fcntl
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import time
from typing import NamedTuple

from .disks import LABEL

SLOTS = 2
PR_SET_PDEATHSIG = 1

COMMAND_LINE = " ".join([
    "console=ttyS0", "quiet", "loglevel=5", "panic=-1", "oops=continue",
    "log_buf_len=4M", "printk.devkmsg=on", "systemd.show_status=no",
    "rd.udev.log_level=3", "audit=0", "apparmor=0", "selinux=0", "tsc=reliable", "nokaslr",
    "mitigations=off", "rcupdate.rcu_cpu_stall_timeout=60",
    "no_timer_check", "systemd.log_target=journal", "8250.nr_uarts=1",
])


class GuestDied(Exception):
    """The guest ended, or its channel closed."""


class Slot:
    """One of the places for guests on this host; waits until one is free.

    Only the first of those that wait looks for one: the kernel hands a file
    lock over in the order of asking.
    """

    def __init__(self, cache):
        queue = _lock_file(f"{cache}/slot.queue")
        try:
            fcntl.flock(queue, fcntl.LOCK_EX)
            self.fd = self._take(cache)
        finally:
            os.close(queue)

    @staticmethod
    def _take(cache):
        while True:
            for n in range(SLOTS):
                fd = _lock_file(f"{cache}/slot.{n}")
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return fd
                except BlockingIOError:
                    os.close(fd)
                except BaseException:
                    os.close(fd)
                    raise
            time.sleep(0.2)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _lock_file(path):
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


class Channel:
    """Lines over a unix socket, read under deadlines."""

    def __init__(self, path, deadline):
        self.sock = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.sock.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline:
                    raise GuestDied("QEMU does not start") from None
                time.sleep(0.01)
        self.buffer = b""

    def send(self, line):
        try:
            self.sock.sendall(line.encode() + b"\n")
        except OSError:
            raise GuestDied("the guest is gone") from None

    def line(self, deadline):
        """The next line, or None at the deadline."""
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            try:
                data = self.sock.recv(65536)
            except OSError:
                data = b""
            if not data:
                raise GuestDied("the guest is gone")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace")

    def close(self):
        self.sock.close()


class Shape(NamedTuple):
    """What a guest is made of, besides the options."""
    kernel: object      # layers.Kernel
    layers: list        # files the root is stacked of, lowest first
    late: dict          # more read-only disks, by serial number
    disks: object       # disks.Disks
    restored: bool = False  # waits for a saved state instead of booting


class Machine:
    """A running guest. Its disks are the caller's."""

    def __init__(self, options, shape, workdir):
        self.workdir = workdir
        self.console = f"{workdir}/console"
        self.process = None
        self.channel = self.monitor = None
        self.slot = Slot(options.cache)
        self.started = time.monotonic()     # waiting for a place is not its doing
        try:
            self._start(self._command(options, shape))
        except BaseException:
            self.kill()
            raise

    def _command(self, options, shape):
        ram = options.memory
        count = len(shape.disks.nvdimms)
        # a guest that is saved, or was, is the same for all
        append, qemu = ("", "") if shape.late else (options.append, options.qemu)
        # with it the kernel clears and copies byte by byte, which is slow in emulation
        cpu = options.cpu if options.accel == "kvm" else f"{options.cpu},erms=off"
        command = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-machine", "q35,nvdimm=on",
            "-accel", "kvm" if options.accel == "kvm" else "tcg,thread=multi",
            "-cpu", cpu, "-smp", str(options.cpus),
            "-m", f"{ram}M,slots={count + 1},maxmem={ram + (count + 1) * 65536}M",
            "-kernel", f"{shape.kernel.dir}/vmlinux", "-initrd", f"{shape.kernel.dir}/initrd",
            "-append", f"{COMMAND_LINE} layers={len(shape.layers)} {append}".strip(),
            "-serial", f"file:{self.console}",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=ctl,path={self.workdir}/ctl,server=on,wait=off",
            "-device", "virtserialport,chardev=ctl,name=pmemfail.ctl",
            "-qmp", f"unix:{self.workdir}/qmp,server=on,wait=off",
        ]
        if shape.restored:
            command += ["-incoming", "defer"]
        drives = {f"layer-{n}": path for n, path in enumerate(shape.layers)} | shape.late
        for serial, path in drives.items():
            command += [
                "-drive", f"id={serial},if=none,format=raw,readonly=on,file={path}",
                "-device", f"virtio-blk-pci,drive={serial},serial={serial}",
            ]
        command += [
            "-drive", f"id=scratch,if=none,format=raw,file={shape.disks.scratch}",
            "-device", "virtio-blk-pci,drive=scratch,serial=scratch",
        ]
        for n, (path, size) in enumerate(shape.disks.nvdimms):
            command += [
                "-object", f"memory-backend-file,id=m{n},share=on,mem-path={path},size={size}",
                "-device", f"nvdimm,id=nv{n},memdev=m{n},label-size={LABEL}",
            ]
        return command + shlex.split(qemu)

    def _start(self, command):
        libc = ctypes.CDLL(None)
        parent = os.getpid()

        def die_with_parent():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            # a Ctrl-C is the runner's to handle
            os.setpgid(0, 0)

        for name in ("ctl", "qmp", "console"):
            try:
                os.unlink(f"{self.workdir}/{name}")
            except FileNotFoundError:
                pass
        with open(f"{self.workdir}/qemu.log", "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent)
        deadline = time.monotonic() + 30
        try:
            self.channel = Channel(f"{self.workdir}/ctl", deadline)
            self.monitor = Channel(f"{self.workdir}/qmp", deadline)
            self._qmp("qmp_capabilities")
        except GuestDied:
            raise GuestDied("QEMU does not start: " + self.qemu_log()) from None

    def qemu_log(self):
        with open(f"{self.workdir}/qemu.log", encoding="utf-8", errors="replace") as log:
            return log.read().strip()

    def console_text(self):
        try:
            with open(self.console, encoding="utf-8", errors="replace") as file:
                return file.read().replace("\r", "")
        except FileNotFoundError:
            return ""

    def _qmp(self, execute, **arguments):
        self.monitor.send(json.dumps({"execute": execute, "arguments": arguments}))
        deadline = time.monotonic() + 30
        while True:
            line = self.monitor.line(deadline)
            if line is None:
                raise GuestDied("QEMU's monitor does not answer")
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                return answer["error"]["desc"]

    def hmp(self, command):
        """A command of QEMU's human monitor; its answer as text."""
        return self._qmp("human-monitor-command", **{"command-line": command})

    def save(self, path):
        """Stops the guest for good and writes its state, less the NVDIMMs."""
        self._qmp("stop")
        self._migrate("migrate", f"exec:cat >{shlex.quote(path)}")

    def restore(self, path):
        """Goes on from a saved state."""
        self._migrate("migrate-incoming", f"exec:cat {shlex.quote(path)}")
        self._qmp("cont")

    def _migrate(self, command, uri):
        # the NVDIMMs are files of their own
        self._qmp("migrate-set-capabilities",
                  capabilities=[{"capability": "x-ignore-shared", "state": True}])
        self._qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        self._qmp(command, uri=uri)
        deadline = time.monotonic() + 60
        while True:
            status = self._qmp("query-migrate").get("status")
            if status == "completed":
                return
            if status in ("failed", "cancelled") or time.monotonic() > deadline:
                raise GuestDied("the guest's state cannot be saved or restored: "
                                + self.qemu_log())
            time.sleep(0.01)

    def kill(self):
        """As a power cut would. Safe to call twice."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        for channel in (self.channel, self.monitor):
            if channel:
                channel.close()
        self.channel = self.monitor = None
        self.slot.close()
