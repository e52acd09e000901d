"""Workflows as JSON files: nothing is lost on the way, and nothing that is not known is passed over."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from batch_helpers.errors import InvalidInput
from batch_helpers.samples.nearest import did_you_mean, listed
from batch_helpers.workflow.job import JOB_FIELDS, EZBatchJob

if TYPE_CHECKING:
    from batch_helpers.workflow.workflow import EZBatchWorkflow

SCHEMA_VERSION = 1
"""Rises when a file of today would mean something else; files without one are read as 1."""

_VERSION = "schema_version"
_FIELDS = ("name", "jobs", "dependencies", "local_buckets")


def save(workflow: EZBatchWorkflow, path: Path | str) -> None:
    """Write the file whole or not at all."""
    text = json.dumps(to_document(workflow), indent=2, ensure_ascii=False) + "\n"
    unfinished = f"{os.fspath(path)}.{os.getpid()}.part"
    try:
        Path(unfinished).write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as exc:
        raise InvalidInput(f"{path}: cannot be written: {exc.strerror}") from exc


def load(path: Path | str) -> EZBatchWorkflow:
    """Read a file; InvalidInput names the place in it."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as exc:
        raise InvalidInput(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path}: not UTF-8 text ({exc})") from exc
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(data, ensure_ascii=False).encode()
        return from_document(data)
    except InvalidInput as exc:
        raise InvalidInput(f"{path}: {exc}") from exc
    except json.JSONDecodeError as exc:
        raise InvalidInput(f"{path}: line {exc.lineno}, column {exc.colno}: not JSON: {exc.msg}") from exc
    except ValueError as exc:  # an integer of more digits than Python takes, or half a character
        raise InvalidInput(f"{path}: cannot be used: {exc}") from exc
    except RecursionError as exc:
        raise InvalidInput(f"{path}: it is nested too deeply to be a workflow") from exc


def to_document(workflow: EZBatchWorkflow) -> dict[str, Any]:
    """A workflow as plain data."""
    jobs = {name: job.to_dict() for name, job in workflow.jobs.items()}
    document = {_VERSION: SCHEMA_VERSION, "name": workflow.name, "jobs": jobs}
    dependencies = {name: list(upstream) for name, upstream in workflow.dependencies.items()}
    document["dependencies"] = dependencies
    if workflow.local_buckets:
        document["local_buckets"] = dict(workflow.local_buckets)
    return document


def from_document(data: object) -> EZBatchWorkflow:
    """The workflow that plain data describe; InvalidInput names the place, as `jobs.align.memory`."""
    from batch_helpers.workflow.workflow import EZBatchWorkflow

    fields = _object("the file", data)
    _check_version(fields.get(_VERSION, SCHEMA_VERSION))
    _check_keys("", fields, (_VERSION, *_FIELDS), required=("name", "jobs"))
    jobs = {name: _placed(f"jobs.{name}", job) for name, job in _object("jobs", fields["jobs"]).items()}
    dependencies = _object("dependencies", fields.get("dependencies", {}))
    buckets = _object("local_buckets", fields.get("local_buckets", {}))
    return EZBatchWorkflow(fields["name"], jobs, dict(dependencies), dict(buckets))


def job_from(data: object) -> EZBatchJob:
    """The job that plain data describe."""
    fields = _object("the job", data)
    _check_keys("", fields, JOB_FIELDS, required=("image", "command"))
    return EZBatchJob(**fields)


def _placed(place: str, data: object) -> EZBatchJob:
    try:
        return job_from(data)
    except InvalidInput as exc:
        raise InvalidInput(f"{place}: {exc}") from exc


def _object(place: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{place}: must be an object, {{…}}, and is {json.dumps(value)[:60]}")
    return value


def _check_keys(place: str, given: Mapping[str, Any], known: Iterable[str], *, required: Iterable[str]) -> None:
    for key in given:
        if key not in known:
            raise InvalidInput(f"{place}unknown key {key!r}{did_you_mean(key, known)}; there are {listed(known)}")
    for key in required:
        if key not in given:
            raise InvalidInput(f"{place}{key!r} is missing")


def _check_version(version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InvalidInput(f"{_VERSION}={version!r}: must be a whole number from 1 to {SCHEMA_VERSION}")
    if version > SCHEMA_VERSION:
        problem = f"written by a newer batch_helpers, and this one reads up to {SCHEMA_VERSION}: update it"
        raise InvalidInput(f"{_VERSION}={version}: {problem}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidInput(f"the key {key!r} stands twice in one object: the first one would be lost")
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise InvalidInput(f"{name} is not JSON: write a number")
