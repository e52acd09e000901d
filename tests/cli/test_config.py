"""`config show` says what holds and where it came from, and what holds is what commands go by."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from batch_helpers.cli import main
from batch_helpers.cli.outcome import ending
from batch_helpers.cli.where import Where, where_options
from batch_helpers.serve import serve
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow
from tests.cli.conftest import CommandLine, lines, saved

FILE = '[Settings]\nqueue = "spot"\nrate = 7\nsubnets = ["a", "b"]\n[profiles.here]\nengine = "local"\nqueue = "mine"\n'


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: CommandLine) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    monkeypatch.setenv("BATCH_HELPERS_CONFIG", str(path))
    return path


@click.command()
@ending
@where_options
def looking(where: Where) -> int:
    click.echo(f"{where.engine} {where.queue} {where.rate}")
    return 0


def place(*arguments: str, **environ: str) -> str:
    ended = CliRunner(env=environ).invoke(looking, arguments)
    assert ended.exit_code == 0, ended.stderr
    return ended.stdout.strip()


def test_config_show_says_each_value_and_its_source(cli: CommandLine, config: Path) -> None:
    shown = {name: (value, source) for name, value, source in lines(cli.good("config", "show"))}
    assert shown["queue"] == ("spot", f"[Settings] of {config}")
    assert shown["subnets"] == ("a, b", f"[Settings] of {config}")
    assert shown["engine"] == ("aws", "default")
    assert shown["outputs"] == ("-", "default")


def test_config_show_is_json_on_request_and_of_what_is_named(cli: CommandLine, config: Path) -> None:
    shown = json.loads(cli.good("config", "show", "rate", "subnets", "--json"))
    source = f"[Settings] of {config}"
    assert shown == {"rate": {"value": 7.0, "source": source}, "subnets": {"value": ["a", "b"], "source": source}}
    assert cli.bad(2, "config", "show", "subnet") == "batch-helpers: 'subnet' is no setting; did you mean 'subnets'?\n"


def test_config_path_is_told_though_nothing_is_there(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_HELPERS_CONFIG", "/nowhere.toml")
    assert cli.good("config", "path") == "/nowhere.toml\n"
    assert "there is no such file" in cli.bad(2, "config", "show")


def test_a_bad_file_stops_a_command_with_one_line(cli: CommandLine, config: Path) -> None:
    config.write_text("[Settings]\nqueue = ")
    for name, *more in (("config", "show"), ("jobs", "list"), ("status", "w.json")):
        told = cli.bad(2, name, *more)
        assert told.startswith(f"batch-helpers: {config}: not TOML: ")
        assert "line 2, column 9" in told


def test_commands_go_by_the_flag_then_the_environment_then_the_file(config: Path) -> None:
    assert place() == "aws spot 7.0"
    assert place("--queue", "flag", BATCH_HELPERS_QUEUE="env") == "aws flag 7.0"
    assert place(BATCH_HELPERS_QUEUE="env") == "aws env 7.0"
    assert place(BATCH_HELPERS_PROFILE="here") == "local mine None"


def test_the_queue_of_a_file_is_not_taken_on_another_engine_than_the_files(config: Path) -> None:
    assert place("--engine", "local") == "local None None"
    assert place("--engine", "local", BATCH_HELPERS_QUEUE="env") == "local env None"
    assert place("--engine", "aws", BATCH_HELPERS_PROFILE="here") == "aws None 7.0"


def test_config_profile_chooses_a_profile_for_any_command(config: Path) -> None:
    def shown(*arguments: str) -> Any:
        ended = CliRunner().invoke(main, [*arguments, "config", "show", "queue", "--json"])
        return json.loads(ended.stdout)["queue"] if ended.exit_code == 0 else ended.stderr

    assert shown()["value"] == "spot"
    assert shown("--config-profile", "here") == {"value": "mine", "source": f"[profiles.here] of {config}"}
    assert "no profile 'hree'; did you mean 'here'?" in shown("--config-profile", "hree")


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS Batch on this machine, for all that runs in this process; no region."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with serve(tmp_path / "serve", instant=True) as endpoint:
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        for name, value in {**endpoint.environment, **keys}.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.mark.slow
def test_run_takes_the_roles_that_are_set(
    cli: CommandLine, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: None
) -> None:
    config.write_text('[Settings]\nqueue = "local"\nexecutionRoleArn = "set"\ntaskRoleArn = "task"\n')
    file = saved(tmp_path / "w.json", {"a": "true"})
    monkeypatch.setenv("BATCH_HELPERS_TASK_ROLE_ARN", "env")
    cli.good("run", file, "--detach", "--region", "us-east-1")
    [found] = lines(cli.good("job-definition", "list", "--region", "us-east-1"))
    described = cli.good("job-definition", "describe", found[0], "--region", "us-east-1", "--json")
    container = json.loads(described)["containerProperties"]
    assert (container["executionRoleArn"], container["jobRoleArn"]) == ("set", "env")


@pytest.mark.slow
def test_profile_and_region_may_stand_before_the_command(batch: None) -> None:
    ended = CliRunner().invoke(main, ["--region", "us-east-1", "job-queue", "list"])
    assert ended.exit_code == 0, ended.stderr
    assert lines(ended.stdout)[0][0] == "local"
    told = CliRunner().invoke(main, ["--profile", "nobody", "job-queue", "list"])
    assert (told.exit_code, "nobody" in told.stderr) == (4, True)


@pytest.mark.slow
def test_a_sweep_goes_out_as_one_array_by_flag_or_by_setting(
    cli: CommandLine, config: Path, tmp_path: Path, batch: None
) -> None:
    def ids(*flags: str) -> list[str]:
        told = cli.good("run", file, "--detach", "--region", "us-east-1", *flags)
        return [job_id for _, _, job_id in lines(told)]

    file = str(tmp_path / "w.json")
    EZBatchWorkflow.sweep(EZBatchJob(image="busybox", platform="EC2", command="echo {n}"), {"n": [1, 2, 3]}).save(file)
    config.write_text('[Settings]\nqueue = "local"\n')
    assert [job_id.partition(":")[2] for job_id in ids("--array")] == ["0", "1", "2"]
    assert not any(":" in job_id for job_id in ids())
    config.write_text('[Settings]\nqueue = "local"\narray = true\n')
    assert [job_id.partition(":")[2] for job_id in ids()] == ["0", "1", "2"]
    assert not any(":" in job_id for job_id in ids("--no-array"))


def test_how_jobs_are_sent_reaches_the_engine_and_another_engine_refuses_the_place(
    cli: CommandLine, config: Path, tmp_path: Path
) -> None:
    engine = Where("aws", "q", region="us-east-1", array=True, spill="s3://b/p").helper().engine
    assert (engine.array, engine._spill is not None) == (True, True)  # type: ignore[attr-defined]
    file = saved(tmp_path / "w.json", {"a": "true"})
    told = cli.bad(2, "run", file, "--engine", "local", "--spill", "s3://b/p")
    assert "--spill s3://b/p is for --engine aws, and this is local" in told
    assert "spill" in cli.bad(2, "run", file, "--region", "us-east-1", "--spill", "b/p")


def test_the_rate_reaches_the_engine(config: Path) -> None:
    where = Where("aws", "q", region="us-east-1", rate=7.0)
    assert where.helper().engine._batch._given == 7.0  # type: ignore[attr-defined]
    assert Where("local", "q").helper().engine.name == "local"
