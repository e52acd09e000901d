"""What a new endpoint has from the start, so that a job can be submitted at once."""

from __future__ import annotations

from batch_helpers.serve.api.environments import create_compute_environment
from batch_helpers.serve.api.queues import create_job_queue
from batch_helpers.serve.service import Service

NAME = "local"
"""The compute environment and the job queue that a new endpoint has."""

_ENDLESS = 1_000_000


def provide(service: Service) -> None:
    """Make them, the first time that this state is served; deleted ones do not come back."""
    with service.database.transaction():
        if not service.database.once("defaults"):
            return
    vcpus = service.runner.capacity.vcpus
    resources = {
        "type": "EC2",
        "minvCpus": 0,
        "maxvCpus": _ENDLESS if vcpus is None else max(1, int(vcpus)),
        "instanceTypes": ["optimal"],
        "subnets": ["subnet-local"],
        "securityGroupIds": ["sg-local"],
        "instanceRole": "ecsInstanceRole",
    }
    environment = {"computeEnvironmentName": NAME, "type": "MANAGED", "computeResources": resources}
    create_compute_environment(service, environment)
    order = [{"order": 1, "computeEnvironment": NAME}]
    create_job_queue(service, {"jobQueueName": NAME, "priority": 1, "computeEnvironmentOrder": order})
