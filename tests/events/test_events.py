"""What is written down of a run is enough to tell all of it again."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from batch_helpers.diagnose import group_failures
from batch_helpers.errors import InvalidInput, ServiceError
from batch_helpers.events import Entry, EventLog, EventsFile, RunRecord, read_events
from batch_helpers.job import Attempt, Job, JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import Action
from batch_helpers.report import snapshot_table, summary_line
from tests.events.runs import START, Script, cohort, mixed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.ndjson"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def told(record: RunRecord) -> tuple[object, ...]:
    """All that tables, pages and sums are made from."""
    return (
        dict(record.entries),
        {job.name: job.key for job in record.held},
        record.skipped,
        record.decisions,
        record.stages,
        [str(group) for group in record.failures],
        record.superseded,
        snapshot_table(record.snapshot),
    )


def without_jobs(record: RunRecord) -> tuple[object, ...]:
    entries = {job_id: (entry.detail, entry.replaces, entry.seen) for job_id, entry in record.entries.items()}
    return (entries, *told(record)[1:])


def test_a_run_read_back_is_the_run_that_was_watched(path: Path) -> None:
    script = mixed(path)
    held = Job("gather", command=["g"], outputs=["m://b/all"])
    script.poll(5, held=(held,), skipped={"align": 3}, decisions={Action.SUBMIT: 40, Action.SKIP: 3, Action.HOLD: 1})
    script.end()
    again = read_events(str(path))
    assert without_jobs(again) == without_jobs(script.record())
    assert again.warnings == ()
    assert (again.began, again.latest, again.ended, again.engine) == (START, START + 125, True, "memory")
    assert summary_line(again.snapshot) == summary_line(script.record().snapshot)


def test_jobs_read_back_are_the_same_work(path: Path) -> None:
    script = Script(path)
    job = Job(
        "call-é", image="img:1", command="call < in > out", parameters={"a": "1"}, environment={"K": "v"}, vcpus=0.5,
        memory=512, gpus=1, inputs=["m://b/in"], outputs=["m://b/out"], attempts=3, timeout=90, tags={"sample": "s1"},
        intermediate=True, run_dependents_on_fail=True, stage="variants",
    )  # fmt: skip
    (first,) = script.add(job)
    (second,) = script.add(Job("next", command=["n"], depends_on=[first]))
    script.poll()
    entries = read_events(str(path)).entries
    again = entries[first].job
    assert again is not None
    for name in Job.__slots__:
        if name not in ("_digest", "job_queue"):
            assert getattr(again, name) == getattr(job, name), name
    assert again.fingerprint == job.fingerprint
    assert entries[second].job is not None
    assert entries[second].job.depends_on == (first,)


def test_dependencies_given_as_jobs_are_written_by_their_work(path: Path) -> None:
    upstream = Job("a", command=["a"])
    with EventLog(str(path)) as log:
        log.record(Snapshot(held=(Job("b", command=["b"], depends_on=[upstream, None, "id"]),)), {})
    (held,) = read_events(str(path)).held
    assert held.depends_on == (f"#{upstream.key}", "id")


def test_what_has_not_changed_is_not_written_again(path: Path) -> None:
    script = Script(path)
    script.add(*cohort(5))
    script.poll()
    size = path.stat().st_size
    for _ in range(3):
        script.poll(60)
    assert path.stat().st_size == size


def test_a_change_is_one_line_with_who_what_when_and_its_cause(path: Path) -> None:
    script = Script(path)
    (job_id,) = script.add(*cohort(1))
    script.poll()
    script.engine.settle(job_id, Status.FAILED, reason="OutOfMemoryError: x", exit_code=137)
    script.poll(60)
    first, last = lines(path)[-2:]
    assert (first["kind"], first["id"], first["status"]) == ("job", job_id, "RUNNABLE")
    assert first["job"] == {"name": "align-s0", "command": ["align", "0"], "outputs": ["m://b/align/0"], "vcpus": 2,
                            "memory": 4096, "job_queue": "q"}  # fmt: skip
    assert {name: last[name] for name in ("kind", "at", "id", "status", "cause", "reason", "exit_code")} == {
        "kind": "status", "at": START + 60, "id": job_id, "status": "FAILED", "cause": "out of memory",
        "reason": "OutOfMemoryError: x", "exit_code": 137,
    }  # fmt: skip


def test_a_new_reason_of_an_active_job_is_a_change(path: Path) -> None:
    from dataclasses import replace

    script = Script(path)
    script.add(*cohort(1))
    snapshot = script.poll()
    (detail,) = snapshot.jobs.values()
    stuck = replace(detail, reason="CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    script.log.record(replace(snapshot, jobs={detail.job_id: stuck}), script.work)
    assert read_events(str(path)).entries[detail.job_id].detail.reason == stuck.reason


def test_work_that_is_done_again_counts_once_and_the_failed_try_is_kept(path: Path) -> None:
    script = Script(path)
    small, big = cohort(1)[0], cohort(1, memory=8192)[0]
    (first,) = script.add(small)
    script.poll()
    script.engine.settle(first, Status.FAILED, reason="OutOfMemoryError: x")
    script.poll(60)
    (second,) = script.add(big, replaces=first)
    script.poll()
    script.engine.settle(second)
    script.poll(60)
    for record in (read_events(str(path)), script.record()):
        assert record.stages == {"align": {Status.SUCCEEDED: 1}}
        assert record.failures == []
        assert set(record.entries) == {first, second}
        assert [entry.job_id for entry in record] == [second]
        assert record.entries[second].replaces == first


def test_a_held_job_is_one_no_more_when_it_has_been_submitted(path: Path) -> None:
    script = Script(path)
    (job,) = cohort(1)
    script.poll(held=(job,))
    script.poll(held=(job,))
    assert [held.name for held in read_events(str(path)).held] == ["align-s0"]
    assert len([line for line in lines(path) if line["kind"] == "held"]) == 1
    script.add(job)
    script.poll()
    assert read_events(str(path)).held == ()


def test_a_definition_that_is_learned_later_is_written_down_too(path: Path) -> None:
    """A job of an image gets its definition from the engine, which tells it when it is first asked."""
    job = Job("align-1", image="aligner:1", command=["a"])
    details = [
        JobDetail("id", job.full_name, Status.SUBMITTED),
        JobDetail("id", job.full_name, Status.FAILED, queue="spot", reason="x", job_definition="bh-aligner:1"),
    ]
    with EventLog(str(path)) as log:
        for detail in details:
            log.record(Snapshot(jobs={"id": detail}), {"id": job})
    record = read_events(str(path))
    assert record.entries["id"].detail == details[1]
    assert record.failures == group_failures([(details[1], job)])


def test_notes_are_kept_with_their_time(path: Path) -> None:
    script = Script(path)
    script.log.note("paused: too many failures")
    assert read_events(str(path)).notes == ((START, "paused: too many failures"),)


def test_a_second_script_appends_to_the_same_run(path: Path) -> None:
    script = Script(path)
    ids = script.add(*cohort(2))
    script.poll()
    script.end()
    later = Script(path, script.engine)
    assert later.add(*cohort(2)) == ids
    later.engine.settle(ids[0])
    later.poll(60)
    record = read_events(str(path))
    assert record.stages == {"align": {Status.SUCCEEDED: 1, Status.RUNNABLE: 1}}
    assert not record.ended


def test_a_cut_last_line_costs_that_line_only(path: Path) -> None:
    script = mixed(path)
    script.end()
    whole = path.read_bytes()
    full = read_events(str(path))
    last = len(whole) - len(whole.splitlines()[-2]) // 2 - len(whole.splitlines()[-1])
    path.write_bytes(whole[:last])
    record = read_events(str(path))
    assert len(record.entries) == len(full.entries)
    assert "cut short" in record.warnings[0]


def test_every_cut_of_a_file_can_be_read_or_is_refused_in_our_words(path: Path) -> None:
    script = mixed(path, 4)
    script.end()
    whole = path.read_bytes()
    for size in range(0, len(whole), 43):
        path.write_bytes(whole[:size])
        try:
            record = read_events(str(path))
        except InvalidInput as exc:
            assert size <= len(whole.splitlines()[0]), exc  # noqa: PT017
        else:
            assert bool(record.warnings) is not whole[:size].endswith(b"\n")


def test_a_run_goes_on_after_a_kill_within_a_line(path: Path) -> None:
    script = Script(path)
    script.add(*cohort(3))
    script.poll()
    script.log.close()
    path.write_bytes(path.read_bytes()[:-20])
    later = Script(path, script.engine)
    assert json.loads(path.read_bytes().splitlines()[-1])["kind"] == "run"
    later.add(*cohort(3))
    later.poll(60)
    record = read_events(str(path))
    assert len(record.entries) == 3
    assert record.warnings == ("damaged and left out: 1 x, in line 4",)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"name,status\na,b\n", b"[]\n", b"{}\n", b"5\n", b'"run"\n',
                                     b'{"kind":"job","at":1}\n', b'{"kind":"run","at":1}\n',
                                     b'{"kind":"run","at":1,"format":"1"}\n', b'{"kind":["run"],"at":1}\n',
                                     b'{"kind":"run","at":1,"format":1,"engine":5}\n',
                                     b"[" * 100_000 + b"\n"])  # fmt: skip
def test_what_is_no_file_of_events_is_refused_in_our_words(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=str(path)):
        read_events(str(path))


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read_events(str(path))


def test_a_newer_format_says_to_upgrade(path: Path) -> None:
    path.write_text('{"kind":"run","at":1,"format":2,"version":"9.1"}\n')
    with pytest.raises(InvalidInput, match=r"newer version \(9.1, format 2; this one reads 1\): pip install --upgrade"):
        read_events(str(path))


def test_kinds_and_members_of_a_later_version_are_left_alone(path: Path) -> None:
    script = Script(path)
    script.add(*cohort(1))
    script.poll()
    with path.open("a") as file:
        file.write('{"kind":"weather","at":1700000001,"sky":"blue"}\n')
        file.write(
            '{"kind":"job","at":1700000002,"id":"x","name":"n","status":"RUNNING","job":{"name":"n","mood":1}}\n'
        )
    record = read_events(str(path))
    assert record.warnings == ()
    assert record.entries["x"].job is not None


@pytest.mark.parametrize(
    "line",
    ['{"kind":"status","at":1,"id":"nobody","status":"RUNNING"}', '{"kind":"status","at":1,"id":{},"status":"RUNNING"}',
     '{"kind":"job","at":1,"id":"x","name":"n","status":"DANCING"}',
     '{"kind":"job","at":1,"id":"x","status":"RUNNING"}',
     '{"kind":"job","at":1,"id":"x","name":"n","status":"FAILED","exit_code":"one"}',
     '{"kind":"job","at":1,"id":"x","name":"n","status":"FAILED","created_at":NaN}',
     '{"kind":"job","at":1,"id":"x","name":"n","status":"FAILED","created_at":1e300}',
     '{"kind":"job","at":1,"id":"x","name":"n","status":"FAILED","attempts":[5]}',
     '{"kind":"job","at":1,"id":"x","name":"n","status":"FAILED","attempts":7}',
     '{"kind":"job","at":1,"id":"x","name":"n","status":"RUNNING","job":{"name":"n","vcpus":-1}}',
     '{"kind":"job","at":1,"id":"x","name":"n","status":"RUNNING","job":[]}',
     '{"kind":"job","at":1,"id":5,"name":"n","status":"RUNNING"}', '{"kind":"held","at":1}',
     '{"kind":"plan","at":1,"skipped":[1]}', '{"kind":"note","at":true,"text":"x"}', '{"kind":"note","at":1,"text":[]}',
     "rubbish", '{"kind":"run","at":2,"format":1,"engine":{}}'],
)  # fmt: skip
def test_a_damaged_line_is_left_out_and_told(path: Path, line: str) -> None:
    script = Script(path)
    script.add(*cohort(1))
    script.poll()
    with path.open("a") as file:
        file.write(line + "\n")
    record = read_events(str(path))
    assert len(record.entries) == 1
    assert record.warnings == ("damaged and left out: 1 x, in line 3",)


def test_times_that_go_backwards_are_told_and_no_duration_is_negative(path: Path) -> None:
    script = Script(path)
    (job_id,) = script.add(*cohort(1))
    script.poll()
    script.engine.now -= 3600
    script.engine.settle(job_id)
    script.poll()
    record = read_events(str(path))
    assert record.warnings == ("the clock went backwards 1 x; durations are never taken as negative",)
    (entry,) = record
    assert entry.created is not None
    assert entry.stopped is not None
    assert entry.stopped >= entry.created
    assert (entry.run_seconds, record.elapsed) == (0.0, 3600)


def test_two_scripts_that_write_at_once_are_no_clock_that_goes_backwards(path: Path) -> None:
    one = Script(path)
    other = Script(path, one.engine)
    one.poll()
    one.log.note("now")
    one.engine.now -= 0.5
    other.log.note("a little before")
    assert read_events(str(path)).warnings == ()
    assert len(read_events(str(path)).notes) == 2


def test_an_attempt_that_ended_before_it_began_took_no_time() -> None:
    odd = (Attempt(1, started_at=100.0, stopped_at=40.0), Attempt(2, started_at=100.0, stopped_at=130.0))
    entry = Entry(JobDetail("i", "n", Status.SUCCEEDED, created_at=200.0, stopped_at=130.0, attempts=odd))
    assert (entry.run_seconds, entry.wait_seconds, entry.stopped) == (30.0, 0.0, 200.0)


def test_a_file_that_grows_is_read_on_from_where_it_was(path: Path) -> None:
    script = Script(path)
    events = EventsFile(str(path))
    (job_id,) = script.add(*cohort(1))
    script.poll()
    assert [entry.status for entry in events.read()] == [Status.RUNNABLE]
    script.engine.settle(job_id)
    script.poll(60)
    assert [entry.status for entry in events.read()] == [Status.SUCCEEDED]
    assert read_events(str(path)).stages == events.read().stages
    path.write_bytes(b"")
    with pytest.raises(InvalidInput, match="shorter"):
        events.read()


def test_a_line_that_is_being_written_is_read_when_it_is_whole(path: Path) -> None:
    script = Script(path)
    script.add(*cohort(1))
    script.poll()
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    events = EventsFile(str(path))
    assert not events.read().entries
    path.write_bytes(whole)
    record = events.read()
    assert len(record.entries) == 1
    assert record.warnings == ()


def test_commands_and_environments_are_for_the_owner_only(path: Path) -> None:
    Script(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("where", ["", "nowhere/run.ndjson"])
def test_a_file_that_cannot_be_opened_is_refused_before_the_run(tmp_path: Path, where: str) -> None:
    with pytest.raises(InvalidInput, match="events="):
        EventLog(str(tmp_path / where))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_an_error_of_ours_and_the_changes_are_not_taken_as_written(path: Path) -> None:
    script = Script(path)
    script.add(*cohort(2))
    full, good = os.open("/dev/full", os.O_WRONLY), script.log._file
    script.log._file = full
    with pytest.raises(ServiceError, match="No space left"):
        script.poll()
    script.log._file = good
    os.close(full)
    script.poll()
    assert len(read_events(str(path)).entries) == 2


def test_a_stranger_s_job_has_a_stage_and_a_sample_too(path: Path) -> None:
    script = Script(path)
    script.add(*cohort(1), Job("gather", command=["g"]), Job("x", command=["x"], tags={"sample": "s9"}))
    script.work.clear()
    script.poll()
    assert [(entry.stage, entry.sample) for entry in script.record()] == [
        ("align", "s0"), ("gather", "gather"), ("x", "x"),
    ]  # fmt: skip


def test_a_sample_is_its_tag_or_what_the_name_says_beside_the_stage(path: Path) -> None:
    script = Script(path)
    script.add(Job("align-s1_2", command=["a"]), Job("x", command=["x"], tags={"sample": "s9"}),
               Job("s4-sort", command=["s"], stage="sorting"))  # fmt: skip
    script.poll()
    assert [entry.sample for entry in script.record()] == ["s1_2", "s9", "sort"]
