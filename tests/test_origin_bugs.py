"""The bugs of the tool that this one replaces, each as a promise that it does not come back.

Bugs 1 and 4 (outputs compared by their basenames, in lists) are held by tests/stores/test_origin_bugs.py,
bug 7 (environment entries passed through str()) by tests/engines/aws.
"""

from __future__ import annotations

from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, Status
from batch_helpers.testing import MemoryEngine


def script(engine: MemoryEngine) -> BatchHelper:
    return BatchHelper(engine, engine.store, job_queue="q", clock=lambda: engine.now, sleep=engine.wait)


def test_bug_2_yesterdays_success_does_not_hide_todays_running_job() -> None:
    engine = MemoryEngine()
    job = Job("a", command=["a"], outputs=["m://b/a"])
    yesterday = script(engine).add_jobs([job])[0]
    engine.settle(str(yesterday))
    engine.store.delete(["m://b/a"])
    today = script(engine).add_jobs([job])
    assert script(engine).add_jobs([job]) == today
    assert len(engine.submitted) == 2


def test_bug_3_jobs_that_differ_only_in_their_command_are_two() -> None:
    engine = MemoryEngine()
    ids = script(engine).add_jobs([Job("a", command=["x", "1"]), Job("a", command=["x", "2"])])
    assert len(set(ids)) == 2


def test_bug_5_a_job_that_has_aged_out_does_not_break_the_run() -> None:
    engine = MemoryEngine()
    helper = script(engine)
    job_id = helper.add_job("a", command=["a"], outputs=["m://b/a"])
    engine.settle(str(job_id))
    engine.forget(str(job_id))
    assert helper.monitor().exit_code == 0


def test_bug_6_outputs_are_not_believed_while_the_job_is_still_writing_them() -> None:
    engine = MemoryEngine()
    job = Job("a", command=["a"], outputs=["m://b/a"])
    job_id = script(engine).add_jobs([job])[0]
    engine.advance(str(job_id), Status.RUNNING)
    engine.store.write("m://b/a", b"half")
    assert script(engine).add_jobs([job]) == [job_id]
