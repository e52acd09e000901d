"""The workflow: which stage waits for which, and how far each is."""

from __future__ import annotations

from batch_helpers.events import Entry, RunRecord
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.tui.stages import neighbours, stage_lines, stages


def entry(name: str, *needs: object, status: Status = Status.SUCCEEDED, job: Job | None = None) -> Entry:
    made = job or Job(name, command=[name], depends_on=needs)  # type: ignore[arg-type]
    return Entry(JobDetail(f"id-{name}", made.full_name, status), made)


def record(*entries: Entry, **fields: object) -> RunRecord:
    return RunRecord(entries={item.job_id: item for item in entries}, **fields)  # type: ignore[arg-type]


def test_stages_stand_after_what_they_wait_for() -> None:
    trim = Job("trim-1", command=["t"])
    run = record(
        entry("trim-1", job=trim),
        entry("align-1", "id-trim-1", status=Status.RUNNING),
        entry("call-1", f"#{trim.key}", "id-align-1", "unknown", status=Status.PENDING),
        entry("note-1", status=Status.FAILED),
        held=(Job("gather", command=["g"], depends_on=["id-call-1", trim]),),
    )
    found = {stage.name: (stage.upstream, stage.level, stage.held) for stage in stages(run)}
    assert found == {
        "trim": ((), 0, 0),
        "align": (("trim",), 1, 0),
        "call": (("trim", "align"), 2, 0),
        "note": ((), 0, 0),
        "gather": (("trim", "call"), 3, 1),
    }


def test_a_stage_that_waits_for_itself_or_in_a_circle_ends() -> None:
    run = record(entry("a-1"), entry("b-1", "id-a-1"), entry("a-2", "id-b-1", "id-a-1"), entry("b-2", "id-a-2"))
    assert [(stage.name, stage.upstream, stage.level) for stage in stages(run)] == [
        ("a", ("b",), 0), ("b", ("a",), 1),
    ]  # fmt: skip


def test_neighbours_are_found_in_both_directions() -> None:
    trim = Job("trim-1", command=["t"])
    first = entry("trim-1", job=trim)
    by_id, by_key, by_job = entry("x-1", "id-trim-1"), entry("y-1", f"#{trim.key}"), entry("z-1", trim)
    run = record(first, by_id, by_key, by_job, entry("w-1"))
    assert neighbours(run, first) == ([], [by_id, by_key, by_job])
    assert neighbours(run, by_key) == ([first], [])


def test_a_line_has_a_bar_the_numbers_and_what_it_waits_for() -> None:
    run = record(
        *(entry(f"trim-{n}") for n in range(3)),
        entry("trim-3", status=Status.FAILED),
        entry("align-1", "id-trim-1", status=Status.RUNNING),
        skipped={"trim": 4},
    )
    assert stage_lines(stages(run), run.skipped) == [
        "trim     █████████████████████▒▒▒  4 skipped, 3 SUCCEEDED, 1 FAILED",
        "  align  ························  1 RUNNING  after trim",
    ]


def test_one_failure_among_thousands_is_seen_and_one_that_is_missing_leaves_the_bar_open() -> None:
    run = record(*(entry(f"trim-{n}") for n in range(2000)), entry("trim-x", status=Status.FAILED))
    (line,) = stage_lines(stages(run), {})
    assert "█" * 23 + "▒" in line
    run = record(*(entry(f"trim-{n}") for n in range(2000)), entry("trim-x", status=Status.RUNNING))
    (line,) = stage_lines(stages(run), {})
    assert "█" * 23 + "·" in line


def test_names_are_harmless_and_an_empty_run_has_no_lines() -> None:
    evil = entry("x", job=Job("x", command=["x"], stage="\x1b[2J"))
    assert "\x1b" not in "".join(stage_lines(stages(record(evil)), {}))
    assert stage_lines(stages(RunRecord()), {}) == []
