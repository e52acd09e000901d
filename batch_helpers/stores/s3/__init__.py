"""Outputs in Amazon S3, and in what speaks its protocol."""

from __future__ import annotations

from batch_helpers.stores.s3.store import S3Store

__all__ = ["S3Store"]
