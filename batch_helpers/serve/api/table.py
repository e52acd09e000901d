"""Which operations this endpoint has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batch_helpers.serve.api import definitions, environments, jobs, logs, policies, queues, submitting, tags
from batch_helpers.serve.api.listing import list_jobs
from batch_helpers.serve.limits.jobs import check_payload
from batch_helpers.serve.service import Service
from batch_helpers.serve.wire.messages import Rendered

Handler = Callable[[dict[str, Any]], dict[str, Any] | Rendered]
Operation = Callable[[Service, dict[str, Any]], dict[str, Any] | Rendered]

_BATCH: Mapping[str, Operation] = {
    "SubmitJob": submitting.submit_job,
    "ListJobs": list_jobs,
    "DescribeJobs": jobs.describe_jobs,
    "CancelJob": jobs.cancel_job,
    "CancelJobs": jobs.cancel_jobs,
    "TerminateJob": jobs.terminate_job,
    "TerminateJobs": jobs.terminate_jobs,
    "RegisterJobDefinition": definitions.register_job_definition,
    "DeregisterJobDefinition": definitions.deregister_job_definition,
    "DescribeJobDefinitions": definitions.describe_job_definitions,
    "CreateComputeEnvironment": environments.create_compute_environment,
    "UpdateComputeEnvironment": environments.update_compute_environment,
    "DeleteComputeEnvironment": environments.delete_compute_environment,
    "DescribeComputeEnvironments": environments.describe_compute_environments,
    "CreateJobQueue": queues.create_job_queue,
    "UpdateJobQueue": queues.update_job_queue,
    "DeleteJobQueue": queues.delete_job_queue,
    "DescribeJobQueues": queues.describe_job_queues,
    "GetJobQueueSnapshot": queues.get_job_queue_snapshot,
    "CreateSchedulingPolicy": policies.create_scheduling_policy,
    "UpdateSchedulingPolicy": policies.update_scheduling_policy,
    "DeleteSchedulingPolicy": policies.delete_scheduling_policy,
    "DescribeSchedulingPolicies": policies.describe_scheduling_policies,
    "ListSchedulingPolicies": policies.list_scheduling_policies,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "ListTagsForResource": tags.list_tags_for_resource,
}
_LOGS: Mapping[str, Operation] = {
    "GetLogEvents": logs.get_log_events,
    "DescribeLogStreams": logs.describe_log_streams,
}

CHECKS_OF_SIZE: Mapping[str, Callable[[int], None]] = {
    "SubmitJob": check_payload,
    "RegisterJobDefinition": definitions.check_payload,
}
"""Limits on the bytes of a request, before anything in it is looked at."""


def handlers(service: Service) -> dict[tuple[str, str], Handler]:
    """The operations, by the names of their service and their own."""
    found: dict[tuple[str, str], Handler] = {}
    for name, table in (("batch", _BATCH), ("logs", _LOGS)):
        for operation, function in table.items():
            found[name, operation] = _bound(function, service)
    return found


def _bound(function: Operation, service: Service) -> Handler:
    return lambda request: function(service, request)
