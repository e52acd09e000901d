"""Several scripts, processes and threads over one directory."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from batch_helpers.engines.local import LocalEngine
from batch_helpers.job import Job, Status
from tests.engines.local.workshop import Workshop, until

pytestmark = pytest.mark.slow


def jobs(count: int) -> list[Job]:
    return [Job("a", command=["sh", "-c", "echo $0 >> runs", str(number)]) for number in range(count)]


def submit_at_once(directory: Path, count: int, barrier: Barrier, answers: multiprocessing.Queue[list[str]]) -> None:
    engine = LocalEngine(directory)
    work = jobs(count)
    barrier.wait()
    answers.put(engine.submit(work))


def test_two_submitters_in_the_same_instant_run_each_job_once(workshop: Workshop, work: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    submitters = [
        context.Process(target=submit_at_once, args=(workshop.directory, 200, barrier, answers)) for _ in range(2)
    ]
    for process in submitters:
        process.start()
    first, second = answers.get(timeout=60), answers.get(timeout=60)
    for process in submitters:
        process.join(60)
        assert process.exitcode == 0
    workshop.jobs |= {*first, *second}
    details = workshop.ended({*first, *second})
    assert all(detail.status is Status.SUCCEEDED for detail in details)
    # A job that had ended before the other one submitted is new work to that one, and runs again, after it.
    runs = (work / "runs").read_text().split()
    assert len(runs) == len({*first, *second})
    assert set(runs) == {str(number) for number in range(200)}


def test_work_that_is_still_active_is_answered_with_its_jobid(workshop: Workshop, work: Path) -> None:
    held = [Job("a", command=f"until test -e go; do sleep 0.01; done; echo {n} >> runs") for n in range(50)]
    first, second = workshop.submit(*held), workshop.submit(*reversed(held))
    assert second == first[::-1]
    (work / "go").touch()
    workshop.ended(first)
    assert sorted((work / "runs").read_text().split(), key=int) == [str(n) for n in range(50)]


def test_only_one_supervisor_runs_the_jobs_of_a_directory(workshop: Workshop, work: Path) -> None:
    ids = workshop.submit(Job("a", command="until test -e go; do sleep 0.01; done"))
    holder = until(workshop.supervisor)
    second = [sys.executable, "-m", "batch_helpers.engines.local.supervisor", str(workshop.directory)]
    done = subprocess.run(second, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    assert done.stderr.endswith(f"{workshop.directory} has a supervisor already: {holder}\n")
    assert workshop.supervisor() == holder
    (work / "go").touch()
    assert workshop.ended(ids)[0].status is Status.SUCCEEDED


def test_a_supervisor_started_by_hand_runs_what_it_finds_and_leaves(workshop: Workshop) -> None:
    [job_id] = workshop.submit(Job("a", command="sleep 60", attempts=2))
    until(lambda: workshop.status(job_id) is Status.RUNNING)
    workshop.kill_supervisor()
    by_hand = [sys.executable, "-m", "batch_helpers.engines.local.supervisor", str(workshop.directory)]
    with subprocess.Popen(by_hand, stderr=subprocess.DEVNULL) as supervisor:
        until(lambda: workshop.supervisor() == supervisor.pid)
        until(lambda: len(workshop.detail(job_id).attempts) == 2)
        workshop.engine().terminate([job_id], "enough")
        workshop.ended([job_id])
        assert supervisor.wait(30) == 0


# Somebody submits while the supervisor has the lock, so starts none, but the supervisor is on its way out already.
LATE = """
import sys
from batch_helpers.engines.local import supervisor
from batch_helpers.engines.local.database import Database
from batch_helpers.engines.local.lock import SupervisorLock
from batch_helpers.engines.local.rows import Context, NewJob, Spec

database = Database(sys.argv[1])

class Late(SupervisorLock):
    late = True

    def release(self):
        if self.late:
            self.late = False
            with database.changes(1.0) as changes:
                changes.insert([NewJob("late", "late", "q", Spec(["true"]))], Context("/", {}))
        super().release()

