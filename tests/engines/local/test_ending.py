"""How jobs are ended before their time, and that nothing of them is left: no process, no half-written output."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from batch_helpers.job import Job, Status
from batch_helpers.output import Output
from batch_helpers.stores.local import LocalStore
from batch_helpers.validity import survey
from tests.engines.local.workshop import Workshop, until

pytestmark = pytest.mark.slow

TIMED_OUT = "Job attempt duration exceeded timeout"


def alive(pid_file: Path) -> bool:
    try:
        return psutil.Process(int(pid_file.read_text())).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_timeout_ends_the_whole_family_and_is_not_tried_again(workshop: Workshop, work: Path) -> None:
    command = "(sleep 60 & echo $! > child; wait) & echo $! > son; echo half > out; wait"
    [detail] = workshop.run(Job("a", command=command, timeout=1, attempts=3, outputs=["out"]))
    assert (detail.status, detail.reason) == (Status.FAILED, TIMED_OUT)
    assert len(detail.attempts) == 1
    assert detail.exit_code == 128 + signal.SIGTERM
    assert 1 <= detail.stopped_at - detail.started_at < 2  # type: ignore[operator]
    assert not alive(work / "child")
    assert not alive(work / "son")
    assert not (work / "out").exists()


def test_a_job_that_ignores_the_request_to_end_is_killed(workshop: Workshop, work: Path) -> None:
    command = "trap '' TERM; (trap '' TERM; while :; do sleep 0.05; done) & echo $! > child; wait; wait; sleep 60"
    [detail] = workshop.run(Job("a", command=command, timeout=1))
    assert (detail.exit_code, detail.reason) == (128 + signal.SIGKILL, TIMED_OUT)
    assert not alive(work / "child")


def test_a_job_may_tidy_up_when_its_time_is_over(workshop: Workshop, work: Path) -> None:
    command = "trap 'echo tidied; exit 0' TERM; while :; do sleep 0.02; done"
    [detail] = workshop.run(Job("a", command=command, timeout=1))
    assert workshop.log(detail.job_id)[-1] == "tidied"
    assert (detail.status, detail.exit_code, detail.reason) == (Status.FAILED, 0, TIMED_OUT)


def test_every_attempt_has_the_whole_time(workshop: Workshop) -> None:
    command = "test $AWS_BATCH_JOB_ATTEMPT = 3 || { sleep 0.6; exit 1; }"
    [detail] = workshop.run(Job("a", command=command, timeout=1, attempts=3))
    assert detail.status is Status.SUCCEEDED


def test_what_a_job_leaves_in_the_background_ends_with_it(workshop: Workshop, work: Path) -> None:
    command = "(while :; do echo more >> out; done) & echo $! > child; until test -e out; do :; done"
    [good, bad] = workshop.run(
        Job("good", command=command, environment={"N": "1"}),
        Job("bad", command=f"cd bad; {command}; exit 1", outputs=["bad/out"]),
    )
    assert (good.status, bad.status) == (Status.SUCCEEDED, Status.FAILED)
    assert not alive(work / "child")
    assert not alive(work / "bad" / "child")
    assert not (work / "bad" / "out").exists()
    assert workshop.processes() == []


@pytest.mark.parametrize("end", ["exit 1", "kill -9 $$", "kill -TERM 0"])
def test_a_job_that_fails_leaves_no_output_that_a_run_would_believe(workshop: Workshop, work: Path, end: str) -> None:
    outputs = ["whole", "deep/half", f"file://{work}/url%20coded", "s3://bucket/elsewhere"]
    command = f"echo 1 > whole; echo 1 > deep/half; echo 1 > 'url coded'; echo 1 > mine; {end}"
    [detail] = workshop.run(Job("a", command=command, outputs=outputs))
    assert detail.status is Status.FAILED
    left = sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())
    assert left == ["mine"]


@pytest.mark.parametrize("conditions", [{"marker": "_SUCCESS"}, {"count": 2}], ids=str)
def test_a_folder_of_a_job_that_fails_is_believed_by_no_run(
    workshop: Workshop, work: Path, conditions: dict[str, Any]
) -> None:
    output = Output(f"{work}/parts/", **conditions)
    job = Job(
        "a", command="mkdir -p parts/deep; touch parts/1 parts/deep/2 parts/_SUCCESS; exit $CODE", outputs=[output]
    )
    codes = {code: replace(job, environment={"CODE": code}) for code in ("0", "3")}
    assert workshop.run(codes["0"])[0].status is Status.SUCCEEDED
    assert survey(LocalStore(), [job]).lacking(job) == []
    assert workshop.run(codes["3"])[0].status is Status.FAILED
    assert survey(LocalStore(), [job]).lacking(job) != []


def test_outputs_of_before_are_gone_when_an_attempt_starts(workshop: Workshop, work: Path) -> None:
    (work / "out").write_text("of yesterday")
    command = "test -e out && exit 3; echo new > out; test $AWS_BATCH_JOB_ATTEMPT = 2"
    [detail] = workshop.run(Job("a", command=command, outputs=["out"], attempts=2))
    assert [item.exit_code for item in detail.attempts] == [1, 0]
    assert (work / "out").read_text() == "new\n"


def test_a_job_that_forgets_one_output_keeps_the_others(workshop: Workshop, work: Path) -> None:
    [detail] = workshop.run(Job("a", command="echo 1 > one", outputs=["one", "two"]))
    assert detail.status is Status.SUCCEEDED
    assert (work / "one").exists()


def test_outputs_are_gone_before_the_job_is_seen_to_have_failed(workshop: Workshop, work: Path) -> None:
    engine = workshop.engine()
    jobs = [Job("a", command=f"echo 1 > out-{n}; exit 1", outputs=[f"out-{n}"]) for n in range(30)]
    ids = workshop.submit(*jobs)
    seen: set[str] = set()
    while len(seen) < len(ids):
        for place, job_id in enumerate(ids):
            if engine.describe([job_id])[job_id].status is Status.FAILED:
                assert not (work / f"out-{place}").exists()
                seen.add(job_id)


def test_an_output_that_is_a_folder_fails_the_job_with_a_reason(workshop: Workshop, work: Path) -> None:
    (work / "out").mkdir()
    [detail] = workshop.run(Job("a", command="touch ran", outputs=["out"]))
    problem = f"output {work}/out cannot be removed: it is a folder"
    assert (detail.status, detail.reason) == (Status.FAILED, f"{problem}; {problem}")
    assert not (work / "ran").exists()


def test_terminate_works_in_every_state(workshop: Workshop, work: Path) -> None:
    [running, runnable] = workshop.submit(
        Job("running", command="echo half > out; sleep 60", outputs=["out"], attempts=3),
        Job("runnable", command="touch ran"),
        vcpus=1,
    )
    [pending] = workshop.submit(Job("pending", command="touch ran too"), needs=[runnable], vcpus=1)
    until((work / "out").exists)
    states = [workshop.status(job_id) for job_id in (running, runnable, pending)]
    assert states[0] in (Status.STARTING, Status.RUNNING)
    assert states[1:] == [Status.RUNNABLE, Status.PENDING]
    began = time.monotonic()
    workshop.engine().terminate([running, runnable, pending, "unknown"], "enough \udcff")
    details = workshop.ended([running, runnable, pending])
    assert time.monotonic() - began < 1.5
    assert [(detail.status, detail.reason) for detail in details] == [(Status.FAILED, "enough ?")] * 3
    assert [len(detail.attempts) for detail in details] == [1, 0, 0]
    assert not (work / "out").exists()
    assert not (work / "ran").exists()
    assert workshop.processes() == []


def test_terminating_without_a_reason_gives_one(workshop: Workshop) -> None:
    ids = workshop.submit(Job("a", command="sleep 60"))
    workshop.engine().terminate(ids, "")
    assert workshop.ended(ids)[0].reason == "terminated by the user"


def test_a_chain_and_a_fan_in_run_in_their_order(workshop: Workshop, work: Path) -> None:
    first = workshop.submit(Job("first", command="echo first >> order"))
    middle = workshop.submit(
        *(Job("middle", command=f"echo middle >> order; : {n}") for n in range(5)), needs=first, vcpus=4
    )
    [last] = workshop.submit(Job("last", command="echo last >> order"), needs=middle, vcpus=4)
    workshop.ended([last])
    assert (work / "order").read_text().split() == ["first", *["middle"] * 5, "last"]


def test_dependants_of_a_failure_that_allows_it_run_and_others_do_not(workshop: Workshop) -> None:
    [strict, lenient] = workshop.submit(
        Job("strict", command="sleep 0.1; exit 1"),
        Job("lenient", command="sleep 0.1; exit 2", run_dependents_on_fail=True),
    )
    runs = workshop.submit(Job("runs", command=["true"]), needs=[lenient])
    fails = workshop.submit(Job("fails", command=["true", "x"]), needs=[lenient, strict])
    after = workshop.submit(Job("after", command=["true", "y"]), needs=fails)
    details = workshop.ended([*runs, *fails, *after])
    assert [detail.status for detail in details] == [Status.SUCCEEDED, Status.FAILED, Status.FAILED]
    assert [detail.reason for detail in details[1:]] == ["Dependent Job failed"] * 2


def test_a_directory_that_is_removed_takes_its_jobs_with_it(workshop: Workshop, work: Path) -> None:
    workshop.submit(Job("a", command="echo half > out; echo $$ > pid; sleep 60", outputs=["out"]))
    until(lambda: (work / "pid").exists() and (work / "pid").read_text())
    supervisor = workshop.supervisor()
    assert supervisor is not None
    os.rename(workshop.directory, workshop.directory.with_name("moved away"))
    until(lambda: not alive(work / "pid"))
    until(lambda: not psutil.pid_exists(supervisor))
    assert not (work / "out").exists()
    [again] = workshop.run(Job("a", command=["true"]))
    assert again.status is Status.SUCCEEDED
