"""Peers on one endpoint: jobs of one output each that really run, a first run and a rerun with everything there.

    python -m benchmarks.peers [--jobs 20] [--write] [name ...]

AWS Batch is `batch-helpers serve`, S3 is moto's server; the calls of both are counted where they arrive, those of the
jobs themselves included. Every peer polls once a second. Peers are installed by tests/serve/clients/install; the origin
is its algorithm, as FACTS tell it (see origin.py). --write puts the table into benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks._results import stamp, write
from benchmarks.peers.clients import CLIENTS, OURS, Client
from benchmarks.peers.world import World, world

MARK_SECONDS, MARK_CALLS = 1.0, 2
"""What Snakemake's rerun costs, which is to be beaten."""

STATUSES = 5
"""ListJobs calls of a rerun that ask which jobs are active; no peer asks, so they are allowed beside the mark."""

RERUNS = 3
"""Of so many reruns the fastest counts, because most of one is the start of Python, which varies by half."""


class Run(NamedTuple):
    """One run: wall seconds, the client's own CPU seconds, and calls of AWS Batch and of S3."""

    seconds: float
    cpu: float
    batch: int
    s3: int

    @property
    def calls(self) -> int:
        return self.batch + self.s3


def main(arguments: Sequence[str] = ()) -> None:
    """Run each peer, and print the table and what of it is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("names", nargs="*", default=[], help=", ".join(CLIENTS))
    chosen = parser.parse_args(arguments)
    found: dict[str, tuple[Run, Run] | str] = {}
    for name in dict.fromkeys([OURS, *(chosen.names or CLIENTS)]):
        found[name] = measured(name, chosen.jobs)
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
        if chosen.write:  # each peer takes its minutes: what there is, is kept
            words = " ".join(["--jobs", str(chosen.jobs), *chosen.names])
            write(section(chosen.jobs, stamp(f"python -m benchmarks.peers {words}"), found))
    print(f"{chosen.jobs} jobs\n{table(found)}\n" + "\n".join(bars(found)))


def section(jobs: int, made: str, found: dict[str, tuple[Run, Run] | str]) -> str:
    """The section of RESULTS.md about so many jobs; made: the command, the machine and the date."""
    verdicts = "\n".join(f"- {line}" for line in bars(found))
    return f"## Peers, {jobs} jobs\n\n{made}\n\n{table(found)}\n\n{verdicts}\n"


def measured(name: str, jobs: int) -> tuple[Run, Run] | str:
    """A first run and a rerun of one peer on services of its own; why there is none, where there is none."""
    client = CLIENTS[name]
    if not client.is_installed:
        return f"left out: not installed (tests/serve/clients/install {name})"
    with world(client.programs) as place:
        client.prepare(place, jobs)
        try:
            return run(client, place, jobs), min(run(client, place, jobs) for _ in range(RERUNS))
        except subprocess.TimeoutExpired as exc:
            return f"did not end within {exc.timeout:.0f} s"


def run(client: Client, place: World, jobs: int) -> Run:
    """From the start of the program to its end, and to the end of the last job where it does not wait for it."""
    batch, s3, cpu, started = place.batch_calls(), place.s3_calls(), _cpu(), time.perf_counter()
    client.run(place, jobs)
    calls, cpu = place.batch_calls() - batch, _cpu() - cpu
    place.wait_for_jobs()
    seconds = time.perf_counter() - started
    place.check(jobs)
    return Run(seconds, cpu, calls, place.s3_calls() - s3)


def _cpu() -> float:
    """CPU seconds of the programs that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def table(found: dict[str, tuple[Run, Run] | str]) -> str:
    """A table in Markdown."""
    lines = [
        "| | first run, s (CPU) | calls (Batch + S3) | rerun, s (CPU) | calls (Batch + S3) |",
        "|---|---|---|---|---|",
    ]
    for name, runs in found.items():
        if isinstance(runs, str):
            lines.append(f"| {name} | {runs} | | | |")
        else:
            cells = (f"{item.seconds:.1f} ({item.cpu:.1f}) | {item.calls} ({item.batch} + {item.s3})" for item in runs)
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def bars(found: dict[str, tuple[Run, Run] | str]) -> Sequence[str]:
    """What is to be reached: less wall time and fewer calls than each, and on a rerun than the mark."""
    ours = found[OURS]
    if isinstance(ours, str):
        return [f"{OURS}: {ours}"]
    lines = []
    for name, runs in found.items():
        if name == OURS or isinstance(runs, str):
            continue
        for what, mine, theirs in zip(("first run", "rerun"), ours, runs, strict=True):
            spare = STATUSES if what == "rerun" else 0
            lines.append(_verdict(f"{what} against {name}, seconds", mine.seconds, theirs.seconds))
            lines.append(_verdict(f"{what} against {name}, calls", mine.calls, theirs.calls + spare))
    lines.append(_verdict("rerun against the mark, calls", ours[1].calls, MARK_CALLS + STATUSES))
    lines.append(_verdict("rerun against the mark, seconds", ours[1].seconds, MARK_SECONDS))
    return lines


def _verdict(what: str, mine: float, bar: float) -> str:
    return f"{what}: {mine:.4g} (bar {bar:.4g}): {'met' if mine <= bar else 'NOT MET'}"
