"""Azure Batch: jobs are tasks of Azure jobs, which run on a pool; a task's id makes the service refuse a second one."""

from batch_helpers.engines.azure.engine import AzureEngine

__all__ = ["AzureEngine"]
