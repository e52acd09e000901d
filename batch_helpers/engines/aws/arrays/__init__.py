"""Array jobs: many jobs as one submission, each child still its own job by name and fingerprint."""

from batch_helpers.engines.aws.arrays.arrays import Arrays

__all__ = ["Arrays"]
