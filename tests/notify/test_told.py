"""Those who are to be told of a run are told, from `monitor` and from the command line."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from batch_helpers import notify
from batch_helpers.errors import CredentialsError, InvalidInput
from batch_helpers.events import read_events
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, Status
from batch_helpers.notify import Command, Target, Topic, Webhook, targets
from batch_helpers.testing import MemoryEngine
from tests.notify.test_notify import Receiver, hanging, receiver

__all__ = ["hanging", "receiver"]

OOM = "OutOfMemoryError: Container killed due to memory usage"


class Failing(MemoryEngine):
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for detail in [item for item in self.active(["q"]) if item.status is Status.RUNNABLE]:
            self.settle(detail.job_id, Status.FAILED, reason=OOM)


def run(engine: MemoryEngine) -> BatchHelper:
    helper = BatchHelper(
        engine, engine.store, job_queue="q", clock=lambda: engine.now, sleep=engine.wait, stdout=io.StringIO()
    )
    first = [Job(f"a-{number}", command=[str(number)], memory=1024) for number in range(4)]
    helper.add_jobs([*first, Job("last", command=["last"], depends_on=first)])
    return helper


def test_the_end_of_a_run_is_told_with_what_went_wrong(receiver: Receiver) -> None:
    run(Failing()).monitor(notify=receiver.url)
    ((_, body),) = receiver.got
    assert body["kind"] == "ended"
    assert "0 succeeded, 5 failed" in body["title"]
    assert "4 x out of memory at 1 GiB, e.g. a-0: raise memory to 2 GiB or pass memory_growth=2" in body["text"]


def test_a_pause_is_told_at_once_and_written_down(receiver: Receiver, tmp_path: Path) -> None:
    events = str(tmp_path / "cohort.ndjson")
    summary = run(Failing()).monitor(notify=[Webhook(receiver.url)], events=events, max_failures=0.5)
    assert {body["kind"]: body["title"].partition(":")[0] for _, body in receiver.got} == {
        "paused": "cohort is paused",
        "ended": "cohort",
    }
    assert [text for _, text in read_events(events).notes] == [summary.paused]


def test_who_cannot_be_told_is_named_and_changes_nothing(
    hanging: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notify, "TIMEOUT", 0.2)
    began = time.monotonic()
    assert run(MemoryEngine(automatic=True)).monitor(notify=[hanging, f"{sys.executable} -c 'exit(3)'"]).exit_code == 0
    assert time.monotonic() - began < 5
    told = capsys.readouterr().err
    assert "could not notify webhook 127.0.0.1: " in told
    assert "/secret" not in told
    assert "it ended with 3" in told


def test_a_run_that_cannot_be_watched_any_more_is_told_of(receiver: Receiver) -> None:
    engine = MemoryEngine()
    helper = run(engine)

    def refuse(queues: object) -> object:
        raise CredentialsError("the token has expired")

    engine.active = refuse  # type: ignore[method-assign, assignment]
    with pytest.raises(CredentialsError):
        helper.monitor(notify=receiver.url)
    ((_, body),) = receiver.got
    assert (body["kind"], "the token has expired" in body["text"]) == ("stopped", True)


def test_a_run_that_is_left_is_not_told_to_have_ended(receiver: Receiver) -> None:
    engine = MemoryEngine()
    helper = run(engine)

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    engine.wait = interrupted  # type: ignore[method-assign]
    assert helper.monitor(notify=receiver.url).exit_code == 130
    assert receiver.got == []


def test_targets_are_told_apart_by_how_they_look() -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:runs"
    own = Command(["true"])
    found = targets(["https://hooks.example/x", topic, f"{sys.executable} -c 'print(1)'", own])
    assert [type(item) for item in found] == [Webhook, Topic, Command, Command]
    assert isinstance(found[1], Topic)
    assert found[1].access.region == "eu-west-1"
    assert isinstance(found[2], Command)
    assert found[2].arguments == [sys.executable, "-c", "print(1)"]
    assert targets("https://hooks.example/x") == [Webhook("https://hooks.example/x")]
    single: Target = own
    assert targets(single) == [own]


@pytest.mark.parametrize("wrong", ["no-such-command-here", "", "'unclosed", "https://", "arn:aws:sqs:r:1:q"])
def test_a_target_that_cannot_be_is_refused_before_anything_is_watched(wrong: str) -> None:
    engine = MemoryEngine(automatic=True)
    helper = run(engine)
    with pytest.raises(InvalidInput):
        helper.monitor(notify=[wrong])
    assert len(list(engine.active(["q"]))) == 5
