#!/usr/bin/env python3
"""Counts the instructions of a cache's hit, of encoding, decoding and an adapter's work, by valgrind's callgrind.

Where times differ from run to run, these do not: what they say holds on a busy machine as well. The numbers in
benchmarks/instructions.toml are what the gate compares with, allowing 5 per cent more; they hold for the compiler and the
libraries that are named there. With other libraries it allows 20 per cent; with another compiler or machine it does not judge.
"""

import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import results  # noqa: E402

TIMES = 1000  # as in instructions.cpp
SLACK = 1.05
SLACK_ELSEWHERE = 1.2
COMMITTED = pathlib.Path(__file__).with_suffix(".toml")
PACKAGES = ["libc6", "libstdc++6", "libsqlite3-0", "libsqlitecpp-dev", "libleveldb1d"]


def count(program):
    """Instructions by name, for each time that the work was done."""
    with tempfile.TemporaryDirectory() as directory:
        said = subprocess.run(["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={directory}/out", program],
                              capture_output=True, text=True, check=False)
        if said.returncode:
            sys.exit(f"{program} failed under valgrind:\n{said.stderr[-2000:]}")
        counted = {}
        for file in sorted(pathlib.Path(directory).glob("out.*"), key=lambda dump: int(dump.suffix[1:])):
            text = file.read_text(errors="replace")
            if name := re.search(r"^desc: Trigger: Client Request: (\S+)$", text, re.MULTILINE):
                counted[name[1]] = max(map(int, re.findall(r"^(?:summary|totals): (\d+)", text, re.MULTILINE))) / TIMES
        return counted


def conditions(compiler):
    """What the numbers depend on, besides our code."""
    versions = {"compiler": compiler, "machine": platform.machine()}
    if shutil.which("dpkg-query"):
        query = ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES]
        said = subprocess.run(query, capture_output=True, text=True, check=False).stdout
        versions |= dict(line.split() for line in said.splitlines() if len(line.split()) == 2)
    return versions


def gate(counted, here):
    """Whether nothing takes more than is committed, by SLACK; by SLACK_ELSEWHERE where a library is another."""
    committed = tomllib.loads(COMMITTED.read_text())
    differing = {key for key in committed["conditions"] | here if committed["conditions"].get(key) != here.get(key)}
    if differing:
        print(f"{COMMITTED.name} is for another {', '.join(sorted(differing))}.")
    if differing & {"compiler", "machine"}:
        print("Not judged.")
        return True
    slack = SLACK_ELSEWHERE if differing else SLACK
    limits = committed["instructions"]
    good = True
    for name in limits.keys() | counted.keys():
        if name not in limits or name not in counted:
            print(f"{name}: {'not counted' if name in limits else f'not in {COMMITTED.name}'}; --commit writes that file")
            good = False
        elif counted[name] > limits[name] * slack:
            print(f"{name}: {counted[name]:.0f} instructions; {limits[name]} are committed, {counted[name] / limits[name] - 1:+.1%}")
            good = False
    if good:
        print(f"All {len(counted)} within {slack - 1:.0%} of what is committed in {COMMITTED.name}.")
    return good


def commit(counted, here):
    lines = ["# Instructions for each time, as benchmarks/instructions.py has counted them; `python3 benchmarks/instructions.py --commit`",
             "# writes this file. What is under `conditions` changes the numbers, and the gate judges only where it is the same.", "",
             "[conditions]", *(f'"{key}" = "{value}"' for key, value in here.items()), "",
             "[instructions]", *(f'"{name}" = {number:.0f}' for name, number in counted.items())]
    COMMITTED.write_text("\n".join(lines) + "\n")


def main():
    parser = results.arguments(__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--gate", action="store_true", help="compare with benchmarks/instructions.toml: 1 when there are more")
    parser.add_argument("--commit", action="store_true", help="write benchmarks/instructions.toml")
    given, _ = parser.parse_known_args()
    build = given.build or pathlib.Path(__file__).parent.parent / "build" / "benchmarks"
    cache = (build / "CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_CXX_COMPILER:[^=]*=(.*)$", cache, re.MULTILINE)[1]
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    version = version.split(" ", 1)[-1]  # without the name it was called by
    counted = count(build / "benchmarks" / "instructions")
    if given.benchmark_out:
        results.write(given.benchmark_out, given.benchmark_context, {}, {name: {"instructions": n} for name, n in counted.items()})
    else:
        for name, number in counted.items():
            print(f"{name:40} {number:9.0f}")
    if given.commit:
        commit(counted, conditions(version))
    return 0 if not given.gate or gate(counted, conditions(version)) else 1


if __name__ == "__main__":
    sys.exit(main())
