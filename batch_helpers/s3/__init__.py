"""S3 paths that a job reads and writes, and the step that sees whether it will be able to."""

from __future__ import annotations

from batch_helpers.s3.mounts import S3Mount, S3Mounts

__all__ = ["S3Mount", "S3Mounts"]
