"""What a job gets when it runs, and what is known of it afterwards."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import psutil
import pytest

from batch_helpers.engines.local.supervisor import IDLE
from batch_helpers.job import Job, Status
from tests.engines.local.workshop import Workshop, until

pytestmark = pytest.mark.slow


def test_a_job_runs_where_it_was_submitted_with_that_environment_and_its_own(
    workshop: Workshop, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_THE_SHELL", "grüße \udcff")
    monkeypatch.setenv("OVERRIDDEN", "no")
    monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_INDEX", "7")
    command = "pwd; echo $FROM_THE_SHELL; echo $OVERRIDDEN; env | grep AWS_BATCH | sort"
    job = Job("a", command=command, environment={"OVERRIDDEN": "yes"}, job_queue="some queue")
    [detail] = workshop.run(job)
    assert workshop.log(detail.job_id) == [
        str(work),
        "grüße \ufffd",
        "yes",
        "AWS_BATCH_CE_NAME=local",
        "AWS_BATCH_JOB_ATTEMPT=1",
        f"AWS_BATCH_JOB_ID={detail.job_id}",
        "AWS_BATCH_JQ_NAME=some queue",
    ]


def test_two_scripts_in_two_folders_do_not_mix_theirs(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        monkeypatch.setenv("NAME", name)
        jobs = [Job("a", command="pwd; echo $NAME", environment={"JOB": f"{name}-{place}"}) for place in range(3)]
        ids += workshop.submit(*jobs)
    workshop.ended(ids)
    written = [workshop.log(job_id) for job_id in ids]
    assert written == [[str(tmp_path / "one"), "one"]] * 3 + [[str(tmp_path / "two"), "two"]] * 3


def test_what_is_known_of_a_job_that_has_ended(workshop: Workshop) -> None:
    before = time.time()
    [detail] = workshop.run(Job("a name!", command="exit 3", attempts=2, job_definition="align:3"))
    assert (detail.status, detail.exit_code, detail.reason) == (Status.FAILED, 3, "Essential container in task exited")
    assert (detail.short_name, detail.queue, detail.job_definition) == ("a-name", "local", "align:3")
    assert [(item.number, item.exit_code) for item in detail.attempts] == [(1, 3), (2, 3)]
    times = [detail.created_at, *(moment for item in detail.attempts for moment in (item.started_at, item.stopped_at))]
    assert times == sorted(times)  # type: ignore[type-var]
    assert before <= times[0] <= times[-1] <= time.time()  # type: ignore[operator]
    assert (detail.started_at, detail.stopped_at) == (times[3], times[4])


def test_a_failed_job_is_tried_again_until_its_attempts_are_used_or_it_succeeds(workshop: Workshop, work: Path) -> None:
    command = "echo attempt $AWS_BATCH_JOB_ATTEMPT; test $AWS_BATCH_JOB_ATTEMPT = 3"
    [detail] = workshop.run(Job("a", command=command, attempts=5))
    assert detail.status is Status.SUCCEEDED
    assert detail.reason == ""
    assert [item.exit_code for item in detail.attempts] == [1, 1, 0]
    assert [workshop.log(detail.job_id, number) for number in (1, 2, 3, None, 9)] == [
        ["attempt 1"],
        ["attempt 2"],
        ["attempt 3"],
        ["attempt 3"],
        [],
    ]


def test_a_job_that_dies_of_a_signal_has_the_exit_code_of_the_shells(workshop: Workshop) -> None:
    [detail] = workshop.run(Job("a", command="kill -9 $$"))
    assert (detail.status, detail.exit_code) == (Status.FAILED, 128 + signal.SIGKILL)


@pytest.mark.parametrize(
    ("command", "code", "problem"),
    [
        (["no-such-tool"], 127, "no-such-tool: command not found"),
        (["./missing"], 127, "./missing: command not found"),
        (["./plain"], 126, "./plain: Permission denied"),
        (["./garbage"], 126, "./garbage: Exec format error"),
        (["/"], 126, "/: Permission denied"),
        (["true", "x" * 200_000], 126, "true: Argument list too long"),
    ],
)
def test_a_command_that_cannot_be_started_says_so_in_its_reason_and_log(
    workshop: Workshop, work: Path, command: list[str], code: int, problem: str
) -> None:
    (work / "plain").write_text("#!/bin/sh\n")
    (work / "garbage").write_text("\0")
    (work / "garbage").chmod(0o755)
    [detail] = workshop.run(Job("a", command=command))
    assert (detail.status, detail.exit_code, detail.reason) == (Status.FAILED, code, problem)
    assert workshop.log(detail.job_id) == [problem]


def test_the_program_is_found_by_the_path_of_the_job(workshop: Workshop, work: Path) -> None:
    tool = work / "bin" / "my-tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    (work / "bin" / "empty").mkdir()
    path = f"{work}/none:bin:{os.environ['PATH']}"
    [mine, folder] = workshop.run(
        Job("a", command=["my-tool"], environment={"PATH": path}),
        Job("b", command=["empty"], environment={"PATH": path}),
    )
    assert workshop.log(mine.job_id) == ["mine"]
    assert folder.exit_code == 127


def test_a_folder_that_is_gone_is_said(workshop: Workshop, work: Path) -> None:
    workshop.run(Job("warm up", command=["true"]), vcpus=1)
    blocker = workshop.submit(Job("blocker", command="while ! test -e go; do sleep 0.01; done"), vcpus=1)
    gone = work / "gone"
    gone.mkdir()
    os.chdir(gone)
    ids = workshop.submit(Job("a", command=["true"]), vcpus=1)
    gone.rmdir()
    (work / "go").touch()
    os.chdir(work)
    workshop.ended(blocker)
    [detail] = workshop.ended(ids)
    assert (detail.exit_code, detail.reason) == (126, f"working directory {gone}: No such file or directory")


def test_references_become_parameters(workshop: Workshop) -> None:
    job = Job("a", command=["echo", "Ref::word", "--x=Ref::word"], parameters={"word": "* $HOME"})
    [detail] = workshop.run(job)
    assert workshop.log(detail.job_id) == ["* $HOME --x=* $HOME"]


def test_stdin_is_empty_and_stdout_and_stderr_keep_their_order(workshop: Workshop) -> None:
    [detail] = workshop.run(Job("a", command="cat; echo out; echo err >&2; echo out"))
    assert workshop.log(detail.job_id) == ["out", "err", "out"]


def test_a_broken_pipe_ends_a_job_as_in_a_shell(workshop: Workshop) -> None:
    [detail] = workshop.run(Job("a", command="trap '' INT; (yes; echo $? >&2) | head -1"))
    assert sorted(workshop.log(detail.job_id)) == ["141", "y"]


def test_a_job_has_no_file_of_its_supervisor(workshop: Workshop) -> None:
    [detail] = workshop.run(Job("a", command=["ls", "-l", "/proc/self/fd"]))
    files = {line.rpartition(" -> ")[2] for line in workshop.log(detail.job_id) if " -> " in line}
    log = detail.attempts[0].log
    assert {"/dev/null", log} < files
    assert len(files) == 3, "the third one is the folder that ls is reading"


def test_ten_megabytes_of_rubbish_can_be_read(workshop: Workshop) -> None:
    [detail] = workshop.run(Job("a", command="head -c 10000000 /dev/urandom; echo; echo end"))
    lines = workshop.log(detail.job_id)
    assert lines[-1] == "end"
    assert sum(map(len, lines)) > 5_000_000


def test_a_log_can_be_read_while_the_job_runs(workshop: Workshop, work: Path) -> None:
    [job_id] = workshop.submit(Job("a", command="echo begun; while ! test -e go; do sleep 0.01; done; echo done"))
    until(lambda: workshop.log(job_id) == ["begun"])
    assert workshop.status(job_id) in (Status.STARTING, Status.RUNNING)
    (work / "go").touch()
    workshop.ended([job_id])
    assert workshop.log(job_id) == ["begun", "done"]


def test_odd_names_directories_and_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "a dir, with 'quotes' & ünïcødé"
    odd.mkdir()
    monkeypatch.chdir(odd)
    shop = Workshop(odd / "the batch")
    [detail] = shop.run(Job("💥 / \n x", command="pwd; echo hi > '-o\t?x'", outputs=["./-o\tx"]), containers=None)
    shop.close()
    assert detail.status is Status.SUCCEEDED
    assert shop.log(detail.job_id) == [str(odd)]


def test_jobs_run_side_by_side_as_far_as_there_are_vcpus(workshop: Workshop, work: Path) -> None:
    peak = "mkdir in; ls -d run.* | wc -l >> peaks; sleep 0.1; rmdir"
    jobs = [Job(f"a-{place}", command=f"mkdir run.{place}; {peak} run.{place}") for place in range(9)]
    workshop.run(*jobs, vcpus=3)
    peaks = [int(line) for line in (work / "peaks").read_text().split()]
    assert max(peaks) == 3


def test_memory_is_shared_out_and_a_job_that_wants_too_much_runs_alone(
    workshop: Workshop, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = "echo +$0 >> times; sleep 0.15; echo -$0 >> times"
    jobs = [Job(name, command=["sh", "-c", note, name], memory=memory) for name, memory in sizes.items()]
    workshop.run(*jobs, vcpus=4, memory=100)
    times = (work / "times").read_text().split()
    assert times[:2] in (["+small", "+other"], ["+other", "+small"])
    assert times.index("-small") < times.index("+third")
    assert times[-2:] == ["+huge", "-huge"]
    said = capsys.readouterr().err
    assert said == "local engine: 'huge' asks for more than there is here, so it gets everything and runs alone\n"


sizes = {"small": 50, "other": 50, "third": 60, "huge": 10_000}


def test_what_is_done_differently_is_said_once(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    engine = workshop.engine()
    for place in range(3):
        fields = {"image": "alpine", "gpus": 1, "vcpus": 5000}
        ids = engine.submit([Job("a", command=["echo", str(place)], **fields)])  # type: ignore[arg-type]
        workshop.jobs |= set(ids)
    assert len(capsys.readouterr().err.splitlines()) == 3
    assert [detail.status for detail in workshop.ended(workshop.jobs)] == [Status.SUCCEEDED] * 3


def test_jobs_start_in_the_order_of_their_submission(workshop: Workshop, work: Path) -> None:
    jobs = [Job(f"a-{place:03}", command=f"echo {place} >> order") for place in range(60)]
    workshop.run(*jobs, vcpus=1)
    assert (work / "order").read_text().split() == [str(place) for place in range(60)]


def test_the_log_folder_holds_no_heap_of_empty_files(workshop: Workshop) -> None:
    details = workshop.run(*(Job("a", command=["true", str(place)]) for place in range(50)), vcpus=2)
    assert all(detail.status is Status.SUCCEEDED for detail in details)
    assert len(os.listdir(workshop.directory / "logs")) <= 4


def test_waiting_ends_when_a_job_has_changed_and_not_before(workshop: Workshop, work: Path) -> None:
    engine = workshop.engine()
    workshop.jobs |= set(engine.submit([Job("a", command="while ! test -e go; do sleep 0.01; done")]))
    [job_id] = workshop.jobs
    until(lambda: workshop.status(job_id) is Status.RUNNING)
    assert [detail.job_id for detail in engine.active(["local"])] == [job_id]
    began = time.monotonic()
    engine.wait(0.3)
    assert time.monotonic() - began >= 0.3
    (work / "go").touch()
    engine.wait(20)
    assert list(engine.active(["local"])) == []
    assert time.monotonic() - began < 10


def test_a_job_that_takes_longer_than_a_supervisor_is_idle_runs_to_its_end(workshop: Workshop) -> None:
    [detail] = workshop.run(Job("a", command=f"sleep {IDLE + 0.5}"))
    assert detail.status is Status.SUCCEEDED


def test_a_job_that_is_tried_again_goes_before_those_submitted_after_it(workshop: Workshop, work: Path) -> None:
    first = Job("a", command="echo first >> order; exit 1", attempts=3)
    others = [Job("a", command=f"echo other >> order; : {n}") for n in range(5)]
    workshop.run(first, *others, vcpus=1)
    assert (work / "order").read_text().split() == ["first"] * 3 + ["other"] * 5


def test_what_becomes_free_to_run_goes_before_those_submitted_after_it(workshop: Workshop, work: Path) -> None:
    [first] = workshop.submit(Job("a", command="sleep 0.3"), vcpus=1)
    second = workshop.submit(Job("a", command="echo second >> order"), needs=[first], vcpus=1)
    others = workshop.submit(*(Job("a", command=f"echo other >> order; : {n}") for n in range(3)), vcpus=1)
    workshop.ended([*second, *others])
    assert (work / "order").read_text().split() == ["second", "other", "other", "other"]


def test_a_running_job_is_recorded_once(workshop: Workshop) -> None:
    [job_id] = workshop.submit(Job("a", command="sleep 60"))
    until(lambda: workshop.status(job_id) is Status.RUNNING)
    engine = workshop.engine()
    list(engine.active(["local"]))
    began = time.monotonic()
    engine.wait(0.5)
    assert time.monotonic() - began >= 0.5


def test_a_supervisor_leaves_when_it_is_idle_and_comes_back_for_new_work(workshop: Workshop) -> None:
    workshop.run(Job("a", command=["true"]))
    first = workshop.supervisor()
    assert first is not None
    until(lambda: workshop.supervisor() is None)
    [detail] = workshop.run(Job("b", command=["true"]))
    assert detail.status is Status.SUCCEEDED
    assert workshop.supervisor() not in (first, None)


def test_a_supervisor_does_not_belong_to_the_job_that_started_it(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BATCH_JOB_ID", "outer")
    workshop.run(Job("a", command=["true"]))
    assert "AWS_BATCH_JOB_ID" not in psutil.Process(until(workshop.supervisor)).environ()


def test_a_supervisor_takes_no_cpu_while_jobs_run(workshop: Workshop) -> None:
    [job_id] = workshop.submit(Job("a", command="sleep 60"))
    until(lambda: workshop.status(job_id) is Status.RUNNING)
    supervisor = psutil.Process(until(workshop.supervisor))
    before = supervisor.cpu_times()
    time.sleep(1)
    after = supervisor.cpu_times()
    assert after.user + after.system - before.user - before.system < 0.2


def test_the_state_is_private(workshop: Workshop) -> None:
    workshop.run(Job("a", command="echo hi"), Job("b", command=["true"]))
    assert stat.S_IMODE((workshop.directory / "state.db").stat().st_mode) == 0o600
