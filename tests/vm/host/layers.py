# SPDX-License-Identifier: GPL-2.0-only
"""layers: the squashfs disks a guest's root is stacked of.

Why: the root and the modules are built once (tests/vm/image); what is under
test and the harness are packed at every run, in a fraction of a second. Used
by guests.py only.
"""

import glob
import os
import shutil
import subprocess
from typing import NamedTuple

VM = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TESTS = "usr/lib/pmemfail-tests"
# of the disks whose contents change under a saved guest; their size must not
LATE_SIZE = 512 << 20
# for mksquashfs: the same tree gives the same file
SAME_BYTES = ["-mkfs-time", "0", "-all-time", "0"]


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


def image(*kind):
    """The root's squashfs and the kernels, by series."""
    root, kernels = None, {}
    for line in _run(f"{VM}/image", *kind).splitlines():
        kind, *words = line.split()
        if kind == "root":
            root = words[0]
        elif kind == "kernel":
            kernels[words[0]] = Kernel(*words)
    return root, kernels


def _pack(tree, out, *more):
    _run("mksquashfs", tree, out, "-comp", "lz4", "-noappend", "-no-progress", "-quiet",
         "-all-root", "-no-xattrs", *more)
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


def root(kind, tree, workdir):
    """For cases that ask for this image: the root, and the tree under test. Where
    modules are built there is nothing to be laid over it: packages, to be installed."""
    if kind not in ("", "build"):
        raise SetupError(f"no image '{kind}'")
    if not kind:
        return image()[0], tree
    packages = f"{workdir}/packages"
    if not os.path.isdir(packages):
        _run(f"{VM}/payload", "--programs-only", packages)
        _run(f"{VM}/package-repository", f"{packages}/{TESTS}/repository")
        shutil.copy(f"{VM}/../../README.md", f"{packages}/{TESTS}/README.md")
        # the guest's dpkg leaves out documentation
        shutil.copytree(f"{VM}/../../examples", f"{packages}/{TESTS}/examples")
    return image(kind)[0], packages


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


class Parts(NamedTuple):
    """The disks a root is stacked of: boot is for a guest that is to be saved,
    payload and harness are what changes from run to run."""
    base: list
    boot: str
    payload: str
    harness: str


def _copy_guest(names, tree):
    os.makedirs(f"{tree}/{TESTS}", exist_ok=True)
    for name in names:
        shutil.copy(f"{VM}/guest/{name}", f"{tree}/{TESTS}/{name}")


def _boot_tree(tree):
    """The unit that is started when the guest is up."""
    _copy_guest(["starter"], tree)
    units = f"{tree}/etc/systemd/system"
    os.makedirs(f"{units}/multi-user.target.wants")
    shutil.copy(f"{VM}/guest/pmemfail-agent.service", units)
    os.symlink("../pmemfail-agent.service",
               f"{units}/multi-user.target.wants/pmemfail-agent.service")


def parts(root, kernel, tree, cases, workdir):
    """Packs what is not packed yet. cases maps names to files."""
    boot, harness = f"{workdir}/boot", f"{workdir}/harness"
    _boot_tree(boot)
    _boot_tree(harness)
    _copy_guest(["agent", "case", "lib.sh", "storage.sh", "cleanup.sh", "kmsg-patterns"],
                harness)
    shutil.copytree(f"{VM}/cases/lib", f"{harness}/{TESTS}/cases/lib")
    for name, path in cases.items():
        shutil.copy(path, f"{harness}/{TESTS}/cases/{name}.sh")
    _module_index(tree, kernel, harness, workdir)

    done = Parts([root, f"{kernel.dir}/modules.squashfs"],
                 _pack(boot, f"{workdir}/boot.squashfs", *SAME_BYTES),
                 _pack(tree, f"{workdir}/payload.squashfs"),
                 _pack(harness, f"{workdir}/harness.squashfs"))
    shutil.rmtree(boot)
    shutil.rmtree(harness)
    for path in done[1:]:
        if os.path.getsize(path) > LATE_SIZE:
            raise SetupError(f"{path} is larger than {LATE_SIZE} bytes")
        os.truncate(path, LATE_SIZE)
    return done
