"""Run every benchmark, one after the other: `python -m benchmarks [--write] [name ...]`.

Each runs in a process of its own, as `python -m benchmarks.<name>`. With --write what it prints goes into
benchmarks/RESULTS.md as well, with the command, the machine and the date; nobody types figures by hand.
"""

from __future__ import annotations

import argparse
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

import benchmarks
from benchmarks._results import RESULTS, stamp, write

ARGUMENTS = {"peers": [["--jobs", "20"], ["--jobs", "500"]]}
"""Benchmarks that are run more than once, or with arguments."""

WRITES_ITSELF = {"peers"}

PROMISES = {
    "rerun of 100,000 jobs whose outputs are all there, and of 1,000,000": "aws_rerun",
    "rerun of 100,000 jobs that are active; one poll of them": "aws_poll",
    "first run of 10,000 single jobs, 50 ms away, limit 50/s": "aws_submit",
    "first run of 100,000 jobs as arrays; one poll of 10 arrays": "aws_arrays",
    "peers on the same endpoint, 20 jobs": "Peers, 20 jobs",
    "peers on the same endpoint, 500 jobs": "Peers, 500 jobs",
}
"""What is promised of AWS Batch at scale, and the section that measures it."""

_SUMMARY = "## AWS Batch at scale"


def main() -> int:
    """Run those that are named, or all; exit code 1 when one could not be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put what they print into benchmarks/RESULTS.md")
    parser.add_argument("names", nargs="*", help="all of them by default")
    given = parser.parse_args()
    codes = [
        measure(name, arguments, keep=given.write)
        for name in given.names or names()
        for arguments in ARGUMENTS.get(name, [[]])
    ]
    if given.write:
        write(summary(RESULTS.read_text()))
    return int(any(codes))


def names() -> Sequence[str]:
    return sorted(item.name for item in pkgutil.iter_modules(benchmarks.__path__) if item.name[0] != "_")


def measure(name: str, arguments: Sequence[str], *, keep: bool) -> int:
    """Run one benchmark, showing what it prints; its exit code."""
    print(f"\n== {' '.join([name, *arguments])}", flush=True)
    extra = ["--write"] if keep and name in WRITES_ITSELF else []
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments, *extra]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        printed = "".join(_shown(process))
    if keep and name not in WRITES_ITSELF and process.returncode == 0:
        write(section(name, printed))
    return process.returncode


def section(name: str, printed: str) -> str:
    """What one benchmark printed, and what made it."""
    return f"## {name}\n\n{stamp(f'python -m benchmarks.{name}')}\n\n```\n{printed.strip()}\n```\n"


def summary(results: str) -> str:
    """The section that says of each promise how many of its bars are met, by the other sections."""
    lines = ["| work | measured in | bars met |", "|---|---|---|"]
    for work, where in PROMISES.items():
        found = re.search(rf"^## {re.escape(where)}\n(.*?)(?=^## |\Z)", results, re.DOTALL | re.MULTILINE)
        text = found[1] if found else ""
        met, missed = len(re.findall(r": met\b", text)), len(re.findall(r"NOT MET", text))
        lines.append(f"| {work} | {where} | {f'{met} of {met + missed}' if text else 'not measured yet'} |")
    made = "`python -m benchmarks --write` makes this from the other sections."
    return "\n".join([_SUMMARY, "", made, "", *lines, ""])


def _shown(process: subprocess.Popen[str]) -> Iterator[str]:
    for line in process.stdout or ():
        print(line, end="", flush=True)
        yield line


if __name__ == "__main__":
    sys.exit(main())
