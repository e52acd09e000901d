"""An account on moto with queues and definitions in it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from batch_helpers.aws_client import AWSAccess


def furnish(access: AWSAccess, queues: Iterable[str] = (), definitions: Iterable[str] = ()) -> None:
    """Make these queues on one compute environment, and these definitions, each of an image `image-of-<name>`."""
    batch = access.client("batch")
    role = access.client("iam").create_role(RoleName="service", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    environment = batch.create_compute_environment(
        computeEnvironmentName="environment", type="UNMANAGED", state="ENABLED", serviceRole=role
    )["computeEnvironmentArn"]
    for queue in queues:
        order = [{"order": 1, "computeEnvironment": environment}]
        batch.create_job_queue(jobQueueName=queue, state="ENABLED", priority=1, computeEnvironmentOrder=order)
    for name in definitions:
        needs = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}]
        container = {"image": f"image-of-{name}", "command": ["true"], "resourceRequirements": needs}
        batch.register_job_definition(jobDefinitionName=name, type="container", containerProperties=container)


def moto_batch_without_docker(url: str) -> None:
    """Let a moto server finish jobs at once instead of running them in docker."""
    request = urllib.request.Request(
        f"{url}/moto-api/config",
        data=json.dumps({"batch": {"use_docker": False}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()


def moto_in_process() -> AbstractContextManager[Any]:
    """moto behind every boto3 client of this process."""
    from moto import mock_aws

    return mock_aws(config={"batch": {"use_docker": False}})


def moto_jobs() -> dict[str, Any]:
    """moto's own jobs by their ids, in process or on a server in its threads; their states can be set."""
    from moto.batch.models import batch_backends
    from moto.core import DEFAULT_ACCOUNT_ID

    jobs: dict[str, Any] = batch_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]._jobs
    return jobs
