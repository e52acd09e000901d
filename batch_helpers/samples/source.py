"""A metadata file as text: found, readable, not a workbook, UTF-8."""

from __future__ import annotations

import os
from pathlib import Path

from batch_helpers.errors import InvalidSamples
from batch_helpers.uris import local_path

_SAVE_AS = "save the table as CSV, encoded in UTF-8"
_BINARY = {
    b"PK\x03\x04": "an Excel workbook or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed with gzip",
    b"\xff\xfe": "encoded in UTF-16",
    b"\xfe\xff": "encoded in UTF-16",
}


def read_text(path: str | os.PathLike[str]) -> str:
    """The file's text with line ends as newlines and without byte order marks; InvalidSamples when it is no text."""
    data = _read_bytes(os.fspath(path))
    for magic, what in _BINARY.items():
        if data.startswith(magic):
            raise InvalidSamples(f"{path} is {what}, not a text table: {_SAVE_AS}")
    if b"\0" in data:
        raise InvalidSamples(f"{path} is a binary file, not a text table: {_SAVE_AS}")
    text = _decoded(path, data)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read_bytes(path: str) -> bytes:
    place = local_path(path)
    if place is None:
        raise InvalidSamples(f"{path}: samples are read from local files; copy it here first")
    try:
        return Path(place).read_bytes()
    except FileNotFoundError as exc:
        raise InvalidSamples(f"{path}: there is no such file (looked for {place})") from exc
    except IsADirectoryError as exc:
        raise InvalidSamples(f"{path} is a folder: name the CSV or TSV file in it") from exc
    except OSError as exc:
        raise InvalidSamples(f"{path} cannot be read: {exc.strerror or exc}") from exc


def _decoded(path: str | os.PathLike[str], data: bytes) -> str:
    try:
        # Byte order marks also stand in the middle, where files were joined.
        return data.decode().replace("\ufeff", "")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        problem = f"byte 0x{data[exc.start]:02x} at offset {exc.start} is not UTF-8"
        raise InvalidSamples(f"{path}, line {line}: {problem}; {_SAVE_AS}") from exc
