"""`import batch_helpers` against an interpreter that does nothing.

python -m benchmarks.import_time
"""

from __future__ import annotations

import subprocess
import sys
import time

BAR = 3.0
ROUNDS = 20


def seconds(statement: str) -> float:
    """The best of several runs of a fresh interpreter."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    nothing, ours = seconds("pass"), seconds("import batch_helpers")
    ratio = ours / nothing
    print(f"python -c pass: {nothing * 1000:.1f} ms; import batch_helpers: {ours * 1000:.1f} ms")
    print(f"ratio {ratio:.2f} (bar {BAR}): {'met' if ratio <= BAR else 'NOT MET'}")


if __name__ == "__main__":
    main()
