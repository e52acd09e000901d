"""One job for each combination of parameters: texts in which `{parameter}` is filled with its value."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from batch_helpers.errors import InvalidInput
from batch_helpers.s3 import S3Mount, S3Mounts
from batch_helpers.workflow.job import EZBatchJob

NAME = "name"
"""Stands for the job's own name in its texts."""

_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VALUES = (str, int, float, bool, type(None))

Fill = Callable[[str], str]


def sweep(job: EZBatchJob, over: Mapping[str, Iterable[Any]], job_name: str | None = None) -> dict[str, EZBatchJob]:
    """The jobs of a sweep by name, in the order of the combinations, the last parameter changing fastest.

        sweep(
            EZBatchJob(
                image="…",
                command="train --trees {n_estimators} --depth {max_depth} --out /mnt/model/score.json",
                mounts=S3Mounts(write=[{"source": "/mnt/model/score.json", "destination": "s3://b/{name}/score.json"}]),
                preloader=True,
            ),
            over={"n_estimators": [10, 50], "max_depth": [None, 5]},
        )

    over: lists of values; in command, environment, mounts, outputs, tags and keep_failed `{parameter}` stands for a
    value, as str() writes it, and `{name}` for the job's name. Other braces, and `${parameter}`, stay as they are.
    job_name: a template, by default `n_estimators-10-max_depth-5`.

    Raises InvalidInput for an empty list, a value that is no text or number, a parameter that nothing uses, names that
    are not distinct, and outputs that several jobs share.
    """
    values = _checked(over)
    template = job_name or "-".join(f"{parameter}-{{{parameter}}}" for parameter in values)
    jobs: dict[str, EZBatchJob] = {}
    used: set[str] = set()
    for combination in itertools.product(*values.values()):
        known = {parameter: str(value) for parameter, value in zip(values, combination, strict=True)}
        name = _fill(known, set())(template)
        if name in jobs:
            raise InvalidInput(f"job_name={template!r}: two jobs would be called {name!r}: put every parameter into it")
        jobs[name] = _filled(job, _fill({**known, NAME: name}, used))
    _check_used(values, used)
    _check_outputs(jobs)
    return jobs


def _checked(over: Mapping[str, Iterable[Any]]) -> dict[str, list[Any]]:
    if not isinstance(over, Mapping) or not over:
        raise InvalidInput(f"over={over!r}: give a mapping of parameters to lists of values")
    values = {}
    for parameter, given in over.items():
        if not isinstance(parameter, str) or not _PARAMETER.fullmatch(parameter) or parameter == NAME:
            raise InvalidInput(
                f"over: {parameter!r} cannot be a parameter: use letters, digits and _, and not {NAME!r}"
            )
        if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
            raise InvalidInput(f"over[{parameter!r}]={given!r}: give a list of values")
        values[parameter] = list(given)
        if not values[parameter]:
            raise InvalidInput(f"over[{parameter!r}] is empty, so there would be no job")
        for value in values[parameter]:
            if not isinstance(value, _VALUES):
                raise InvalidInput(f"over[{parameter!r}]: {value!r} is neither a text nor a number")
    return values


def _fill(known: Mapping[str, str], used: set[str]) -> Fill:
    pattern = re.compile(rf"(?<!\$)\{{({'|'.join(map(re.escape, known))})\}}")

    def filled(match: re.Match[str]) -> str:
        used.add(match[1])
        return known[match[1]]

    return lambda text: pattern.sub(filled, text)


def _filled(job: EZBatchJob, fill: Fill) -> EZBatchJob:
    command: str | Sequence[str] = job.command
    mounts = S3Mounts(
        [_mount(item, fill) for item in job.mounts.reads], [_mount(item, fill) for item in job.mounts.writes]
    )
    return replace(
        job,
        command=fill(command) if isinstance(command, str) else [fill(word) for word in command],
        environment={key: fill(text) for key, text in job.environment.items()},
        mounts=mounts,
        outputs=[fill(uri) for uri in job.outputs],
        tags={key: fill(text) for key, text in job.tags.items()},
        keep_failed=fill(job.keep_failed) if job.keep_failed else None,
    )


def _mount(mount: S3Mount, fill: Fill) -> S3Mount:
    return replace(mount, source=fill(mount.source), destination=fill(mount.destination), options=fill(mount.options))


def _check_used(values: Mapping[str, Sequence[Any]], used: set[str]) -> None:
    if NAME in used:  # the name holds every parameter
        return
    for parameter in values:
        if parameter not in used:
            raise InvalidInput(f"over: nothing in the job uses {{{parameter}}}, so its values would make no difference")


def _check_outputs(jobs: Mapping[str, EZBatchJob]) -> None:
    owners: dict[str, str] = {}
    for name, job in jobs.items():
        for uri in job.expected:
            if uri in owners:
                raise InvalidInput(f"{owners[uri]!r} and {name!r} would both write {uri}: put {{{NAME}}} into it")
            owners[uri] = name
