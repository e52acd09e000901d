"""jobs_from: one Job per sample, its fields filled from the sample's row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from batch_helpers.errors import InvalidInput
from batch_helpers.job import Job
from batch_helpers.samples.nearest import did_you_mean, listed
from batch_helpers.samples.rows import Located, Samples, cells_of, located
from batch_helpers.samples.templates import Cells, Filler, Templates

_FIELDS = tuple(item.name for item in fields(Job) if item.init)
_NUMBERS: Mapping[str, Callable[[str], float]] = {
    "vcpus": float,
    "memory": int,
    "gpus": int,
    "attempts": int,
    "timeout": int,
}


def jobs_from(samples: Samples, *, each_depends_on: Iterable[Any] | None = None, **template: Any) -> list[Job]:
    """Make one Job per sample from the arguments of Job, in which `{column}` stands for the sample's cell.

        aligned = jobs_from(samples, name="align-{sample}", command=["align", "{reads}"], outputs=["s3://b/{sample}.bam"])
        called = jobs_from(samples, name="call-{sample}", …, each_depends_on=aligned)

    samples: what read_samples returns, any mappings, or a DataFrame; only the columns that a template names are looked
    at, and their numbers go in as they are written. A number field may be a template too: `memory="{mib}"`.
    depends_on: what every job waits for. each_depends_on: what each one waits for, one item per sample: a jobId, a
    Job, a list of these, or None.

    A cell goes into a template as it is: in a command given as one string the shell reads it, in a list it does not.

    Raises InvalidInput for an unknown field or argument, and for a cell without one exact text: None, NaN, a bool, a
    float that may have been an integer.
    """
    for name in template:
        if name not in _FIELDS:
            raise InvalidInput(f"{name!r} is no argument of Job{did_you_mean(name, _FIELDS)}; it has {listed(_FIELDS)}")
    common = _upstream(template.pop("depends_on", None))
    columns, rows = located(samples)
    pairs = _paired(list(rows), each_depends_on)
    if not pairs:
        return []
    templates = Templates(columns)
    fillers = {field: _filler(templates, field, value) for field, value in template.items()}
    jobs = []
    for row, own in pairs:
        cells = cells_of(row, templates.used)
        filled = {field: fill(cells) for field, fill in fillers.items()}
        jobs.append(Job(**filled, depends_on=(*common, *own)))
    return jobs


def _paired(rows: Sequence[Located], each: Iterable[Any] | None) -> list[tuple[Located, tuple[Any, ...]]]:
    if each is None:
        return [(row, ()) for row in rows]
    if isinstance(each, str) or not isinstance(each, Iterable):
        raise InvalidInput(f"each_depends_on={each!r}: give a list with one item per sample")
    upstream = [_upstream(item) for item in each]
    if len(upstream) != len(rows):
        raise InvalidInput(f"each_depends_on has {len(upstream)} items for {len(rows)} samples: give one for each")
    return list(zip(rows, upstream, strict=True))


def _upstream(given: Any) -> tuple[Any, ...]:
    if given is None:
        return ()
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)


def _filler(templates: Templates, field: str, value: Any) -> Filler:
    if field not in _NUMBERS or not isinstance(value, str):
        return templates.filler(field, value)
    text, number = templates.filler(field, value), _NUMBERS[field]

    def fill(cells: Cells) -> float:
        try:
            return number(text(cells))
        except ValueError as exc:
            raise InvalidInput(
                f"{field}={value!r} is filled with {text(cells)!r}, which is no {number.__name__}"
            ) from exc

    return fill
