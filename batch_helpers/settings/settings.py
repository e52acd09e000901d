"""Each setting's value, and where it came from: the environment, a profile, the file, or the default."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from batch_helpers.errors import InvalidInput
from batch_helpers.samples.nearest import did_you_mean
from batch_helpers.settings.document import PROFILES, SETTINGS, Document, read
from batch_helpers.settings.keys import KEYS

PATH_VARIABLE, PROFILE_VARIABLE = "BATCH_HELPERS_CONFIG", "BATCH_HELPERS_PROFILE"

DEFAULT, ENVIRONMENT, FILE = "default", "environment", "file"


FOR_AWS = ("rate", "array", "spill")
"""Settings that are arguments of AWSBatchHelper."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, None or () when nobody has set it. kind: `default`, `environment` or `file`; source: exactly where."""

    name: str
    value: Any
    kind: str
    source: str


class Settings(Mapping[str, Any]):
    """The values of all settings by name; nothing is read but by `load`, and nothing is ever written."""

    def __init__(self, found: Mapping[str, Setting], path: str, profile: str | None = None) -> None:
        self._found, self.path, self.profile = found, path, profile

    @classmethod
    def load(cls, profile: str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
        """What holds now: the environment before the profile, before the file's [Settings], before the defaults.

        profile: of the file; None is what BATCH_HELPERS_PROFILE says. Raises InvalidInput for a file that cannot be
        read, with the line and the column, the unknown name and the nearest one, or the value that cannot be.
        """
        environ = os.environ if environ is None else environ
        path, profile = config_path(environ), profile or environ.get(PROFILE_VARIABLE) or None
        there = os.path.exists(path)
        if not there and environ.get(PATH_VARIABLE):
            raise InvalidInput(f"{PATH_VARIABLE}={path}: there is no such file")
        if not there and profile:
            raise InvalidInput(
                f"profile {profile!r}: there is no {path} to have one: write [{PROFILES}.{profile}] there"
            )
        document = read(path) if there else Document(path)
        chosen = document.profile(profile) if profile else {}
        return cls({name: _found(name, environ, document, chosen, profile) for name in KEYS}, path, profile)

    def setting(self, name: str) -> Setting:
        """The value of a setting, and where it came from. Raises KeyError with the nearest name."""
        if name not in self._found:
            raise KeyError(f"{name!r} is no setting{did_you_mean(name, KEYS)}")
        return self._found[name]

    def first(self, name: str, given: Any) -> Any:
        """What was given, as by a flag, or the setting when nothing was."""
        return self[name] if given in (None, ()) else given

    def connection(self) -> dict[str, Any]:
        """The arguments for `batch_helpers.connect` that are set: engine, job_queue and those that only AWS takes."""
        given = {"engine": self["engine"], "job_queue": self["queue"]}
        if self["engine"] == "aws":
            given |= {name: self[name] for name in FOR_AWS}
        return {name: value for name, value in given.items() if value is not None}

    def __getitem__(self, name: str) -> Any:
        return self.setting(name).value

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def config_path(environ: Mapping[str, str] | None = None) -> str:
    """The file that is read: BATCH_HELPERS_CONFIG, or `config.toml` where this system keeps such files."""
    from platformdirs import user_config_path

    environ = os.environ if environ is None else environ
    return environ.get(PATH_VARIABLE) or str(user_config_path("batch_helpers", appauthor=False) / "config.toml")


def _found(
    name: str, environ: Mapping[str, str], document: Document, chosen: Mapping[str, Any], profile: str | None
) -> Setting:
    key = KEYS[name]
    if given := environ.get(key.variable):
        try:
            return Setting(name, key.read(given), ENVIRONMENT, key.variable)
        except ValueError as exc:
            raise InvalidInput(f"{key.variable}={given!r}: {exc}") from exc
    if name in chosen:
        return Setting(name, chosen[name], FILE, f"[{PROFILES}.{profile}] of {document.path}")
    if name in document.settings:
        return Setting(name, document.settings[name], FILE, f"[{SETTINGS}] of {document.path}")
    return Setting(name, key.default, DEFAULT, DEFAULT)
