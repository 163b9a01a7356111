# SPDX-License-Identifier: GPL-2.0-only
"""measure: what every benchmark needs: a guest, a tool, a slope, a verdict.

Used by the benchmarks beside it, which scripts/bench runs.
"""

import json
import os
import subprocess
import sys
import tempfile
import statistics

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Failed(Exception):
    """It could not be measured."""


def guest(case, *options):
    """Run a benchmark in a guest; its "bench" lines as objects, as they come."""
    with tempfile.TemporaryDirectory(prefix="pmemfail-bench.") as work:
        for command in ([f"{TOP}/scripts/setup", "--vm"],
                        [f"{TOP}/scripts/build", f"{work}/payload"]):
            if subprocess.run(command, check=False).returncode:
                raise Failed(f"{' '.join(command)} failed")
        command = [f"{TOP}/tests/vm/run", "--verbose", "--payload", f"{work}/payload",
                   *options, f"{TOP}/tests/vm/cases/lib/{case}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
            tail = []
            for line in run.stdout:
                word, _, rest = line.strip().partition(" ")
                if word == "bench":
                    yield json.loads(rest)
                else:
                    tail = (tail + [line])[-40:]
        if run.returncode:
            sys.stderr.write("".join(tail))
            raise Failed("the guest's part failed")


def slope(points):
    """Least squares through (x, y) pairs: y per x."""
    mean_x = statistics.mean(x for x, _ in points)
    mean_y = statistics.mean(y for _, y in points)
    return (sum((x - mean_x) * (y - mean_y) for x, y in points)
            / sum((x - mean_x) ** 2 for x, _ in points))


def tool(name):
    """A program of tests/bench, built."""
    build = f"{TOP}/build-bench"
    commands = [[f"{TOP}/scripts/setup"]]
    if not os.path.exists(f"{build}/build.ninja"):
        commands.append(["meson", "setup", build, "-Dbuildtype=release"])
    commands.append(["ninja", "-C", build, f"tests/bench/{name}"])
    for command in commands:
        run = subprocess.run(command, cwd=TOP, check=False, capture_output=True, text=True)
        if run.returncode:
            sys.stderr.write(run.stdout[-4000:] + run.stderr[-4000:])
            raise Failed(f"{' '.join(command)} failed")
    return f"{build}/tests/bench/{name}"


def verdicts(targets):
    """Print for each (what, measured, comparison, wanted) whether it was met."""
    for what, measured, comparison, wanted in targets:
        met = measured >= wanted if comparison == ">=" else measured <= wanted
        print(f"{'met ' if met else 'MISSED'} {what}: {measured:.4g}"
              f" (wanted {comparison} {wanted})")


def as_json(targets):
    return [{"what": w, "measured": m, "wanted": f"{c} {n}"} for w, m, c, n in targets]
