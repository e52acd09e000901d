"""Scripts that add jobs themselves: told of without a job being submitted, and run as they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from batch_helpers import LocalBatchHelper
from tests.cli.conftest import ROOT, CommandLine, lines, saved
from tests.workflow.conftest import Account

pytestmark = pytest.mark.slow

README = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[0]
PLAIN = "from batch_helpers import Job, connect, LocalBatchHelper\nimport sys\n"


@pytest.fixture
def repository(folder: Path) -> Path:
    """A checkout with two states."""
    (folder / "workflows").symlink_to(ROOT / "workflows")
    (folder / "samples.csv").write_text("sample,population\nAK,733391\nVT,643077\n")
    (folder / "cohort.py").write_text(README)
    return folder


def test_the_readmes_script_is_planned_without_running_and_run_as_python_does(
    cli: CommandLine, repository: Path
) -> None:
    assert "outputs missing: results/AK.csv" in cli.good("plan", "cohort.py")
    assert cli("status", "cohort.py").exit_code == 1
    assert not (repository / "results").exists()
    command = [sys.executable, "-m", "batch_helpers", "run", "cohort.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "5 submitted: 5 succeeded, 0 failed" in ended.stdout
    assert {row[1] for row in lines(cli.good("status", "cohort.py"))} == {"DONE"}


def test_arguments_go_to_the_script(cli: CommandLine, repository: Path) -> None:
    planned = cli.good("plan", "workflows/cohort.py", "--", "--outputs", "elsewhere", "--samples", "samples.csv")
    assert re.search("outputs missing: .*elsewhere/.*AK", planned)
    (repository / "w.json").write_text('{"name": "w", "jobs": {"a": {"image": "u", "command": "x"}}}')
    assert "is no script: it takes no arguments (x)" in cli.bad(2, "plan", "w.json", "x")


def test_active_jobs_of_a_script_are_watched_and_cancelled(cli: CommandLine, folder: Path) -> None:
    (folder / "s.py").write_text(PLAIN + "connect('local').add_jobs([Job('a', command='sleep 600')])")
    assert cli("run", "s.py").exit_code == 0
    ended = cli("status", "s.py")
    assert (ended.exit_code, lines(ended.stdout)[0][:2]) == (3, ["a", "ACTIVE"])
    job_id = lines(ended.stdout)[0][2]
    assert cli.good("cancel", "s.py") == f"{job_id}\n"
    assert cli("monitor", "s.py", "--interval", "0.2").exit_code in (0, 1)
    assert "has ended already: FAILED" in cli("cancel", job_id, "--engine", "local").stderr


def test_an_engine_that_is_named_takes_the_place_of_the_scripts(cli: CommandLine, folder: Path) -> None:
    (folder / "s.py").write_text(PLAIN + "connect('aws', job_queue='q').add_jobs([Job('a', command='echo $PWD')])")
    assert cli("run", "s.py", "--engine", "local", "--directory", "here").exit_code == 0
    assert cli("monitor", "--engine", "local", "--directory", "here").exit_code == 0
    assert (folder / "here").is_dir()
    (folder / "s.py").write_text(PLAIN + "LocalBatchHelper().add_jobs([Job('a', command='touch ran')])")
    for name in ("run", "plan"):
        said = cli.bad(2, name, "s.py", "--engine", "aws", "--queue", "q")
        assert "--engine reaches scripts that say connect(…), and this one makes a LocalBatchHelper itself" in said
    assert not (folder / "ran").exists()


def test_a_workflow_that_its_script_submits_is_planned_without_a_definition(
    cli: CommandLine, folder: Path, account: Account
) -> None:
    (folder / "s.py").write_text(
        "from batch_helpers.workflow import *\n"
        "EZBatchWorkflow('w', {'a': EZBatchJob('ubuntu', 'x')}).submit(queue='my-job-queue')"
    )
    assert "w-a" in cli.good("plan", "s.py")
    assert account.jobs() == account.definitions == []
    assert cli("run", "s.py").exit_code == 0
    assert (len(account.jobs()), len(account.definitions)) == (1, 1)
    (folder / "s.py").write_text((folder / "s.py").read_text().replace("'x'", "'touch here'"))
    assert cli("run", "s.py", "--engine", "local").exit_code == 0
    assert len(account.jobs()) == 1


def test_the_scripts_exit_code_is_the_commands(cli: CommandLine, folder: Path) -> None:
    adding = PLAIN + "helper = connect('local')\nhelper.add_jobs([Job('a', command='exit 3')])\n"
    (folder / "s.py").write_text(adding + "sys.exit(helper.monitor(interval=0.2).exit_code)")
    assert cli("run", "s.py").exit_code == 1
    for option in ("--json", "--detach", "--deregister"):
        assert "s.py watches its jobs itself, and it decides" in cli.bad(2, "run", "s.py", option)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n1 / 0", "s.py: line 2: ZeroDivisionError: division by zero"),
        ("def (", "s.py: line 1: SyntaxError"),
        ("import no_such_module", "s.py: line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = 1", "makes no EZBatchWorkflow at its top level, and adds jobs to no helpers"),
        (PLAIN + "for n in '12': connect('local').add_jobs([Job(n, command=n)])", "adds jobs to 2 helpers"),
        (PLAIN + "connect('local').add_job('a', image='u', vcpus=-1)", "vcpus=-1"),
    ],
)
def test_a_script_that_fails_is_one_line_that_says_where(
    cli: CommandLine, folder: Path, text: str, message: str
) -> None:
    (folder / "s.py").write_text(text)
    for name in ("plan", "status", "cancel", "monitor"):
        said = cli.bad(2, name, "s.py")
        assert message in said
        assert said.count("\n") == 1


def test_a_plan_explains_a_job_and_estimates_by_an_earlier_run(cli: CommandLine, folder: Path) -> None:
    fields = "vcpus=2, memory=1024, timeout=3600"
    (folder / "s.py").write_text(PLAIN + f"h = connect('local')\nh.add_jobs([Job('a-1', command='true', {fields})])\n")
    assert "at most, one attempt each until its timeout: 2 vCPU-hours, 1 GiB-hours" in cli.good("plan", "s.py")
    explained = cli.good("plan", "s.py", "--explain", "a-1")
    assert explained.startswith("a-1: submit: it declares no outputs, so it always runs\n  fingerprint ")
    assert "did you mean a-1?" in cli.bad(2, "plan", "s.py", "--explain", "a-2")
    (folder / "run.ndjson").write_text(
        '{"kind":"run","at":1,"format":1,"engine":"local"}\n'
        '{"kind":"job","at":2,"id":"x","name":"a-0-0123456789abcdef","status":"SUCCEEDED","started_at":10,'
        '"stopped_at":1810,"job":{"name":"a-0","command":["true"]}}\n'
    )
    told = json.loads(cli.good("plan", "s.py", "--durations", "run.ndjson", "--priced-as", "fargate", "--json"))
    assert told["estimate"]["typical"]["vcpu_hours"] == 1
    assert told["estimate"]["typical"]["money"] > 0
    said = cli.bad(2, "plan", "s.py", "--priced-as", "m5.large")
    assert "has no price for 'm5.large'; there are: fargate" in said


def test_a_run_is_written_down_and_its_end_told(cli: CommandLine, folder: Path) -> None:
    saved(folder / "w.json", {"a": "true", "b": "exit 3"})
    options = ("--engine", "local", "--events", "run.ndjson", "--notify", "tee told", "--max-failures", "0.9")
    assert cli("run", "w.json", *options, "--interval", "1").exit_code == 1
    assert "1 x application exit, e.g. w-b" in (folder / "told").read_text()
    assert "1 x application exit, e.g. w-b" in cli.good("report", "run.ndjson")
    for option, value in (("notify", "no-such-command"), ("max-failures", "5"), ("interval", "0"), ("events", "no/x")):
        assert value in cli.bad(2, "run", "w.json", "--engine", "local", f"--{option}", value)
    assert len(list(LocalBatchHelper().engine.failed(["local"]))) == 1, "nothing was submitted in these calls"
    (folder / "s.py").write_text(PLAIN + "connect('local').add_jobs([])")
    assert "--memory-growth: s.py watches its jobs itself" in cli.bad(2, "run", "s.py", "--memory-growth", "2")
