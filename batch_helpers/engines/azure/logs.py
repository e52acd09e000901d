"""What a task has written, from the node that it ran on."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from batch_helpers.azure_client import azure_code, azure_errors
from batch_helpers.engines.azure.api import API
from batch_helpers.engines.azure.words import TaskPlace
from batch_helpers.errors import NotFound, ServiceError

FILES = ("stdout.txt", "stderr.txt")

_GONE = frozenset({"TaskFilesUnavailable", "TaskFilesCleanedup", "NodeNotFound", "NodeStateUnusable"})


def read(api: API, place: TaskPlace) -> Iterator[str]:
    """The lines of stdout, then of stderr; none when the files are not there yet, or their node is gone."""
    for file in _present(api, place):
        doing = f"read {file} of task {place.task!r}"
        content = api.ask("download_task_file", doing, place.azure_job, place.task, file)
        yield from _lines(content, doing)


def _present(api: API, place: TaskPlace) -> list[str]:
    """Which of the files there are. The SDK cannot read the refusal of a download, so that is not how to find out."""
    doing = f"list the files of task {place.task!r}"
    try:
        raws = list(api.pages("list_task_files", doing, place.azure_job, place.task, filter="startswith(name,'std')"))
    except NotFound:
        return []
    except ServiceError as exc:
        if azure_code(exc) in _GONE:
            return []
        raise
    names = {raw["name"] for raw in raws}
    return [file for file in FILES if file in names]


def _lines(content: Iterator[bytes], doing: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    with azure_errors(doing):
        for chunk in content:
            *whole, rest = (rest + decoder.decode(chunk)).split("\n")
            yield from (line.removesuffix("\r") for line in whole)
    if rest := rest + decoder.decode(b"", final=True):
        yield rest
