"""The commands that remedies name are commands that there are."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import click
import pytest

import batch_helpers
from batch_helpers.cli import _COMMANDS

ROOT = Path(batch_helpers.__file__).parent
NAMED = re.compile(r"batch-helpers ([a-z][a-z-]*)(?: ([a-z][a-z-]+))?")
ROOMS = ("doctor", "diagnose", "provision", "resources", "settings")


def named() -> set[tuple[str, str]]:
    """The commands that texts of these rooms name, each with the word after it."""
    texts = [path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {(match[1], match[2] or "") for text in texts for match in NAMED.finditer(text)}


def test_remedies_name_commands() -> None:
    assert {"setup", "doctor", "job-queue", "compute-environment"} <= {command for command, _ in named()}


@pytest.mark.parametrize(("command", "word"), sorted(named()))
def test_a_command_that_a_remedy_names_is_there(command: str, word: str) -> None:
    assert command in _COMMANDS
    found: click.Command = import_module(f"batch_helpers.cli.{command.replace('-', '_')}").command
    if isinstance(found, click.Group) and word:
        assert word in found.commands, f"batch-helpers {command} has no {word}"
