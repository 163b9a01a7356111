# SPDX-License-Identifier: GPL-2.0-only
"""layers: the squashfs disks a guest's root is stacked of.

Why: the root and the modules are built once (tests/vm/image); what is under
test and the harness are packed at every run, in a fraction of a second. Used
by session.py only.
"""

import glob
import os
import shutil
import subprocess
from typing import NamedTuple

VM = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TESTS = "usr/lib/pmemfail-tests"


class Kernel(NamedTuple):
    series: str
    release: str
    dir: str


class SetupError(Exception):
    """Something the run needs is missing or cannot be built."""


def _run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, **options)
    if done.returncode:
        raise SetupError(f"{' '.join(command)} failed")
    return done.stdout


def image():
    """The root's squashfs and the kernels, by series."""
    root, kernels = None, {}
    for line in _run(f"{VM}/image").splitlines():
        kind, *words = line.split()
        if kind == "root":
            root = words[0]
        elif kind == "kernel":
            kernels[words[0]] = Kernel(*words)
    return root, kernels


def _pack(tree, out):
    _run("mksquashfs", tree, out, "-comp", "lz4", "-noappend", "-no-progress", "-quiet",
         "-all-root", "-no-xattrs")
    return out


def payload(choice, workdir):
    """The tree under test: a directory, "none", or built from the sources."""
    if choice not in (None, "none"):
        if not os.path.isdir(choice):
            raise SetupError(f"no payload {choice}")
        for name in ("lib", "bin", "sbin"):
            if os.path.lexists(f"{choice}/{name}"):
                raise SetupError(f"{choice}/{name} would hide the guest's link into /usr")
        return choice
    tree = f"{workdir}/payload"
    os.makedirs(tree, exist_ok=True)
    only = ["--programs-only"] if choice == "none" else []
    _run(f"{VM}/payload", *only, tree)
    return tree


def _module_index(tree, kernel, harness, workdir):
    """depmod's files over the kernel's own modules and the payload's."""
    updates = f"{tree}/usr/lib/modules/{kernel.release}/updates"
    if not os.path.isdir(updates):
        return
    base = f"{workdir}/depmod"
    modules = f"{base}/lib/modules/{kernel.release}"
    shutil.copytree(f"{kernel.dir}/modules/usr/lib/modules/{kernel.release}", modules,
                    copy_function=os.symlink)
    for name in glob.glob(f"{modules}/modules.*"):
        real = os.path.realpath(name)
        os.unlink(name)
        shutil.copy(real, name)
    shutil.copytree(updates, f"{modules}/updates")
    _run("depmod", "-b", base, kernel.release)
    out = f"{harness}/usr/lib/modules/{kernel.release}"
    os.makedirs(out)
    for name in glob.glob(f"{modules}/modules.*"):
        shutil.copy(name, out)
    shutil.rmtree(base)


def stack(root, kernel, tree, cases, workdir):
    """The disks, lowest first. cases maps names to files."""
    harness = f"{workdir}/harness"
    os.makedirs(f"{harness}/{TESTS}/cases")
    for name in ("agent", "case", "lib.sh", "storage.sh", "cleanup.sh", "kmsg-patterns"):
        shutil.copy(f"{VM}/guest/{name}", f"{harness}/{TESTS}/{name}")
    shutil.copy(f"{VM}/guest/seed.sh", f"{harness}/{TESTS}/cases/seed.sh")
    for name, path in cases.items():
        shutil.copy(path, f"{harness}/{TESTS}/cases/{name}.sh")
    # what the cases share
    shutil.copytree(f"{VM}/cases/lib", f"{harness}/{TESTS}/cases/lib")
    units = f"{harness}/etc/systemd/system"
    os.makedirs(f"{units}/multi-user.target.wants")
    shutil.copy(f"{VM}/guest/pmemfail-agent.service", units)
    os.symlink("../pmemfail-agent.service",
               f"{units}/multi-user.target.wants/pmemfail-agent.service")
    _module_index(tree, kernel, harness, workdir)

    disks = [root, f"{kernel.dir}/modules.squashfs"]
    disks.append(_pack(tree, f"{workdir}/payload-{kernel.series}.squashfs"))
    disks.append(_pack(harness, f"{workdir}/harness-{kernel.series}.squashfs"))
    shutil.rmtree(harness)
    return disks
