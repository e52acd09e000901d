"""ListJobs: https://docs.aws.amazon.com/batch/latest/APIReference/API_ListJobs.html"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batch_helpers.job import Status
from batch_helpers.serve.api import tokens
from batch_helpers.serve.api.lookups import queue_named
from batch_helpers.serve.arns import DEFINITION, name_of, parsed
from batch_helpers.serve.limits.pages import job_page
from batch_helpers.serve.service import Service
from batch_helpers.serve.state.jobs import Row
from batch_helpers.serve.state.rows import Summary
from batch_helpers.serve.texts.summaries import page_of, page_with
from batch_helpers.serve.wire.errors import ClientException
from batch_helpers.serve.wire.messages import Rendered

_SCOPES = ("jobQueue", "arrayJobId", "multiNodeJobId")
_START = 1 << 62
_AFTER_ALL = "\x7f"

_SEQ, _SIZE = Summary._fields.index("seq"), Summary._fields.index("size")


def list_jobs(service: Service, request: dict[str, Any]) -> Rendered:
    """A page of jobs of one queue or one array."""
    scopes = [name for name in _SCOPES if name in request]
    if len(scopes) != 1:
        raise ClientException(f"exactly one of {', '.join(_SCOPES)} must be specified")
    filters = request.get("filters", [])
    if len(filters) > 1:
        raise ClientException("only one filter can be used at a time")
    limit = job_page(request.get("maxResults"), filtered=bool(filters))
    if scopes == ["jobQueue"] and filters:
        return _filtered(service, request, filters[0], limit)
    if scopes == ["jobQueue"]:
        return _of_queue(service, request, limit)
    return _of_array(service, request, limit)


def _of_queue(service: Service, request: dict[str, Any], limit: int) -> Rendered:
    queue = queue_named(service, request["jobQueue"]).name
    before, status = tokens.place(request, _START), _status(request)
    plain = None if service.hiding else service.database.jobs.plain_page(queue, status, before, limit)
    if plain is not None:
        return page_with(plain.text, tokens.token(request, plain.last) if plain.more else None)
    rows = service.database.jobs.of_queue(queue, status, before, limit + 1)
    return _page(service, request, rows, limit)


def _of_array(service: Service, request: dict[str, Any], limit: int) -> Rendered:
    """The children of an array; this endpoint has no multi-node jobs, so their nodes are none."""
    job_id = request.get("arrayJobId", "")
    known = service.database.jobs.known([job_id]).get(job_id)
    after = tokens.place(request, 0)
    rows = service.database.jobs.of_array(known.seq, _status(request), after, limit + 1) if known else []
    return _page(service, request, rows, limit)


def _filtered(service: Service, request: dict[str, Any], filter_: Mapping[str, Any], limit: int) -> Rendered:
    queue = queue_named(service, request["jobQueue"]).name
    name, value = filter_.get("name", ""), _only_value(filter_)
    if name == "JOB_NAME":
        after = tokens.place(request, ["", _START])
        rows = service.database.jobs.named(queue, _names(value), (after[0], after[1]), limit + 1)
        return _page(service, request, rows, limit, lambda seq: [service.database.jobs.name(seq), seq])
    condition, values = _condition(name, value, request.get("jobStatus"))
    before = tokens.place(request, _START)
    rows = service.database.jobs.filtered(queue, condition, values, before, limit + 1)
    return _page(service, request, rows, limit)


def _page(
    service: Service, request: dict[str, Any], rows: Sequence[Row], limit: int, where: Callable[[int], Any] = int
) -> Rendered:
    """One page of rows; `where` makes the place where the next one begins from the seq of the last job on this one."""
    shown = rows[:limit]
    more = tokens.token(request, where(shown[-1][_SEQ])) if len(rows) > limit else None
    if service.hiding:
        shown = _visible(service, shown)
    arrays = [row[_SEQ] for row in shown if row[_SIZE] is not None]
    summaries = service.database.jobs.status_summaries(arrays)
    return page_of(shown, summaries, more)


def _visible(service: Service, rows: Sequence[Row]) -> list[Row]:
    """Rows without those of hidden jobs."""
    ids = service.database.jobs.ids([row[_SEQ] for row in rows])
    hidden = service.hiding.listed(list(ids.values()), service.clock.seconds())
    return [row for row in rows if ids[row[_SEQ]] not in hidden]


def _status(request: Mapping[str, Any]) -> str:
    """Only RUNNING jobs are listed when no status is given."""
    status: str = request.get("jobStatus", Status.RUNNING.value)
    return status


def _only_value(filter_: Mapping[str, Any]) -> str:
    values = filter_.get("values", [])
    if len(values) != 1:
        raise ClientException("a filter must have exactly one value")
    value: str = values[0]
    return value


def _names(value: str) -> tuple[str, str]:
    """The first name that a JOB_NAME filter lets through, and the first one beyond; case does not count."""
    if value.endswith("*"):
        return value[:-1], value[:-1] + _AFTER_ALL
    return value, value + "\x01"


def _condition(name: str, value: str, status: str | None) -> tuple[str, tuple[object, ...]]:
    """A filter in SQL; with SHARE_IDENTIFIER alone, a status counts as well."""
    if name == "JOB_DEFINITION":
        return _definition_condition(value)
    if name == "SHARE_IDENTIFIER":
        return ("share = ? AND (? IS NULL OR status = ?)", (value, status, status))
    if name in ("BEFORE_CREATED_AT", "AFTER_CREATED_AT"):
        if not value.isdecimal():
            raise ClientException(f"the value of the filter {name} must be a number of milliseconds, got {value!r}")
        return (f"created_at {'<' if name == 'BEFORE_CREATED_AT' else '>'} ?", (int(value),))
    raise ClientException(f"{name!r} is not a valid filter name")


def _definition_condition(value: str) -> tuple[str, tuple[object, ...]]:
    if parsed(value):
        return ("definition = ?", (name_of(DEFINITION, value),))
    if value.endswith("*"):
        return ("definition >= ? AND definition < ?", (value[:-1], value[:-1] + _AFTER_ALL))
    return ("definition >= ? AND definition < ?", (f"{value}:", f"{value};"))
