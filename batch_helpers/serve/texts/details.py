"""An answer of DescribeJobs: https://docs.aws.amazon.com/batch/latest/APIReference/API_JobDetail.html"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from batch_helpers.serve.arns import QUEUE, Arns
from batch_helpers.serve.jobs.logs import task_in
from batch_helpers.serve.state.rows import Detail
from batch_helpers.serve.texts.pieces import array_of, flags_of, inside, joined
from batch_helpers.serve.wire.messages import Rendered


class DetailWriter:
    """Writes answers about jobs."""

    def __init__(self, arns: Arns) -> None:
        self._arns = arns
        self._queue, self._instance = arns.arn(QUEUE, ""), arns.ecs("container-instance", "local/local")

    def answer(self, jobs: Iterable[Detail], arrays: Mapping[int, dict[str, int]]) -> Rendered:
        """A whole answer; `arrays` are the status summaries of arrays, by seq."""
        return Rendered(f'{{"jobs":[{",".join([self._text(job, arrays) for job in jobs])}]}}'.encode())

    def attempt(
        self, times: tuple[int | None, int], ended: str, reason: str, stream: str | None, ecs: str | None
    ) -> str:
        """An attempt that has ended.

        times: when it started, if it did, and stopped. ended: how its container did, as members. reason: its
        statusReason. ecs: the container's name in a job that has ecsProperties.
        """
        started, stopped = times
        begun = "" if started is None else f'"startedAt":{started}'
        text = joined(begun, f'"stoppedAt":{stopped}', f'"statusReason":{json.dumps(reason)}')
        task, container = self._task(stream), _container(ended, stream)
        if ecs is None:
            return f'{{{text},"container":{{{joined(task, container)}}}}}'
        containers = f'"containers":[{{"name":{json.dumps(ecs)},{container}}}]'
        return f'{{{text},"container":{{}},"taskProperties":[{{{joined(task, containers)}}}]}}'

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
        containers = f'"containers":[{{{joined(inside(job.container), ended)}}}]'
        tasks = f'"taskProperties":[{{{joined(inside(job.task), task, containers)}}}]'
        return f'"container":{{}},"ecsProperties":{{{tasks}}}'

    def _task(self, stream: str | None) -> str:
        """The ECS task whose log goes to a stream, as members; none before it runs. This machine is its instance."""
        if stream is None:
            return ""
        task = self._arns.ecs("task", f"local/{task_in(stream)}")
        return f'"taskArn":"{task}","containerInstanceArn":"{self._instance}"'


def ended_as(code: int | None, reason: str | None) -> str:
    """How a container ended, as members."""
    exit_code = "" if code is None else f'"exitCode":{code}'
    return joined(exit_code, "" if reason is None else f'"reason":{json.dumps(reason)}')


def _container(ended: str, stream: str | None) -> str:
    log = "" if stream is None else f'"logStreamName":{json.dumps(stream)}'
    return joined('"networkInterfaces":[]', ended, log)
