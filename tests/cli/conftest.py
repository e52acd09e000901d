from __future__ import annotations

import io
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.workflow.conftest import account

__all__ = ["account"]

ROOT = Path(__file__).parents[2]


class CommandLine:
    """`batch-helpers NAME ARGUMENTS...` in this process."""

    def __call__(self, name: str, *arguments: str, **environment: str) -> Result:
        command = import_module(f"batch_helpers.cli.{name.replace(chr(45), chr(95))}").command
        return CliRunner(env=environment).invoke(command, list(arguments), prog_name=f"batch-helpers {name}")

    def good(self, name: str, *arguments: str) -> str:
        """Its stdout; it must have ended with 0."""
        ended = self(name, *arguments)
        assert ended.exit_code == 0, (ended.stdout, ended.stderr, ended.exception)
        return ended.stdout

    def bad(self, code: int, name: str, *arguments: str) -> str:
        """Its stderr; it must have ended with this code, without a traceback, and with nothing on stdout."""
        ended = self(name, *arguments)
        assert ended.exit_code == code, (ended.stdout, ended.stderr, ended.exception)
        assert isinstance(ended.exception, SystemExit)
        assert ended.stdout == ""
        return ended.stderr


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in ("BATCH_HELPERS_ENGINE", "BATCH_HELPERS_QUEUE"):
        monkeypatch.delenv(name, raising=False)
    return CommandLine()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def saved(path: Path, jobs: dict[str, Any], dependencies: dict[str, list[str]] | None = None, **more: Any) -> str:
    """A workflow file; jobs are given as commands, or as mappings without their image."""
    given = {name: {"command": job} if isinstance(job, str) else job for name, job in jobs.items()}
    document = {
        "name": "w",
        "jobs": {name: {"image": "ubuntu", "platform": "EC2", **job} for name, job in given.items()},
    }
    path.write_text(json.dumps({**document, "dependencies": dependencies or {}, **more}))
    return str(path)


def lines(text: str) -> list[list[str]]:
    """The cells of tab-separated lines."""
    return [line.split("\t") for line in io.StringIO(text).read().splitlines()]
