"""Compute environments, job queues and job definitions of AWS Batch."""

from __future__ import annotations

from batch_helpers.resources.aws.definition import JobDefinition
from batch_helpers.resources.aws.definitions import JobDefinitions
from batch_helpers.resources.aws.desk import Outcome
from batch_helpers.resources.aws.environment import ComputeEnvironment
from batch_helpers.resources.aws.environments import ComputeEnvironments
from batch_helpers.resources.aws.queue import JobQueue, TimeLimit
from batch_helpers.resources.aws.queues import JobQueues

__all__ = [
    "ComputeEnvironment",
    "ComputeEnvironments",
    "JobDefinition",
    "JobDefinitions",
    "JobQueue",
    "JobQueues",
    "Outcome",
    "TimeLimit",
]
