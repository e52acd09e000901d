"""Reading logs page by page, forwards and backwards, while they grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batch_helpers.serve.api import logfiles
from batch_helpers.serve.api.logfiles import earlier, later
from batch_helpers.serve.state.rows import Stream
from tests.serve.desk import Desk, Refused

GROUP = "/aws/batch/job"


class Log:
    """A stream `s` whose file a test writes."""

    def __init__(self, desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._desk, self.path = desk, path
        self.job_id = desk.submit()
        monkeypatch.setattr(desk.runner, "log", lambda job_id, attempt, container: str(path))
        with desk.database.transaction():
            desk.database.streams.add([Stream(GROUP, "s", self.job_id, 1, 1000)])

    def end(self) -> None:
        self._desk.settle()

    def get(self, **more: Any) -> dict[str, Any]:
        return self._desk.logs("GetLogEvents", logGroupName=GROUP, logStreamName="s", **more)

    def messages(self, **more: Any) -> list[str]:
        return [event["message"] for event in self.get(**more)["events"]]


@pytest.fixture
def log(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(desk, tmp_path / "log", monkeypatch)


def forwards(log: Log, **more: Any) -> list[str]:
    """All messages, page by page, until the token repeats."""
    page, found = log.get(startFromHead=True, **more), []
    while True:
        found += [event["message"] for event in page["events"]]
        token = page["nextForwardToken"]
        page = log.get(startFromHead=True, nextToken=token, **more)
        if page["nextForwardToken"] == token:
            return found


def backwards(log: Log, **more: Any) -> list[str]:
    """All messages, from the last page to the first, until the token repeats."""
    page, found = log.get(**more), []
    while True:
        found = [event["message"] for event in page["events"]] + found
        token = page["nextBackwardToken"]
        page = log.get(nextToken=token, **more)
        if page["nextBackwardToken"] == token:
            return found


def test_a_log_is_read_in_either_direction_in_pages_of_any_size(log: Log) -> None:
    lines = [f"line {number}" for number in range(25)]
    log.path.write_text("\n".join(lines) + "\n")
    for limit in (1, 7, 25, 100):
        assert forwards(log, limit=limit) == lines
        assert backwards(log, limit=limit) == lines


def test_the_last_lines_come_first_unless_the_head_is_asked_for(log: Log) -> None:
    log.path.write_text("a\nb\nc\n")
    assert log.messages(limit=2) == ["b", "c"]
    assert log.messages(limit=2, startFromHead=True) == ["a", "b"]


def test_what_is_written_later_is_read_from_the_same_token(log: Log) -> None:
    log.path.write_text("a\n")
    token = log.get(startFromHead=True)["nextForwardToken"]
    assert log.messages(startFromHead=True, nextToken=token) == []
    with log.path.open("a") as file:
        file.write("b\n")
    assert log.messages(startFromHead=True, nextToken=token) == ["b"]


def test_a_line_without_an_end_is_told_when_the_job_has_ended(log: Log) -> None:
    log.path.write_text("a\nhalf")
    assert (forwards(log), backwards(log)) == (["a"], ["a"])
    log.end()
    assert (forwards(log), backwards(log)) == (["a", "half"], ["a", "half"])


def test_empty_lines_and_carriage_returns_and_broken_utf8_do_no_harm(log: Log) -> None:
    log.path.write_bytes(b"a\r\n\n10%\r20%\n\xff\n\xe6\xbc\xa2\n")
    assert forwards(log) == ["a", "10%\r20%", "�", "漢"]


def test_a_log_that_was_never_written_is_empty(log: Log) -> None:
    assert (forwards(log), backwards(log)) == ([], [])


def test_pages_hold_a_megabyte(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "PAGE", 100)
    lines = [f"{number:03} {'x' * 25}" for number in range(30)]
    log.path.write_text("\n".join(lines) + "\n")
    assert len(log.messages(startFromHead=True)) == 3
    assert (forwards(log), backwards(log)) == (lines, lines)


def test_a_line_longer_than_a_page_comes_in_pieces(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "PAGE", 10)
    log.path.write_text("a\n" + "x" * 25 + "\nb\n")
    log.end()
    assert "".join(forwards(log)) == "a" + "x" * 25 + "b"


def test_ten_thousand_events_are_a_page(log: Log) -> None:
    log.path.write_text("x\n" * 10_001)
    assert len(log.messages()) == len(log.messages(startFromHead=True)) == 10_000
    with pytest.raises(Refused, match="at most 10000"):
        log.get(limit=10_001)


@pytest.mark.parametrize(
    ("times", "seen"),
    [
        ({"startTime": 1000}, True),
        ({"startTime": 1001}, False),
        ({"endTime": 1000}, False),
        ({"endTime": 1001}, True),
    ],
)
def test_events_are_chosen_by_their_time(log: Log, times: dict[str, int], seen: bool) -> None:
    log.path.write_text("a\n")
    assert bool(log.messages(**times)) is seen


@pytest.mark.parametrize("token", ["x", "f/", "f/-1", "b/1x"])
def test_tokens_of_nobody_are_refused(log: Log, token: str) -> None:
    with pytest.raises(Refused, match="nextToken is invalid"):
        log.get(nextToken=token)


def test_a_token_beyond_the_end_is_an_empty_page(log: Log) -> None:
    log.path.write_text("a\n")
    assert log.messages(nextToken="f/999", startFromHead=True) == []
    assert log.messages(nextToken="b/999") == ["a"]


def test_groups_and_streams_that_do_not_exist_are_told_apart(desk: Desk) -> None:
    with pytest.raises(Refused, match="log stream does not exist") as caught:
        desk.logs("GetLogEvents", logGroupName=GROUP, logStreamName="none")
    assert caught.value.code == "ResourceNotFoundException"
    for operation, more in (("GetLogEvents", {"logStreamName": "s"}), ("DescribeLogStreams", {})):
        with pytest.raises(Refused, match="log group does not exist"):
            desk.logs(operation, logGroupName="elsewhere", **more)
        with pytest.raises(Refused, match="Exactly one of"):
            desk.logs(operation, **more)


def test_a_group_is_known_by_its_arn_too(log: Log, desk: Desk) -> None:
    log.path.write_text("a\n")
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}"
    assert len(desk.logs("GetLogEvents", logGroupIdentifier=arn, logStreamName="s")["events"]) == 1


def test_streams_are_listed_by_prefix_in_pages_in_either_order(desk: Desk) -> None:
    names = [f"a/{number:02}" for number in range(60)] + ["b/1"]
    with desk.database.transaction():
        desk.database.streams.add([Stream(GROUP, name, "j", 1, 5) for name in names])

    def page(**more: Any) -> tuple[list[str], str | None]:
        found = desk.logs("DescribeLogStreams", logGroupName=GROUP, **more)
        return [item["logStreamName"] for item in found["logStreams"]], found.get("nextToken")

    first, token = page(logStreamNamePrefix="a/")
    assert (len(first), page(logStreamNamePrefix="a/", nextToken=token)) == (50, (names[50:60], None))
    assert page(descending=True, limit=2)[0] == ["b/1", "a/59"]
    assert page(logStreamNamePrefix="none") == ([], None)
    with pytest.raises(Refused, match="nextToken is invalid"):
        page(nextToken=token)
    with pytest.raises(Refused, match="Cannot order by LastEventTime"):
        page(logStreamNamePrefix="a", orderBy="LastEventTime")


def test_a_piece_of_a_log_says_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("aa\nbb\ncc\n")
    assert later(str(path), 3, 1, complete=False) == (["bb"], 3, 6)
    assert earlier(str(path), 6, 1, complete=False) == (["bb"], 3, 6)
