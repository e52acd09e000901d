"""AWS Batch: jobs run in job queues on AWS; every call passes one gate, and SubmitJob is sent once per decision."""

from batch_helpers.engines.aws.contents import definition_name
from batch_helpers.engines.aws.engine import AWSEngine
from batch_helpers.engines.aws.spill import Spill

__all__ = ["AWSEngine", "Spill", "definition_name"]
