"""An answer of DescribeJobs: https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from batch_helpers.serve.arns import QUEUE, Arns
from batch_helpers.serve.jobs.logs import task_in
from batch_helpers.serve.jobs.tasks import streams_of
from batch_helpers.serve.state.rows import Detail
from batch_helpers.serve.texts.pieces import array_of, flags_of, inside, joined
from batch_helpers.serve.wire.messages import Rendered


class Times(NamedTuple):
    """When an attempt started, if it did, and stopped, in milliseconds, and its statusReason."""

    started_at: int | None
    stopped_at: int
    reason: str


class End(NamedTuple):
    """How a container ended, and its log stream; `name` is for those of ecsProperties."""

    name: str | None
    exit_code: int | None
    reason: str | None
    stream: str | None


class DetailWriter:
    """Writes answers about jobs."""

    def __init__(self, arns: Arns) -> None:
        self._arns = arns
        self._queue, self._instance = arns.arn(QUEUE, ""), arns.ecs("container-instance", "local/local")

    def answer(self, jobs: Iterable[Detail], arrays: Mapping[int, dict[str, int]]) -> Rendered:
        """A whole answer; `arrays` are the status summaries of arrays, by seq."""
        return Rendered(f'{{"jobs":[{",".join([self._text(job, arrays) for job in jobs])}]}}'.encode())

    def attempt(self, times: Times, end: End) -> str:
        """An attempt that has ended, of a job of one container."""
        return f'{{{_times(times)},"container":{{{joined(self._task(end.stream), _end(end))}}}}}'

    def task_attempt(self, times: Times, stream: str | None, ends: Iterable[End]) -> str:
        """An attempt that has ended, of a job that has ecsProperties; `stream` is that of its main container."""
        containers = ",".join([f'{{"name":{json.dumps(end.name)},{_end(end)}}}' for end in ends])
        task = joined(self._task(stream), f'"containers":[{containers}]')
        return f'{{{_times(times)},"container":{{}},"taskProperties":[{{{task}}}]}}'

    def _text(self, job: Detail, arrays: Mapping[int, dict[str, int]]) -> str:
        text = (
            f'{{{job.life},"jobQueue":"{self._queue}{job.queue}","attempts":[{job.attempts or ""}],'
            f'"tags":{job.tags},{self._containers(job)}'
        )
        array = "" if job.size is None else array_of(job.size, arrays[job.seq], "ArrayPropertiesDetail")
        return joined(text, flags_of(job.flags, "JobDetail"), array, inside(job.document)) + "}"

    def _containers(self, job: Detail) -> str:
        """The specification's container, with what is known of the latest attempt's."""
        task, ended = self._task(job.stream), _container(job.ended, job.stream)
        if job.task is None:
            return f'"container":{{{joined(inside(job.container), task, ended)}}}'
        properties = json.loads(job.task)
        if "containers" in properties:
            shown = f'"containers":[{",".join(_together(job, properties.pop("containers")))}]'
        else:
            shown = f'"containers":[{{{joined(inside(job.container), ended)}}}]'
        tasks = f'"taskProperties":[{{{joined(inside(json.dumps(properties)), task, shown)}}}]'
        return f'"container":{{}},"ecsProperties":{{{tasks}}}'

    def _task(self, stream: str | None) -> str:
        """The ECS task whose log goes to a stream, as members; none before it runs. This machine is its instance."""
        if stream is None:
            return ""
        task = self._arns.ecs("task", f"local/{task_in(stream)}")
        return f'"taskArn":"{task}","containerInstanceArn":"{self._instance}"'


def _together(job: Detail, containers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Several containers, each with what is known of it: how it ended stands in the attempt that has ended last."""
    attempts = json.loads(f"[{job.attempts or ''}]")
    last = attempts[-1]["taskProperties"][0]["containers"] if attempts and '"stoppedAt"' in job.life else []
    ends = {item["name"]: item for item in last}
    streams = streams_of(containers, job.definition, job.stream)
    for container in containers:
        name = container["name"]
        known = ends.get(name) or {"networkInterfaces": [], "logStreamName": streams[name]}
        yield json.dumps({**container, **{key: value for key, value in known.items() if value is not None}})


def _times(times: Times) -> str:
    started, stopped, reason = times
    begun = "" if started is None else f'"startedAt":{started}'
    return joined(begun, f'"stoppedAt":{stopped}', f'"statusReason":{json.dumps(reason)}')


def _end(end: End) -> str:
    exit_code = "" if end.exit_code is None else f'"exitCode":{end.exit_code}'
    reason = "" if end.reason is None else f'"reason":{json.dumps(end.reason)}'
    return _container(joined(exit_code, reason), end.stream)


def _container(ended: str, stream: str | None) -> str:
    log = "" if stream is None else f'"logStreamName":{json.dumps(stream)}'
    return joined('"networkInterfaces":[]', ended, log)
