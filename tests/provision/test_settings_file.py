"""The settings of a setup in the settings file, beside whatever is there already."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.errors import InvalidInput, ServiceError
from batch_helpers.provision.settings_file import as_toml, write_settings
from batch_helpers.settings import Settings

VALUES = {"engine": "aws", "queue": 'odd "name"', "maxvCpus": 64, "subnets": ["subnet-1", "subnet-2"]}


def loaded(path: Path, profile: str | None = None) -> dict[str, Any]:
    settings = Settings.load(profile, {"BATCH_HELPERS_CONFIG": str(path)})
    return {name: settings[name] for name in VALUES}


EXPECTED = {**VALUES, "subnets": ("subnet-1", "subnet-2")}


@pytest.mark.parametrize("profile", [None, "lab"])
def test_what_is_written_is_what_is_read(tmp_path: Path, profile: str | None) -> None:
    path = tmp_path / "new" / "folder" / "config.toml"
    write_settings(str(path), VALUES, profile)
    assert loaded(path, profile) == EXPECTED
    assert path.read_text() == as_toml(VALUES, profile)
    write_settings(str(path), VALUES, profile)
    assert path.read_text() == as_toml(VALUES, profile)


def test_everything_else_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '# mine\n[Settings]\nqueue = "old"  # the old one\nsse = "AES256"\n\n[profiles.home]\nengine = "local"\n'
    )
    write_settings(str(path), VALUES)
    text = path.read_text()
    assert text.startswith("# mine\n[Settings]\n")
    assert 'sse = "AES256"' in text
    assert loaded(path) == EXPECTED
    assert loaded(path, "home")["engine"] == "local"
    write_settings(str(path), VALUES, "lab")
    assert loaded(path, "lab") == EXPECTED
    assert loaded(path, "home")["engine"] == "local"


def test_a_file_that_is_none_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("this is = no [TOML\n")
    with pytest.raises(InvalidInput, match="line 1"):
        write_settings(str(path), VALUES)
    assert path.read_text() == "this is = no [TOML\n"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="cannot be written"):
        write_settings(str(tmp_path / "file" / "config.toml"), VALUES)


def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "config.toml"
    os.mkfifo(pipe)
    with pytest.raises(ServiceError, match="it is no file"):
        write_settings(str(pipe), VALUES)
    assert pipe.is_fifo()
    assert [item.name for item in tmp_path.iterdir()] == ["config.toml"]
