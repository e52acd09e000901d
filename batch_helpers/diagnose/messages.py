"""Messages without what differs from job to job, so that alike ones can be counted together."""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 400
"""Characters of a reason that are looked at and shown."""

_PARTICULAR = re.compile(
    r"""\b[a-z][a-z0-9+.-]*://[^\s'",;]+"""  # URIs
    r"""|(?<!\w)arn:[^\s'",;]+"""
    r"""|(?<![\w./])~?(?:/[^\s'":,;/]+){2,}/?"""  # paths
    r"""|(?<![\w.-])(?!(?:EC2|S3)\b)[\w.-]*\d[\w.-]*""",  # numbers, and words that hold one: ids, samples
    re.IGNORECASE,
)


def signature(text: str) -> str:
    """`text` with URIs, paths, ids and numbers replaced by `…`."""
    return _signature(text[:LONGEST])


def shortened(text: str) -> str:
    """`text`, cut when it is too long to be shown."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


@lru_cache(maxsize=4096)
def _signature(text: str) -> str:
    return _PARTICULAR.sub("…", text)
