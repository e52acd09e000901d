"""Compute environments and job queues of AWS Batch."""

from __future__ import annotations

from batch_helpers.resources.aws.desk import Outcome
from batch_helpers.resources.aws.environment import ComputeEnvironment
from batch_helpers.resources.aws.environments import ComputeEnvironments
from batch_helpers.resources.aws.queue import JobQueue, TimeLimit
from batch_helpers.resources.aws.queues import JobQueues

__all__ = ["ComputeEnvironment", "ComputeEnvironments", "JobQueue", "JobQueues", "Outcome", "TimeLimit"]
