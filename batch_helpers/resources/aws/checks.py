"""What AWS would refuse of a name, tags or a reference, said before it is asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from batch_helpers.errors import InvalidInput
from batch_helpers.words import nearest

MAX_TAGS = 50
"""https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html#tag-restrictions"""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_TAG_KEY, _TAG_VALUE = 128, 256


def short(name_or_arn: str) -> str:
    """The plain name of a resource or a role, whichever way it is given."""
    return name_or_arn.rsplit("/", 1)[-1]


def check_name(what: str, name: str) -> None:
    """Raise InvalidInput for a name that AWS Batch refuses. what: `compute environment`, `job queue`, …

    https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateComputeEnvironment.html
    """
    if not _NAME.fullmatch(name):
        wanted = "give 1 to 128 letters, digits, - and _, a letter or digit first"
        raise InvalidInput(f"{what}: name={name!r} ({len(name)} characters): {wanted}")


def check_tags(what: str, tags: Mapping[str, str]) -> None:
    """Raise InvalidInput for tags that AWS refuses. what: whose tags, for the message."""
    if len(tags) > MAX_TAGS:
        raise InvalidInput(f"{what}: {len(tags)} tags: {MAX_TAGS} is the most")
    for key, value in tags.items():
        if not 1 <= len(key) <= _TAG_KEY or key.lower().startswith("aws:"):
            raise InvalidInput(f"{what}: tag {key!r}: give a key of 1 to {_TAG_KEY} characters that is not aws:…")
        if len(value) > _TAG_VALUE:
            raise InvalidInput(f"{what}: tag {key!r}: its value has {len(value)} characters; {_TAG_VALUE} is the most")


def check_one_of(what: str, value: str, known: Collection[str]) -> None:
    """Raise InvalidInput, with the nearest one, for a value that is not among those known."""
    if value not in known:
        raise InvalidInput(f"{what}={value!r}{nearest(value, known)}")
