"""The campaign of faults: `python -m tests.faults --runs 1000 --seed 1`; one run again: `--seed 1 --only 17`.

Prints what goes wrong, with the seed that shows it again; exit code 1 when anything does.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.faults.campaign import Verdict, campaign, totals

_OFTEN = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each later one has the next")
    parser.add_argument("--only", type=int, help="only the run with this number, counted from 0; says what it was")
    parser.add_argument("--story", action="store_true", help="with --only: all that happened")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    if given.only is not None:
        seeds: Sequence[int] = [given.seed + given.only]
    else:
        seeds = range(given.seed, given.seed + given.runs)
    began, verdicts = time.monotonic(), []
    for verdict in campaign(seeds, given.processes):
        verdicts.append(verdict)
        if len(verdicts) % _OFTEN == 0:
            print(
                f"{len(verdicts)} of {len(seeds)} runs, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True
            )
        if verdict.violations or given.only is not None:
            _tell(verdict, given.seed)
            print("\n".join(verdict.story if given.story else ()), flush=True)
    broken = sum(bool(verdict.violations) for verdict in verdicts)
    print(f"{totals(verdicts)}; {time.monotonic() - began:.0f} s")
    print(f"violations in {broken} of {len(verdicts)} runs (bar 0): {'NOT MET' if broken else 'met'}")
    return 1 if broken else 0


def _tell(verdict: Verdict, first: int) -> None:
    seed = verdict.seed
    print(f"run {seed - first} (--seed {first} --only {seed - first}): {verdict.text}")
    print(f"  scripts ended with {verdict.codes}, after {verdict.seconds:.0f} s of its own time")
    for violation in verdict.violations:
        print(f"  {violation}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
