"""The file: its text as settings and profiles, or what is wrong with it and where. Pure but for reading it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batch_helpers.errors import InvalidInput
from batch_helpers.samples.nearest import did_you_mean, listed
from batch_helpers.settings.keys import KEYS

SETTINGS, PROFILES = "Settings", "profiles"

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: settings that always hold, and those of each profile; what is empty in it says nothing."""

    path: str
    settings: Values = field(default_factory=dict)
    profiles: Mapping[str, Values] = field(default_factory=dict)

    def profile(self, name: str) -> Values:
        """The settings of a profile. Raises InvalidInput, with the nearest name, when there is none of this name."""
        if name not in self.profiles:
            hint = did_you_mean(name, self.profiles) or f"; there are: {listed(self.profiles) or 'none'}"
            raise InvalidInput(f"{self.path}: there is no profile {name!r}{hint}")
        return self.profiles[name]


def read(path: str) -> Document:
    """The document of a file. Raises InvalidInput with the line and the column, or the key, that is wrong."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as exc:
        raise InvalidInput(f"{path}: cannot be read: {exc.strerror}") from exc
    try:
        text = content.decode()
    except UnicodeDecodeError as exc:
        where = _place(content[: exc.start].decode())
        raise InvalidInput(f"{path}: not TOML: {where}: byte {content[exc.start]:#04x} is no UTF-8") from exc
    return parse(path, text)


def parse(path: str, text: str) -> Document:
    """The document of a file's text; errors as for `read`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        place = f" ({_place(text)})" if "end of document" in str(exc) else ""
        raise InvalidInput(f"{path}: not TOML: {exc}{place}") from exc
    for name in tables:
        if name not in (SETTINGS, PROFILES):
            hint = f": put it under [{SETTINGS}]" if name in KEYS else did_you_mean(name, (SETTINGS, PROFILES))
            raise InvalidInput(
                f"{path}: {name!r} is not known at the top{hint}; there are [{SETTINGS}] and [{PROFILES}.NAME]"
            )
    profiles = _table(path, PROFILES, tables.get(PROFILES, {}))
    return Document(
        path,
        _values(path, SETTINGS, tables.get(SETTINGS, {})),
        {name: _values(path, f"{PROFILES}.{name}", table) for name, table in profiles.items()},
    )


def _values(path: str, section: str, table: Any) -> Values:
    values = {}
    for name, given in _table(path, section, table).items():
        if name not in KEYS:
            hint = did_you_mean(name, KEYS) or f"; there are {listed(KEYS)}"
            raise InvalidInput(f"{path}: [{section}] {name!r} is not known{hint}")
        if given in ("", []):
            continue
        try:
            values[name] = KEYS[name].read(given)
        except ValueError as exc:
            raise InvalidInput(f"{path}: [{section}] {name}={given!r}: {exc}") from exc
    return values


def _table(path: str, section: str, table: Any) -> Mapping[str, Any]:
    if not isinstance(table, dict):
        raise InvalidInput(f"{path}: {section}={table!r}: this is a section: write [{section}] and its settings below")
    return table


def _place(before: str) -> str:
    """The place after this text."""
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"
