"""AWS Batch: jobs run in job queues on AWS; every call passes one gate, and SubmitJob is sent once per decision."""

from batch_helpers.engines.aws.contents import definition_name
from batch_helpers.engines.aws.engine import AWSEngine

__all__ = ["AWSEngine", "definition_name"]
