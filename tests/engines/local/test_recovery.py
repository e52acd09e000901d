"""kill -9 anywhere: nothing runs twice side by side, nothing half-written survives, and the work goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.rows import Running
from batch_helpers.job import Job, Status
from tests.engines.local.workshop import Workshop, until

pytestmark = pytest.mark.slow

DIED = "host terminated: the supervisor of these jobs died"

# A supervisor that dies at one of the two moments around a spawn at which nobody knows of the process.
DYING = """
import os, signal, sys
from batch_helpers.engines.local import processes
from batch_helpers.engines.local.lock import SupervisorLock
from batch_helpers.engines.local.supervisor import Supervisor

def spawn(*arguments):
    if sys.argv[2] == "after":
        processes.spawn(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

os.makedirs(sys.argv[1], exist_ok=True)
lock = SupervisorLock(sys.argv[1])
assert lock.acquire()
Supervisor(sys.argv[1], lock, spawn).run()
"""

HALF = "echo $$ >> pids; echo half > out; until test -e go; do sleep 0.01; done; echo whole > out"


def pids(work: Path) -> list[int]:
    try:
        return [int(line) for line in (work / "pids").read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_jobs_of_a_dead_supervisor_are_killed_their_outputs_removed_and_the_job_failed(
    workshop: Workshop, work: Path
) -> None:
    [job_id] = workshop.submit(Job("a", command=HALF, outputs=["out"]))
    until(lambda: workshop.status(job_id) is Status.RUNNING)
    workshop.kill_supervisor()
    [pid] = pids(work)
    assert alive(pid)
    assert (work / "out").exists()
    detail = workshop.detail(job_id)
    assert (detail.status, detail.reason) == (Status.FAILED, DIED)
    assert [(item.number, item.reason) for item in detail.attempts] == [(1, DIED)]
    assert not alive(pid)
    assert not (work / "out").exists()


def test_jobs_with_attempts_left_are_run_again_by_a_new_supervisor(workshop: Workshop, work: Path) -> None:
    ids = workshop.submit(
        Job("a", command=HALF, outputs=["out"], attempts=2), Job("b", command="echo b > b", outputs=["b"]), vcpus=1
    )
    until(lambda: workshop.status(ids[0]) is Status.RUNNING)
    workshop.kill_supervisor()
    assert [item.job_id for item in workshop.engine().active(["local"])] == ids
    until(lambda: len(pids(work)) == 2)
    assert [alive(pid) for pid in pids(work)] == [False, True]
    (work / "go").touch()
    details = workshop.ended(ids)
    assert [detail.status for detail in details] == [Status.SUCCEEDED] * 2
    assert [item.reason for item in details[0].attempts] == [DIED, ""]
    assert (work / "out").read_text() == "whole\n"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_supervisor_that_dies_while_it_starts_a_job(workshop: Workshop, work: Path, moment: str) -> None:
    command = [sys.executable, "-c", DYING, str(workshop.directory), moment]
    supervisor = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until(workshop.supervisor)
    [job_id] = workshop.submit(Job("a", command=HALF, outputs=["out"], attempts=2))
    assert supervisor.wait(30) == -signal.SIGKILL
    if moment == "after":
        until(lambda: pids(work))
        assert alive(pids(work)[0])
    started = len(pids(work))
    assert workshop.detail(job_id).attempts[0].reason == DIED
    assert not any(alive(pid) for pid in pids(work)[:started])
    (work / "go").touch()
    [detail] = workshop.ended([job_id])
    assert (detail.status, len(detail.attempts)) == (Status.SUCCEEDED, 2)
    assert (work / "out").read_text() == "whole\n"


def test_children_without_the_jobs_environment_are_killed_with_its_group(workshop: Workshop, work: Path) -> None:
    [job_id] = workshop.submit(Job("a", command="env -i /bin/sh -c 'echo $$ > pids; exec sleep 60' & wait"))
    until(lambda: pids(work) and workshop.status(job_id) is Status.RUNNING)
    workshop.kill_supervisor()
    assert workshop.status(job_id) is Status.FAILED
    assert not alive(pids(work)[0])


def test_children_that_have_left_the_group_are_known_by_their_environment(workshop: Workshop, work: Path) -> None:
    [job_id] = workshop.submit(Job("a", command="setsid sh -c 'echo $$ > pids; exec sleep 60'; sleep 60"))
    until(lambda: pids(work) and workshop.status(job_id) is Status.RUNNING)
    workshop.kill_supervisor()
    assert workshop.status(job_id) is Status.FAILED
    assert not alive(pids(work)[0])


def test_a_pid_that_now_belongs_to_somebody_else_is_left_alone(workshop: Workshop, work: Path) -> None:
    [job_id] = workshop.submit(Job("a", command="sleep 60"))
    until(lambda: workshop.status(job_id) is Status.RUNNING)
    workshop.kill_supervisor()
    bystander = subprocess.Popen(["sleep", "60"], process_group=0)
    database = Database(str(workshop.directory))
    with database._connection.writing() as sqlite:
        sqlite.execute("UPDATE jobs SET pid = ?, status = 'STARTING'", (bystander.pid,))
    with database.changes(time.time()) as changes:
        [occupied] = database.occupied()
        changes.running([Running(occupied.seq, bystander.pid, psutil.Process(bystander.pid).create_time() - 3600)])
    database.close()
    assert workshop.status(job_id) is Status.FAILED
    assert bystander.poll() is None
    assert workshop.processes() == []
    bystander.kill()
    bystander.wait()


def test_a_zombie_is_dead(workshop: Workshop) -> None:
    [job_id] = workshop.submit(Job("a", command="sleep 60"))
    until(lambda: workshop.status(job_id) is Status.RUNNING)
    workshop.kill_supervisor()
    zombie = subprocess.Popen(["true"], process_group=0)
    until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
    database = Database(str(workshop.directory))
    with database._connection.writing() as sqlite:
        created_at = psutil.Process(zombie.pid).create_time()
        sqlite.execute("UPDATE jobs SET pid = ?, pid_created_at = ?", (zombie.pid, created_at))
    database.close()
    assert workshop.status(job_id) is Status.FAILED
    zombie.wait()


def test_what_was_cancelled_before_the_supervisor_died_stays_cancelled(workshop: Workshop, work: Path) -> None:
    [job_id] = workshop.submit(Job("a", command=HALF, outputs=["out"], attempts=5))
    until(lambda: workshop.status(job_id) is Status.RUNNING)
    workshop.kill_supervisor()
    workshop.engine().terminate([job_id], "enough")
    detail = workshop.detail(job_id)
    assert (detail.status, detail.reason) == (Status.FAILED, "enough")
    assert not alive(pids(work)[0])
    assert not (work / "out").exists()
    assert workshop.supervisor() is None


def test_the_same_work_submitted_after_a_crash_is_a_new_job(workshop: Workshop, work: Path) -> None:
    job = Job("a", command=HALF, outputs=["out"])
    [first] = workshop.submit(job)
    until(lambda: workshop.status(first) is Status.RUNNING)
    workshop.kill_supervisor()
    (work / "go").touch()
    [second] = workshop.run(job)
    assert second.job_id != first
    assert second.status is Status.SUCCEEDED
    assert (work / "out").read_text() == "whole\n"


def test_somebody_who_waits_notices_that_the_supervisor_has_died(workshop: Workshop, work: Path) -> None:
    [job_id] = workshop.submit(Job("a", command="sleep 60"))
    until(lambda: workshop.status(job_id) is Status.RUNNING)
    engine = workshop.engine()
    assert list(engine.active(["local"]))
    workshop.kill_supervisor()
    began = time.monotonic()
    engine.wait(60)
    assert time.monotonic() - began < 10
    assert list(engine.active(["local"])) == []


def test_two_who_notice_at_once_settle_it_once(workshop: Workshop, work: Path) -> None:
    ids = workshop.submit(*(Job("a", command=f"{HALF}; : {n}", attempts=2) for n in range(3)), vcpus=3)
    until(lambda: all(workshop.status(job_id) is Status.RUNNING for job_id in ids))
    workshop.kill_supervisor()
    script = "import sys; from batch_helpers.engines.local import LocalEngine; LocalEngine(sys.argv[1]).describe(['x'])"
    callers = [subprocess.Popen([sys.executable, "-c", script, str(workshop.directory)]) for _ in range(4)]
    assert [caller.wait(30) for caller in callers] == [0] * 4
    until(lambda: len(pids(work)) == 6)
    (work / "go").touch()
    details = workshop.ended(ids)
    assert [[item.reason for item in detail.attempts] for detail in details] == [[DIED, ""]] * 3
    assert len(pids(work)) == 6


def test_jobs_go_on_when_the_script_that_submitted_them_is_killed(workshop: Workshop, work: Path) -> None:
    script = f"""
import sys, time
from batch_helpers.engines.local import LocalEngine
from batch_helpers.job import Job
engine = LocalEngine(sys.argv[1], vcpus=2)
ids = engine.submit([Job("a", command={HALF + "; : "!r} + str(n)) for n in range(4)])
print(*ids, flush=True)
while True:
    engine.wait(60)
"""
    command = [sys.executable, "-c", script, str(workshop.directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as submitter:
        assert submitter.stdout is not None
        ids = submitter.stdout.readline().split()
        workshop.jobs |= set(ids)
        until(lambda: len(pids(work)) == 2)
        os.killpg(submitter.pid, signal.SIGKILL)
    jobs = [Job("a", command=f"{HALF}; : {n}") for n in range(4)]
    assert workshop.submit(*jobs, vcpus=2) == ids
    (work / "go").touch()
    details = workshop.ended(ids)
    assert [(detail.status, len(detail.attempts)) for detail in details] == [(Status.SUCCEEDED, 1)] * 4
    assert len(pids(work)) == 4


def test_a_supervisor_killed_again_and_again_loses_nothing_and_doubles_nothing(workshop: Workshop, work: Path) -> None:
    command = "test -e running-$0 && touch doubled; touch running-$0; sleep 0.02; rm running-$0; echo $0 > out-$0"
    jobs = [
        Job("a", command=["sh", "-c", command, str(n)], outputs=[f"running-{n}", f"out-{n}"], attempts=10)
        for n in range(60)
    ]
    ids = workshop.submit(*jobs, vcpus=4)
    for _ in range(6):
        time.sleep(0.05)
        if (pid := workshop.supervisor()) is not None:
            os.kill(pid, signal.SIGKILL)
        workshop.engine().describe(["x"])
    details = workshop.ended(ids)
    assert [detail.status for detail in details] == [Status.SUCCEEDED] * 60
    assert not (work / "doubled").exists()
    assert [(work / f"out-{n}").read_text() for n in range(60)] == [f"{n}\n" for n in range(60)]
