"""Samples: a metadata table becomes rows of text, and rows of text become jobs."""

from batch_helpers.samples.fill import jobs_from
from batch_helpers.samples.table import read_samples

__all__ = ["jobs_from", "read_samples"]
