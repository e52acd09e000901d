"""The command line before it does anything: help, completion, and what it costs to ask."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module

import click
import pytest

from batch_helpers.cli import main
from batch_helpers.cli.where import Where
from batch_helpers.errors import InvalidInput

pytestmark = pytest.mark.slow

COMMANDS = [
    "cancel",
    "doctor",
    "jobs",
    "logs",
    "monitor",
    "plan",
    "run",
    "samples",
    "setup",
    "status",
    "teardown",
    "workflow",
]
BARE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def called(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "from batch_helpers.cli import main; main(prog_name='batch-helpers')"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**BARE, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_without_credentials_or_region(name: str) -> None:
    ended = called(name, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Usage: batch-helpers {name}")


def test_the_help_lists_every_command() -> None:
    ended = called("--help")
    assert ended.returncode == 0
    listed = {line.split()[0] for line in ended.stdout.splitlines() if line.startswith("  ") and line.split()}
    assert set(COMMANDS) <= listed


def test_completion_knows_the_commands_and_their_options() -> None:
    asked = {"_BATCH_HELPERS_COMPLETE": "bash_complete", "COMP_CWORD": "1", "COMP_WORDS": "batch-helpers wor"}
    assert "workflow" in called(**asked).stdout
    asked |= {"COMP_CWORD": "2", "COMP_WORDS": "batch-helpers run --de"}
    assert {"plain,--detach", "plain,--deregister"} <= set(called(**asked).stdout.split())


@pytest.mark.parametrize("name", ["run", "plan", "status", "monitor", "logs", "cancel"])
def test_every_command_that_runs_something_takes_the_same_options(name: str) -> None:
    command: click.Command = import_module(f"batch_helpers.cli.{name}").command
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--engine", "--queue", "--profile", "--region", "--json"} <= options


WALK = """
import click, sys
from click.testing import CliRunner
from batch_helpers.cli import main

def walk(command, words):
    ended = CliRunner().invoke(main, [*words, "--help"], prog_name="batch-helpers")
    assert ended.exit_code == 0, (words, ended.output)
    assert ended.stdout.startswith(" ".join(["Usage: batch-helpers", *words])), ended.stdout
    print(*words)
    if isinstance(command, click.Group):
        for name in command.list_commands(None):
            walk(command.get_command(None, name), [*words, name])

walk(main, [])
print(sorted({"boto3", "pandas", "rich", "tabulate", "tenacity", "psutil"} & set(sys.modules)))
"""


def test_help_of_every_command_needs_no_region_and_no_credentials_and_loads_neither_sdk_nor_tables() -> None:
    ended = subprocess.run([sys.executable, "-c", WALK], env=BARE, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    *walked, loaded = ended.stdout.splitlines()
    assert {*COMMANDS, "compute-environment create", "job-queue toggle", "job-definition prune"} <= set(walked)
    assert loaded == "[]"


def test_an_unknown_command_is_a_usage_error() -> None:
    ended = called("rum")
    assert ended.returncode == 2
    assert "No such command 'rum'" in ended.stderr


def test_the_group_is_called_as_it_is_installed() -> None:
    assert isinstance(main, click.Group)


def test_where_jobs_run_may_be_said_before_the_command_or_after_it() -> None:
    asked = ["--engine", "moon", "jobs", "list"]
    assert "engine 'moon' is not known" in called(*asked).stderr
    assert "engine 'sun' is not known" in called(*asked, "--engine", "sun").stderr
    assert "--containers docker is for --engine local" in called("--containers", "docker", "jobs", "list").stderr


def test_azure_is_an_engine_with_jobs_and_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    from batch_helpers.engines.azure import AzureEngine

    helper = Where("azure", queue="run-1", pool="big").helper()
    assert isinstance(helper.engine, AzureEngine)
    assert (helper.job_queue, helper.engine.jobs.pool) == ("run-1", "big")
    with pytest.raises(InvalidInput, match="--profile x is for --engine aws, and this is azure"):
        Where("azure", profile="x").helper()
    with pytest.raises(InvalidInput, match="--pool x is for --engine azure, and this is aws"):
        Where("aws", pool="x").helper()
