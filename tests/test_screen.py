"""The picture on a terminal: of any width, with or without colour and UTF-8, and harmless."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from batch_helpers.diagnose import group_failures
from batch_helpers.dwelling import waiting_lines
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.screen import Screen, shares

LACK = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - the environment has no room"


def detail(name: str, status: Status, **fields: object) -> JobDetail:
    return JobDetail(name, f"{name}-0123456789abcdef", status, **fields)  # type: ignore[arg-type]


def picture(**fields: object) -> Snapshot:
    failed = [
        (detail(f"align-{n}", Status.FAILED, reason="OutOfMemoryError: Container killed"), None) for n in range(3)
    ]
    base: dict[str, object] = {
        "elapsed": 200.0,
        "finished": 400,
        "stages": {
            "align": {Status.SUCCEEDED: 397, Status.FAILED: 3, Status.RUNNING: 100, Status.RUNNABLE: 500},
            "call": {Status.PENDING: 1000},
        },
        "held": (Job("gather"),),
        "skipped": {"align": 24},
        "failures": group_failures(failed),
    }
    return Snapshot(**{**base, **fields})  # type: ignore[arg-type]


def drawn(snapshot: Snapshot, *notes: str, width: int = 80, encoding: str = "utf-8", colour: bool = False) -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="")
    system = "standard" if colour else None
    console = Console(file=stream, width=width, force_terminal=True, color_system=system, legacy_windows=False)  # type: ignore[arg-type]
    console.print(Screen(snapshot, notes))
    stream.seek(0)
    return stream.read().splitlines()


def test_each_stage_has_a_bar_and_its_numbers_in_eighty_columns() -> None:
    lines = drawn(picture())
    assert lines == [
        "align   █████████▒▓▓░░░░░░░░░░░░  24 skipped, 397 succeeded, 3 failed, 100 runn…",
        "call    ░░░░░░░░░░░░░░░░░░░░░░░░  1,000 waiting",
        "gather  ························  1 held",
        "400 of 2001 ended, 3 min 20 s elapsed, 2.0 jobs/s, about 13 min left (+- 40 s)",
        lines[4],
    ]
    assert lines[4].startswith("3 x out of memory, e.g. align-0: ")


@pytest.mark.parametrize("width", [1, 20, 40, 72, 80, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_terminal_and_all_can_be_encoded(width: int, encoding: str) -> None:
    lines = drawn(picture(warning="Zürich"), "held: 1 jobs, e.g. gather", width=width, encoding=encoding)
    assert len(lines) == 7
    assert max(map(len, lines)) <= width


def test_without_colour_nothing_but_text_is_written_and_with_it_failures_are_red() -> None:
    assert "\x1b" not in "".join(drawn(picture()))
    assert "\x1b[31m" in "".join(drawn(picture(), colour=True))


def test_names_of_others_do_nothing_to_the_terminal() -> None:
    evil = "\x1b[2J\x07"
    failed = [(JobDetail("i", f"{evil}-0123456789abcdef", Status.FAILED, reason=evil), None)]
    waiting = JobDetail("w", f"{evil}-0123456789abcdef", Status.RUNNABLE, reason=f"{LACK} {evil}", created_at=0)
    snapshot = picture(stages={evil: {Status.RUNNING: 1}}, failures=group_failures(failed), warning=evil, paused=evil)
    notes = waiting_lines(Snapshot(jobs={"w": waiting}, held=(Job(evil),)), 1000.0, 1.0)
    assert not {"\x1b", "\x07"} & set("".join(drawn(snapshot, *notes)))


def test_many_stages_are_cut() -> None:
    lines = drawn(Snapshot(stages={f"stage{n}": {Status.RUNNING: 1} for n in range(300)}))
    assert lines[12] == "… 288 more stages"


@settings(max_examples=200, deadline=None)
@given(numbers=st.lists(st.integers(0, 10_000), min_size=5, max_size=5), cells=st.integers(0, 60))
def test_a_bar_is_filled_exactly_and_shows_whatever_is_there(numbers: list[int], cells: int) -> None:
    found = shares(numbers, cells)
    assert sum(found) == (cells if sum(numbers) else 0)
    assert min(found) >= 0
    if cells >= 2 * len(numbers):
        assert [bool(share) for share in found] == [bool(number) and bool(cells) for number in numbers]


def test_what_keeps_jobs_from_starting_is_said_once_with_how_long() -> None:
    stuck = {f"s{n}": detail(f"align-{n}", Status.RUNNABLE, reason=LACK, created_at=100.0 + n) for n in range(5)}
    long = {"l": detail("call-1", Status.RUNNABLE, created_at=0.0), "n": detail("new", Status.RUNNABLE, created_at=990)}
    lines = waiting_lines(Snapshot(jobs={**stuck, **long}, held=(Job("gather"), Job("plot"))), 1000.0, 940.0)
    assert lines[0].startswith(f"stuck: 5 jobs, align-0 for 15 min 0 s: {LACK}: ")
    assert lines[1:] == [
        "waiting: call-1 for 16 min 40 s in RUNNABLE: batch-helpers doctor --job looks for the reason",
        "held: 2 jobs for 1 min 0 s, e.g. gather",
    ]


def test_to_wait_in_a_queue_that_moves_is_no_news() -> None:
    jobs = {"a": detail("a", Status.RUNNABLE, created_at=0.0)}
    assert waiting_lines(Snapshot(jobs=jobs, stages={"s": {Status.RUNNING: 1}}), 9000.0) == []
    assert waiting_lines(Snapshot(jobs=jobs, stages={"s": {Status.RUNNABLE: 1}}), 9000.0) != []


def test_jobs_that_wait_for_a_moment_only_or_that_run_are_not_mentioned() -> None:
    jobs = {"a": detail("a", Status.RUNNABLE, created_at=990.0), "b": detail("b", Status.RUNNING, reason=LACK)}
    assert waiting_lines(Snapshot(jobs=jobs), 1000.0) == []
