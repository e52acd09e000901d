from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.engines.aws import AWSEngine
from batch_helpers.errors import AccessDenied, AmbiguousAnswer
from tests.engines.aws.service import Act, Service, answers, says

GROUP = "/aws/batch/job"


@pytest.fixture
def tried_twice(service: Service) -> Service:
    attempts = [{"container": {"logStreamName": "a"}}, {"container": {"logStreamName": "b"}}]
    service.add("id", "n", "FAILED", attempts=attempts, container={"logStreamName": "b"})
    service.logs = {(GROUP, "a"): ["first"], (GROUP, "b"): [f"line {number}" for number in range(5)]}
    return service


def test_the_last_attempts_log_is_read_to_its_end(engine: AWSEngine, tried_twice: Service) -> None:
    assert list(engine.logs("id")) == [f"line {number}" for number in range(5)]
    first, *others = tried_twice.bodies("getlogevents")
    assert first == {"logGroupName": GROUP, "logStreamName": "b", "startFromHead": True}
    assert [body["nextToken"] for body in others] == ["2", "4", "5"]


@pytest.mark.parametrize(("attempt", "lines"), [(1, ["first"]), (3, []), (0, [])])
def test_each_attempt_has_its_own_log(attempt: int, lines: list[str], engine: AWSEngine, tried_twice: Service) -> None:
    assert list(engine.logs("id", attempt)) == lines


def test_an_empty_page_is_not_the_end(engine: AWSEngine, tried_twice: Service) -> None:
    tried_twice.script["getlogevents"].append(answers(events=[], nextForwardToken="0"))
    assert len(list(engine.logs("id"))) == 5


@pytest.mark.parametrize("what", ["stream", "group"])
def test_a_stream_that_is_not_there_yet_is_no_lines(what: str, engine: AWSEngine, tried_twice: Service) -> None:
    absent = says(400, "ResourceNotFoundException", f"The specified log {what} does not exist.")
    tried_twice.script["getlogevents"].append(absent)
    assert list(engine.logs("id")) == []


def test_a_job_without_a_stream_or_without_a_trace_has_no_lines(engine: AWSEngine, service: Service) -> None:
    service.add("id", "n", "RUNNABLE")
    assert list(engine.logs("id")) == []
    assert list(engine.logs("gone")) == []
    assert service.count("getlogevents") == 0


@pytest.mark.parametrize("in_tasks", [False, True])
def test_the_group_of_the_definitions_log_configuration_is_read(
    in_tasks: bool, engine: AWSEngine, service: Service
) -> None:
    configured = {"logDriver": "awslogs", "options": {"awslogs-group": "/mine"}}
    container: dict[str, Any] = {"logStreamName": "a", "logConfiguration": configured}
    more = (
        {"ecsProperties": {"taskProperties": [{"containers": [container]}]}} if in_tasks else {"container": container}
    )
    service.add("id", "n", "RUNNING", **more)
    service.logs[("/mine", "a")] = ["here"]
    assert list(engine.logs("id")) == ["here"]


def test_each_container_of_a_job_that_has_several_is_read_with_its_name(engine: AWSEngine, service: Service) -> None:
    def tasks(*streams: str | None) -> dict[str, Any]:
        named = zip(("stager", "main"), streams, strict=True)
        return {"taskProperties": [{"containers": [{"name": name, "logStreamName": stream} for name, stream in named]}]}

    service.add("id", "n", "RUNNING", container={}, attempts=[tasks("a", None)], ecsProperties=tasks("b", "c"))
    service.logs = {(GROUP, "a"): ["lost"], (GROUP, "b"): ["copied", "all"], (GROUP, "c"): ["done"]}
    assert list(engine.logs("id", 1)) == ["lost"]
    assert list(engine.logs("id")) == list(engine.logs("id", 2)) == ["[stager] copied", "[stager] all", "[main] done"]


def test_lines_of_several_containers_come_in_their_time_so_that_later_ones_come_last(
    engine: AWSEngine, service: Service
) -> None:
    def told(*lines: tuple[int, str]) -> Act:
        events = [{"timestamp": time, "message": line} for time, line in lines]
        return answers(events=events, nextForwardToken="end")

    named = [{"name": name, "logStreamName": name} for name in "ab"]
    service.add("id", "n", "RUNNING", container={}, ecsProperties={"taskProperties": [{"containers": named}]})
    service.logs = {(GROUP, "a"): [], (GROUP, "b"): []}
    pages = [told((1, "1"), (4, "4")), told((2, "2"), (3, "3")), told(), told()]
    service.script["getlogevents"].extend(pages)
    before = list(engine.logs("id"))
    assert before == ["[a] 1", "[b] 2", "[b] 3", "[a] 4"]
    pages = [told((1, "1"), (4, "4"), (5, "5")), told((2, "2"), (3, "3")), told(), told()]
    service.script["getlogevents"].extend(pages)
    assert list(engine.logs("id")) == [*before, "[a] 5"]


def test_line_ends_are_taken_off_and_lines_within_an_event_are_lines(engine: AWSEngine, service: Service) -> None:
    service.add("id", "n", "RUNNING", container={"logStreamName": "a"})
    service.logs[(GROUP, "a")] = ["one\r\n", "two\nthree\n", "", "a\u2028b\x0bc"]
    assert list(engine.logs("id")) == ["one", "two", "three", "", "a\u2028b\x0bc"]


def test_an_answer_without_events_is_asked_again_and_never_the_end(engine: AWSEngine, tried_twice: Service) -> None:
    tried_twice.script["getlogevents"].append(answers(nextForwardToken="0"))
    assert len(list(engine.logs("id"))) == 5
    tried_twice.script["getlogevents"].extend([answers()] * 50)
    with pytest.raises(AmbiguousAnswer):
        list(engine.logs("id"))


def test_logs_that_nobody_may_read_are_an_error(engine: AWSEngine, tried_twice: Service) -> None:
    tried_twice.script["getlogevents"].append(says(400, "AccessDeniedException", "not you"))
    with pytest.raises(AccessDenied, match="log stream 'b' of group '/aws/batch/job'"):
        list(engine.logs("id"))
