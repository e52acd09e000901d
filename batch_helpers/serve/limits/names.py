"""Limits on names, tags and reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batch_helpers.serve.wire.errors import ClientException

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
TAGS = 50
REASON = 1024


def check_name(what: str, name: str) -> None:
    """128 letters, digits, `-` and `_`, a letter or digit first; `what` begins the message: "Job", "Job queue", …"""
    if not _NAME.fullmatch(name):
        raise ClientException(f"{what} name should match valid pattern")


def check_tags(tags: Mapping[str, Any]) -> None:
    """At most 50 on one resource; keys of 1 to 128 characters, not in AWS's own name space.

    https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html#tag-restrictions
    """
    if len(tags) > TAGS:
        raise ClientException(f"Number of tags must be at most {TAGS}, got {len(tags)}")
    for key in tags:
        if key.lower().startswith("aws:"):
            raise ClientException(f"Tag key {key!r} is reserved: it must not begin with aws:")


def check_reason(reason: str) -> None:
    """At most 1,024 characters: https://docs.aws.amazon.com/batch/latest/APIReference/API_TerminateJob.html"""
    if len(reason) > REASON:
        raise ClientException(f"Reason length must be at most {REASON}")