supervisor.IDLE = 0.05
lock = Late(sys.argv[1])
assert lock.acquire()
supervisor.Supervisor(sys.argv[1], lock).run()
assert lock.acquire()
print([str(detail.status) for detail in database.describe(["late"])])
"""


def test_no_wake_up_is_lost_when_work_comes_while_a_supervisor_leaves(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "['SUCCEEDED']\n"


def test_threads_may_share_an_engine(workshop: Workshop) -> None:
    engine, problems = workshop.engine(), []

    def use(number: int) -> None:
        try:
            ids = engine.submit([Job("a", command=["true", f"{number}-{place}"]) for place in range(10)])
            workshop.jobs.update(ids)
            while any(detail.status.active for detail in engine.describe(ids).values()):
                list(engine.active(["local"]))
                engine.wait(1)
        except Exception as exc:
            problems.append(exc)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
    assert [detail.status for detail in workshop.ended(workshop.jobs)] == [Status.SUCCEEDED] * 60


def test_an_engine_can_be_used_in_a_fork(workshop: Workshop) -> None:
    engine = workshop.engine()
    workshop.jobs |= set(engine.submit([Job("a", command=["true"])]))
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write, engine.submit([Job("b", command=["true", "b"])])[0].encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    workshop.jobs.add(os.read(read, 100).decode())
    os.close(read)
    os.close(write)
    workshop.jobs |= set(engine.submit([Job("c", command=["true", "c"])]))
    assert [detail.status for detail in workshop.ended(workshop.jobs)] == [Status.SUCCEEDED] * 3


def test_a_script_is_not_left_with_a_child_that_it_does_not_know(workshop: Workshop) -> None:
    script = """
import os, sys
from batch_helpers.engines.local import LocalEngine
from batch_helpers.job import Job
print(*LocalEngine(sys.argv[1]).submit([Job("a", command=["true"])]))
try:
    os.wait()
except ChildProcessError:
    print("no child")
"""
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", script, str(workshop.directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    job_id, nothing = done.stdout.splitlines()
    workshop.jobs.add(job_id)
    assert (nothing, done.stderr) == ("no child", "")


def test_a_script_in_a_pipe_ends_with_it_while_its_jobs_run(workshop: Workshop, work: Path) -> None:
    script = """
import sys
from batch_helpers.engines.local import LocalEngine
from batch_helpers.job import Job
print(*LocalEngine(sys.argv[1]).submit([Job("a", command="until test -e go; do sleep 0.01; done")]))
"""
    done = subprocess.run([sys.executable, "-c", script, str(workshop.directory)], capture_output=True, timeout=20)
    job_id = done.stdout.decode().strip()
    workshop.jobs.add(job_id)
    assert workshop.status(job_id).active
    (work / "go").touch()
    assert workshop.ended([job_id])[0].status is Status.SUCCEEDED


def test_a_job_may_submit_jobs_of_its_own(workshop: Workshop, work: Path) -> None:
    script = f"""
import sys
from batch_helpers.engines.local import LocalEngine
from batch_helpers.job import Job
for directory in ({str(workshop.directory)!r}, {str(work / "other")!r}):
    engine = LocalEngine(directory, vcpus=2)
    [job_id] = engine.submit([Job("inner", command="echo $AWS_BATCH_JOB_ID $AWS_BATCH_JQ_NAME")])
    while list(engine.active([None])):
        if directory == {str(work / "other")!r}:
            engine.wait(10)
        else:
            break
    print(job_id)
"""
    [outer] = workshop.run(Job("outer", command=[sys.executable, "-c", script], job_queue="outer"), vcpus=2)
    assert outer.status is Status.SUCCEEDED, workshop.log(outer.job_id)
    here, other = workshop.log(outer.job_id)
    workshop.jobs.add(here)
    workshop.ended([here])
    assert workshop.log(here) == [f"{here} local"]
    elsewhere = Workshop(work / "other")
    assert elsewhere.log(other) == [f"{other} local"]
    elsewhere.close()
