"""How an array's table comes to its children: in their command, in their definition, or from S3. Pure."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from batch_helpers.engines.aws import images
from batch_helpers.engines.aws.arrays import scripts
from batch_helpers.engines.aws.arrays.table import Table
from batch_helpers.engines.aws.contents import MAX_CONTENT
from batch_helpers.engines.aws.limits import MAX_OVERRIDES
from batch_helpers.errors import InvalidInput, ServiceError

_MOST_IN_COMMAND = MAX_OVERRIDES - 800
"""The service's own environment, and the array's resources, take the rest."""
_MOST_IN_DEFINITION = MAX_CONTENT - 800


@dataclass(frozen=True, slots=True)
class Carrier:
    """command: of the children; empty when it stands in the definition. content: of a definition made for this array.

    uri: where the table has to lie before the array is submitted.
    """

    command: tuple[str, ...] = ()
    content: Mapping[str, Any] | None = None
    uri: str | None = None


def inline(table: Table, image: str | None, *, spare: float = 0.0) -> Carrier | None:
    """A carrier that needs nothing but the image's own tools, or None where the table is too long for that.

    spare: the share of the room that is to be left over.
    """
    for command in _inline_commands(table):
        if _length(command) <= _MOST_IN_COMMAND * (1 - spare):
            return Carrier(command)
    if image is None:
        return None
    content = images.content(image)
    content["containerProperties"]["command"] = list(command)
    return Carrier(content=content) if _length(content) <= _MOST_IN_DEFINITION * (1 - spare) else None


def from_s3(table: Table, uri: str, url: str) -> Carrier:
    """A carrier whose children fetch their block; `url` is for tools that cannot sign, if it is not too long."""
    places = " ".join(map(str, table.blocks))
    command = ("/bin/sh", "-c", scripts.FETCHED, scripts.NAME, uri, places)
    signed = (*command, url)
    return Carrier(signed if _length(signed) <= _MOST_IN_COMMAND else command, uri=uri)


def too_long(table: Table) -> InvalidInput:
    """What is raised where no carrier will do."""
    return InvalidInput(
        f"an array of {len(table.names)} jobs, from {table.names[0]} on, needs a table of {len(table.content)} bytes, "
        f"which does not fit into a definition ({MAX_CONTENT} bytes) or a command ({MAX_OVERRIDES}), packed neither: "
        "give a place where it may be kept: AWSBatchHelper(spill='s3://bucket/prefix')"
    )


def carried(command: Sequence[str]) -> Table | str | None:
    """The table in an array's command, or the URI where it lies; None for a command that is not of ours.

    Raises ServiceError for a table that cannot be read.
    """
    if len(command) < 5 or command[3] != scripts.NAME:
        return None
    if command[2] == scripts.PLAIN:
        return Table(command[4].encode())
    if command[2] == scripts.PACKED:
        return Table(_unpacked(command[4]))
    return command[4]


def _inline_commands(table: Table) -> list[tuple[str, ...]]:
    """The plain one first, which asks least of the image; then the short one."""
    packed = base64.b64encode(gzip.compress(table.content, mtime=0)).decode()
    commands: list[tuple[str, ...]] = [("/bin/sh", "-c", scripts.PACKED, scripts.NAME, packed)]
    if len(table.content) <= _MOST_IN_COMMAND:
        with suppress(UnicodeDecodeError):
            commands.insert(0, ("/bin/sh", "-c", scripts.PLAIN, scripts.NAME, table.content.decode()))
    return commands


def _unpacked(packed: str) -> bytes:
    try:
        return gzip.decompress(base64.b64decode(packed, validate=True))
    except (ValueError, EOFError, OSError) as exc:
        raise ServiceError("it is malformed") from exc


def _length(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")))
