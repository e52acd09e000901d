"""Plans and snapshots in words."""

from __future__ import annotations

import io

import pytest

from batch_helpers.diagnose import group_failures
from batch_helpers.display import Display
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import Action, World, plan
from batch_helpers.report import duration, failure_text, plan_table, progress_line, snapshot_table, summary_line


def snapshot(**fields: object) -> Snapshot:
    base: dict[str, object] = {
        "stages": {"align": {Status.RUNNING: 2, Status.SUCCEEDED: 5}, "call": {Status.PENDING: 7}},
        "held": (Job("gather"),),
        "skipped": {"align": 3},
        "decisions": {Action.SKIP: 3, Action.SUBMIT: 13, Action.REUSE: 1, Action.HOLD: 1},
        "elapsed": 10.0,
        "finished": 5,
    }
    return Snapshot(**{**base, **fields})  # type: ignore[arg-type]


def test_the_table_counts_stages_by_status_and_leaves_out_what_is_empty() -> None:
    assert snapshot_table(snapshot()).splitlines() == [
        "stage      skipped    held    PENDING    RUNNING    SUCCEEDED    FAILED    total",
        "-------  ---------  ------  ---------  ---------  -----------  --------  -------",
        "align            3       0          0          2            5         0       10",
        "call             0       0          7          0            0         0        7",
        "gather           0       1          0          0            0         0        1",
        "total            3       1          7          2            5         0       18",
    ]


def test_hundreds_of_stages_are_cut_but_still_counted() -> None:
    table = snapshot_table(Snapshot(stages={f"s{number}": {Status.RUNNING: 1} for number in range(300)}))
    assert len(table.splitlines()) == 24
    assert "… 280 more" in table
    assert table.splitlines()[-1].split() == ["total", "300", "0", "0", "300"]


def test_the_progress_tells_how_far_how_fast_and_how_long() -> None:
    assert progress_line(snapshot()) == ("5 of 15 ended, 10.0 s elapsed, 30.0 jobs/min, about 20 s left (+- 9 s)")


def test_the_summary_counts_decisions_and_ends() -> None:
    assert (
        summary_line(snapshot()) == "3 skipped, 1 reused, 14 submitted: 5 succeeded, 0 failed, 10 not ended in 10.0 s"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.9, "59.9 s"), (59.96, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_are_said_as_a_person_says_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_what_a_job_printed_cannot_steer_the_terminal() -> None:
    text = failure_text(JobDetail("id", "a\x1b]0;x-0123456789abcdef", Status.FAILED, reason="\x1b[2J"), ["\x07bell"])
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_stage_cannot_steer_the_terminal_either() -> None:
    assert "\x1b" not in snapshot_table(Snapshot(stages={"\x1b[2J": {Status.RUNNING: 1}}))
    assert "\x1b" not in plan_table(plan([Job("\x1b[2J", command=["c"])]).decisions)


def test_a_plan_is_a_table_with_its_reasons() -> None:
    jobs = [Job(f"s-{number}", command=["c", str(number)], outputs=[f"m://b/{number}"]) for number in range(20)]
    text = plan_table(plan(jobs, World(found={"m://b/0"})))
    assert "19 x submit: outputs missing: … (… of …), e.g. s-1: outputs missing: m://b/1 (1 of 1)" in text
    assert "s-1: submit: outputs missing: m://b/1 (1 of 1)" in plan_table(plan(jobs[:12], World(found={"m://b/0"})))
    assert text.splitlines()[:3] == [
        "stage      skip    submit",
        "-------  ------  --------",
        "s             1        19",
    ]


def test_a_pipe_gets_a_table_for_a_change_and_none_for_none() -> None:
    stream, now = io.StringIO(), [0.0]
    display = Display(stream, 60, lambda job_id: iter(()), clock=lambda: now[0])
    picture = snapshot()
    for _ in range(3):
        display.show(picture)
        now[0] += 100
    display.show(snapshot(stages={"align": {Status.SUCCEEDED: 7}}))
    assert stream.getvalue().count("stage ") == 2
    assert "\x1b" not in stream.getvalue()


def test_the_first_second_tells_no_rate() -> None:
    assert progress_line(snapshot(elapsed=0.01)) == "5 of 15 ended, 0.0 s elapsed"


def test_a_picture_that_came_too_early_is_due_soon() -> None:
    now = [0.0]
    display = Display(io.StringIO(), 60, lambda job_id: iter(()), clock=lambda: now[0])
    display.show(snapshot())
    assert display.due == float("inf")
    display.show(snapshot(stages={"align": {Status.SUCCEEDED: 7}}))
    assert display.due == 1
    now[0] = 1.0
    display.show(snapshot(stages={"align": {Status.SUCCEEDED: 7}}))
    assert display.due == float("inf")


def test_a_stream_that_cannot_show_a_name_gets_a_question_mark() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Display(stream, 60, lambda job_id: iter(())).finish(snapshot(stages={"Zürich": {Status.SUCCEEDED: 1}}))
    assert b"Z?rich" in raw.getvalue()


def test_failures_and_what_waits_stand_below_the_table_while_it_goes_on() -> None:
    stream = io.StringIO()
    failed = JobDetail("i", "a-0123456789abcdef", Status.FAILED, reason="OutOfMemoryError: Container killed")
    Display(stream, 60, lambda job_id: iter(())).show(snapshot(failures=group_failures([(failed, None)])))
    assert "1 x out of memory, e.g. a: " in stream.getvalue()
    assert "held: 1 jobs for 0.0 s, e.g. gather" in stream.getvalue()


def test_a_pipe_is_not_flooded_by_quick_changes() -> None:
    stream, now = io.StringIO(), [0.0]
    display = Display(stream, 60, lambda job_id: iter(()), clock=lambda: now[0])
    for number in range(100):
        display.show(snapshot(stages={"align": {Status.SUCCEEDED: number}}))
        now[0] += 0.01
    assert stream.getvalue().count("stage ") <= 2
