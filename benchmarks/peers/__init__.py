"""Peers on one endpoint: jobs of one output each that really run, a first run and a rerun with everything there.

    python -m benchmarks.peers [--jobs 20] [--patience 300] [--write] [name ...]

AWS Batch is `batch-helpers serve`, S3 is moto's server; the calls of both are counted where they arrive, those of the
jobs themselves included. Every peer polls once a second. Peers are installed by tests/serve/clients/install; the origin
is its algorithm, as FACTS tell it (see origin.py). A first run that has not ended after the patience, in seconds, is
given up, and counts for what it has cost by then. --write puts the table into benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import resource
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
    """One run: wall seconds, the client's own CPU seconds, and calls of AWS Batch and of S3; ended or given up."""

    seconds: float
    cpu: float
    batch: int
    s3: int
    ended: bool = True

    @property
    def calls(self) -> int:
        return self.batch + self.s3

    def __str__(self) -> str:
        more = "" if self.ended else "more than "
        return f"{more}{self.seconds:.1f} ({self.cpu:.1f}) | {more}{self.calls} ({self.batch} + {self.s3})"


Runs = tuple[Run, Run | None]
"""A first run, and a rerun where the first one has ended."""


def main(arguments: Sequence[str] = ()) -> None:
    """Run each peer, and print the table and what of it is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--patience", type=float, default=300)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("names", nargs="*", default=[], help=", ".join(CLIENTS))
    chosen = parser.parse_args(arguments)
    found: dict[str, Runs | str] = {}
    for name in dict.fromkeys([OURS, *(chosen.names or CLIENTS)]):
        found[name] = measured(name, chosen.jobs, chosen.patience)
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
        if chosen.write:  # each peer takes its minutes: what there is, is kept
            words = f"--jobs {chosen.jobs} --patience {chosen.patience:g}{''.join(f' {one}' for one in chosen.names)}"
            write(section(chosen.jobs, stamp(f"python -m benchmarks.peers {words}"), found))
    print(f"{chosen.jobs} jobs\n{table(found)}\n" + "\n".join(bars(found)))


def section(jobs: int, made: str, found: dict[str, Runs | str]) -> str:
    """The section of RESULTS.md about so many jobs; made: the command, the machine and the date."""
    verdicts = "\n".join(f"- {line}" for line in bars(found))
    return f"## Peers, {jobs} jobs\n\n{made}\n\n{table(found)}\n\n{verdicts}\n"


def measured(name: str, jobs: int, patience: float) -> Runs | str:
    """A first run and a rerun of one peer on services of its own; why there is none, where there is none."""
    client = CLIENTS[name]
    if not client.is_installed:
        return f"left out: not installed (tests/serve/clients/install {name})"
    with world(client.programs) as place:
        client.prepare(place, jobs)
        first = run(client, place, jobs, patience)
        return first, min(run(client, place, jobs, patience) for _ in range(RERUNS)) if first.ended else None


def run(client: Client, place: World, jobs: int, patience: float) -> Run:
    """From the start of the program to its end, and to the end of the last job where it does not wait for it."""
    batch, s3, cpu, started = place.batch_calls(), place.s3_calls(), _cpu(), time.perf_counter()
    ended = client.run(place, jobs, patience)
    calls, cpu = place.batch_calls() - batch, _cpu() - cpu
    if ended:
        place.wait_for_jobs()
    seconds = time.perf_counter() - started
    if ended:
        place.check(jobs)
    return Run(seconds, cpu, calls, place.s3_calls() - s3, ended)


def _cpu() -> float:
    """CPU seconds of the programs that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def table(found: dict[str, Runs | str]) -> str:
    """A table in Markdown."""
    lines = [
        "| | first run, s (CPU) | calls (Batch + S3) | rerun, s (CPU) | calls (Batch + S3) |",
        "|---|---|---|---|---|",
    ]
    for name, runs in found.items():
        if isinstance(runs, str):
            lines.append(f"| {name} | {runs} | | | |")
        else:
            lines.append(f"| {name} | {runs[0]} | {runs[1] or 'not begun | '} |")
    return "\n".join(lines)


def bars(found: dict[str, Runs | str]) -> Sequence[str]:
    """What is to be reached: less wall time and fewer calls than each, and on a rerun than the mark."""
    ours = found[OURS]
    if isinstance(ours, str):
        return [f"{OURS}: {ours}"]
    first, again = ours
    if again is None:
        return [f"{OURS}: {first}"]
    lines = []
    for name, runs in found.items():
        if name == OURS or isinstance(runs, str):
            continue
        lines.append(_verdict(f"first run against {name}, seconds", first.seconds, runs[0].seconds))
        if runs[0].ended or first.calls <= runs[0].calls:
            lines.append(_verdict(f"first run against {name}, calls", first.calls, runs[0].calls))
        if runs[1] is not None:
            lines.append(_verdict(f"rerun against {name}, seconds", again.seconds, runs[1].seconds))
            lines.append(_verdict(f"rerun against {name}, calls", again.calls, runs[1].calls + STATUSES))
    lines.append(_verdict("rerun against the mark, calls", again.calls, MARK_CALLS + STATUSES))
    lines.append(_verdict("rerun against the mark, seconds", again.seconds, MARK_SECONDS))
    return lines


def _verdict(what: str, mine: float, bar: float) -> str:
    return f"{what}: {mine:.4g} (bar {bar:.4g}): {'met' if mine <= bar else 'NOT MET'}"
