"""Workflows: container images, commands, S3 paths in and out, dependencies; saved as JSON, run on every engine."""

from __future__ import annotations

from batch_helpers.workflow.job import EZBatchJob, EZBatchJobDefinition
from batch_helpers.workflow.results import collect
from batch_helpers.workflow.workflow import EZBatchWorkflow

__all__ = ["EZBatchJob", "EZBatchJobDefinition", "EZBatchWorkflow", "collect"]
