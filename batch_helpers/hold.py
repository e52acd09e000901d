"""When held jobs may start, and when they never will. Pure, but for asking about jobs of other runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batch_helpers.engines.base import Capabilities, Engine
from batch_helpers.job import JobDetail, Status
from batch_helpers.monitor import Watch
from batch_helpers.run import Held, Run


@dataclass(frozen=True, slots=True)
class Verdict:
    """ready: placeholders that may be submitted, with the jobIds left to wait for. doomed: those that never will be."""

    ready: dict[str, tuple[str, ...]]
    doomed: dict[str, str]


def release(run: Run, watched: Watch, engine: Engine) -> Verdict:
    """Look at every held job once."""
    strangers = {item for held in run.held.values() for item in map(run.real, held.upstream) if not run.job(item)}
    known = engine.describe(sorted(strangers)) if strangers else {}
    ready: dict[str, tuple[str, ...]] = {}
    doomed: dict[str, str] = {}
    for placeholder, held in run.held.items():
        failed, waits = _look(held, run, watched, known)
        if failed is not None:
            doomed[placeholder] = f"Dependent Job failed: {failed}; this job was not submitted"
        elif waits is not None and _may_start(waits, run, engine.capabilities):
            ready[placeholder] = waits
    return Verdict(ready, doomed)


def _look(
    held: Held, run: Run, watched: Watch, known: Mapping[str, JobDetail]
) -> tuple[str | None, tuple[str, ...] | None]:
    """The name of an upstream job that dooms it, and the active jobIds it waits for (None: some are held too)."""
    waits: list[str] = []
    any_held = False
    for item in map(run.real, held.upstream):
        if item in run.held:
            any_held = True
            continue
        detail = watched.detail(item) or known.get(item)
        job = run.job(item)
        if detail is None:
            continue
        if detail.status.active:
            waits.append(item)
        elif detail.status is Status.FAILED and not (job is not None and job.run_dependents_on_fail):
            return detail.short_name, None
    return None, None if any_held else tuple(waits)


def _may_start(waits: tuple[str, ...], run: Run, limits: Capabilities) -> bool:
    if limits.max_dependencies is not None and len(waits) > limits.max_dependencies:
        return False
    if limits.failure_dependencies:
        return True
    jobs = [run.job(item) for item in waits]
    return not any(job is not None and job.run_dependents_on_fail for job in jobs)
