"""workflows/cohort.py on this machine, as in the README: run it, and run it again."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from batch_helpers.engines.local.lock import SupervisorLock
from tests.workflows.scripts import ROOT, Script, script

pytestmark = pytest.mark.slow

SAMPLES = "sample,population\nAL,5000\nAK,7000\nAZ,9000\n"


@pytest.fixture
def cohort(tmp_path: Path) -> Script:
    (tmp_path / "three.csv").write_text(SAMPLES)
    return script("cohort.py", tmp_path)


SPY = """
import os, sys, time
if "epidemic.py" in " ".join(sys.orig_argv):
    with open("starts.txt", "a") as file:
        file.write(" ".join(sys.orig_argv) + "\\n")
    while os.path.exists("gate"):
        time.sleep(0.02)
"""


@pytest.fixture
def states(tmp_path: Path) -> Script:
    """The demo itself, all fifty states; its jobs note that they were started, and wait while there is a `gate`."""
    (tmp_path / "spy").mkdir()
    (tmp_path / "spy" / "sitecustomize.py").write_text(SPY)
    return script("cohort.py", tmp_path, PYTHONPATH=str(tmp_path / "spy"))


@pytest.fixture
def twelve(tmp_path: Path) -> list[str]:
    """The option for the first twelve states: 25 jobs, 101,372,997 people."""
    (tmp_path / "twelve.csv").write_text("".join((ROOT / "samples.csv").read_text().splitlines(keepends=True)[:13]))
    return ["--samples", "twelve.csv"]


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    path = tmp_path / "gate"
    path.touch()
    return path


def starts(folder: Path) -> Counter[str]:
    """How often each command was started."""
    return Counter((folder / "starts.txt").read_text().splitlines())


def national(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "results" / "national.tsv").open() as file:
        return {row["state"]: row for row in csv.DictReader(file, delimiter="\t")}


def first_table(process: subprocess.Popen[str]) -> None:
    """Wait until everything is submitted and the first table is printed."""
    assert process.stdout is not None
    assert any(line.startswith("stage") for line in process.stdout), "it ended before it had shown a table"


def test_the_demo_runs_every_state_and_a_second_run_submits_nothing(states: Script, tmp_path: Path) -> None:
    first = states.run()
    assert (first.code, first.counts) == (0, (0, 0, 101, 101, 0)), first
    assert len(list((tmp_path / "results" / "summaries").iterdir())) == 50
    assert national(tmp_path)["all"]["population"] == "330759736"
    assert "simulate" in first.stdout
    assert "summarise" in first.stdout

    assert max(starts(tmp_path).values()) == 1

    second = states.run()
    assert starts(tmp_path).total() == 101
    assert (second.code, second.counts) == (0, (101, 0, 0, 0, 0))
    assert "all 101 jobs skipped" in second.stdout


def test_what_is_deleted_is_made_again_with_what_hangs_on_it_and_nothing_else(cohort: Script, tmp_path: Path) -> None:
    assert cohort.run("--samples", "three.csv").code == 0
    results = tmp_path / "results"
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*") if path.is_file()}
    assert len(before) == 7
    (results / "summaries" / "AK.json").unlink()

    again = cohort.run("--samples", "three.csv")

    assert (again.code, again.counts) == (0, (5, 0, 2, 2, 0)), again
    changed = {path.name for path, made in before.items() if path.stat().st_mtime_ns != made}
    assert changed == {"AK.json", "national.tsv"}


def test_a_sample_that_is_added_runs_alone(cohort: Script, tmp_path: Path) -> None:
    assert cohort.run("--samples", "three.csv").code == 0
    (tmp_path / "three.csv").write_text(SAMPLES + "AR,11000\n")

    again = cohort.run("--samples", "three.csv")

    assert (again.code, again.counts[:3]) == (0, (6, 0, 3)), again
    assert national(tmp_path)["all"]["population"] == "32000"


def test_a_dry_run_says_what_would_happen_and_why_and_does_nothing(cohort: Script, tmp_path: Path) -> None:
    ended = cohort.run("--samples", "three.csv", "--dry-run")

    assert ended.code == 0
    assert f"simulate-AL: submit: outputs missing: {tmp_path}/results/curves/AL.csv (1 of 1)" in ended.stdout
    assert "7 would be submitted; nothing was" in ended.stdout
    assert not (tmp_path / "results").exists()


def test_commands_work_from_any_folder_with_any_outputs(tmp_path: Path) -> None:
    (tmp_path / "it's here").mkdir()
    (tmp_path / "three.csv").write_text(SAMPLES)

    ended = script("cohort.py", tmp_path / "it's here").run("--samples", "../three.csv", "--outputs", "{my} results/")

    assert ended.code == 0, ended
    assert (tmp_path / "it's here" / "{my} results" / "national.tsv").exists()


def test_a_job_that_fails_fails_the_script_and_its_log_is_shown(cohort: Script, tmp_path: Path) -> None:
    (tmp_path / "three.csv").write_text("sample,population\nAL,5000\nAK,many\n")

    ended = cohort.run("--samples", "three.csv")

    assert ended.code == 1
    assert "FAILED simulate-AK" in ended.stdout
    assert "invalid int value: 'many'" in ended.stdout
    assert not (tmp_path / "results" / "national.tsv").exists()


def test_ctrl_c_detaches_and_the_next_run_comes_back_to_the_same_jobs(
    states: Script, tmp_path: Path, twelve: list[str], gate: Path
) -> None:
    with states.started(*twelve) as process:
        first_table(process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert process.returncode == 130
    assert "Detached" in stdout
    assert "Traceback" not in stderr
    gate.unlink()

    again = states.run(*twelve)

    skipped, reused, submitted, _, failed = again.counts
    assert (again.code, skipped + reused, submitted, failed) == (0, 25, 0, 0), again
    assert max(starts(tmp_path).values()) == 1
    assert national(tmp_path)["all"]["population"] == "101372997"


def test_a_script_that_is_killed_is_started_again_and_starts_nothing_twice(
    states: Script, tmp_path: Path, twelve: list[str], gate: Path
) -> None:
    with states.started(*twelve) as process:
        first_table(process)
        process.kill()
    gate.unlink()

    again = states.run(*twelve)

    skipped, reused, submitted, _, failed = again.counts
    assert (again.code, skipped + reused, submitted, failed) == (0, 25, 0, 0), again
    assert len(starts(tmp_path)) == 25
    assert max(starts(tmp_path).values()) == 1
    assert national(tmp_path)["all"]["population"] == "101372997"


def test_a_supervisor_that_is_killed_costs_no_more_than_what_it_was_running(
    states: Script, tmp_path: Path, twelve: list[str], gate: Path
) -> None:
    with states.started(*twelve) as process:
        first_table(process)
        supervisor = SupervisorLock(str(tmp_path / ".batch")).holder()
        assert supervisor is not None
        os.kill(supervisor, signal.SIGKILL)
        gate.unlink()
        process.communicate()

    again = states.run(*twelve)

    assert again.code == 0, again
    begun = starts(tmp_path)
    assert len(begun) == 25
    assert begun.total() - 25 <= (os.cpu_count() or 1)
    assert national(tmp_path)["all"]["population"] == "101372997"


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (None, "there is no such file"),
        ("", "is empty"),
        ("name,population\nAL,1\n", "there is no column 'sample'"),
        ("sample,state\nAL,Alabama\n", "there is no column 'population'"),
        ("sample,population\nAL,1\nAL,2\n", "sample 'AL' is on line 2 too"),
        ("sample,population\nAL,\n", "line 2: column 'population': the cell is empty"),
    ],
)
def test_samples_that_cannot_be_used_end_it_before_anything_is_submitted(
    cohort: Script, tmp_path: Path, samples: str | None, problem: str
) -> None:
    if samples is not None:
        (tmp_path / "bad.csv").write_text(samples)

    ended = cohort.run("--samples", "bad.csv")

    assert ended.code == 2
    assert ended.stderr.startswith("cohort.py: bad.csv")
    assert problem in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / ".batch").exists()
