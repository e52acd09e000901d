"""The settings of an account that setup has made ready, and the file that takes them when that is asked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import Any

from batch_helpers.errors import ServiceError
from batch_helpers.provision.setup import Survey
from batch_helpers.settings.document import PROFILES, SETTINGS, read


def settings_of(survey: Survey) -> dict[str, Any]:
    """Settings by the names that batch_helpers.settings knows; roles that are not there yet by their names."""
    plan = survey.blueprint
    names = {use: survey.arns.get(use) or plan.choices.roles.get(use) or plan.role_name(use) for use in _ROLES}
    return {
        "engine": "aws",
        "queue": plan.choices.name,
        **{key: names[use] for use, key in _ROLES.items()},
        "maxvCpus": plan.choices.max_vcpus,
        "subnets": list(survey.network.subnets),
        "securityGroupIds": list(survey.network.security_group_ids),
    }


_ROLES: Mapping[str, str] = {
    "execution": "executionRoleArn",
    "task": "taskRoleArn",
    "service": "serviceRole",
    "instance": "instanceRole",
}


def as_toml(values: Mapping[str, Any], profile: str | None = None) -> str:
    """The text of a settings file with these values in it."""
    import tomlkit

    return tomlkit.dumps({PROFILES: {profile: dict(values)}} if profile else {SETTINGS: dict(values)})


def write_settings(path: str, values: Mapping[str, Any], profile: str | None = None) -> None:
    """Put these values into the file, which is made when it is not there; everything else in it stays as it is.

    Raises InvalidInput for a file that is no settings file, ServiceError for what cannot be written.
    """
    import tomlkit

    text = settings_text(path)
    try:
        document: Any = tomlkit.parse(text)
        section = document
        for name in (PROFILES, profile) if profile else (SETTINGS,):
            section = section.setdefault(name, tomlkit.table())
        section.update(values)
        _replace(path, tomlkit.dumps(document))
    except OSError as exc:
        raise ServiceError(f"{path}: cannot be written: {exc.strerror}") from exc


def settings_text(path: str) -> str:
    """The text of a settings file, once it has been found good; none when it is not there.

    Raises InvalidInput for what is wrong in it, ServiceError for what is no file: a device such as /dev/null must not
    be replaced by one.
    """
    if not os.path.exists(path):
        return ""
    if not os.path.isfile(path):
        raise ServiceError(f"{path}: cannot be written: it is no file; BATCH_HELPERS_CONFIG may name another")
    read(path)
    with open(path, encoding="utf-8") as file:
        return file.read()


def _replace(path: str, text: str) -> None:
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".config-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, path)
    except OSError:
        os.unlink(draft)
        raise
