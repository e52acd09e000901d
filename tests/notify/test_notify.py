"""Somebody is told, or it is said who could not be; the run never waits for long."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from batch_helpers import notify
from batch_helpers.aws_client import AWSAccess
from batch_helpers.diagnose import group_failures
from batch_helpers.errors import InvalidInput, ServiceError
from batch_helpers.job import JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.notify import Command, News, Notifier, Topic, Webhook
from batch_helpers.plan import Action

NEWS = News("ended", "cohort: 5 succeeded, 1 failed", "  1 x out of memory <b>\n")


class Receiver(ThreadingHTTPServer):
    """Takes posts on loopback, and answers with `status`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.got = 200, list[tuple[str, dict[str, Any]]]()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/services/T0/secret"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.headers["Content-Type"], body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.url)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/secret"


def test_a_webhook_gets_json_that_slack_understands(receiver: Receiver) -> None:
    Webhook(receiver.url).send(NEWS)
    ((kind, body),) = receiver.got
    assert kind == "application/json"
    text = "cohort: 5 succeeded, 1 failed\n  1 x out of memory &lt;b&gt;"
    assert body == {"text": text, "title": NEWS.title, "kind": "ended"}


def test_a_job_s_name_calls_nobody(receiver: Receiver) -> None:
    Webhook(receiver.url).send(News("ended", "<!channel> & \x1b[2J", "<@U1>"))
    assert receiver.got[0][1]["text"] == "&lt;!channel&gt; &amp; \N{REPLACEMENT CHARACTER}[2J\n&lt;@U1&gt;"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_no_success_is_an_error_that_gives_no_secret_away(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(ServiceError, match=f"webhook 127.0.0.1: it answered {status}") as caught:
        Webhook(receiver.url).send(NEWS)
    assert "secret" not in str(caught.value)
    assert len(receiver.got) == 1


def test_a_webhook_that_is_not_there_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ServiceError, match=r"webhook 127\.0\.0\.1"):
        Webhook(f"http://127.0.0.1:{port}/secret").send(NEWS)


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://x/y", "https://", "slack"])
def test_what_is_no_url_of_the_web_is_refused_before_the_run(url: str) -> None:
    with pytest.raises(InvalidInput, match="http:// or https://"):
        Webhook(url)


def test_a_webhook_that_hangs_is_given_up_and_reported(hanging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "TIMEOUT", 0.1)
    with pytest.raises(ServiceError, match="Timeout"):
        Webhook(hanging).send(NEWS)


def test_nobody_who_hangs_holds_up_the_run_nor_the_others(hanging: str, receiver: Receiver) -> None:
    said: list[str] = []
    notifier = Notifier([Webhook(hanging), Webhook(receiver.url)], said.append, timeout=0.3)
    began = time.monotonic()
    notifier.tell(NEWS)
    assert time.monotonic() - began < 0.2
    notifier.wait()
    assert time.monotonic() - began < 3
    assert said == ["could not notify webhook 127.0.0.1: no answer in 0.3 s"]
    assert len(receiver.got) == 1


def test_everybody_is_told_even_if_one_cannot_be(receiver: Receiver) -> None:
    said: list[str] = []
    notifier = Notifier([Command(["/does/not/exist"]), Webhook(receiver.url)], said.append)
    notifier.tell(NEWS)
    notifier.tell(News("paused", "x", "y"))
    notifier.wait()
    assert said == ["could not notify command /does/not/exist: No such file or directory"] * 2
    assert sorted(body["kind"] for _, body in receiver.got) == ["ended", "paused"]


def test_a_topic_gets_a_subject_that_sns_takes() -> None:
    with mock_aws():
        session = boto3.Session("x", "y", region_name="us-east-1")
        sns, sqs = session.client("sns"), session.client("sqs")
        arn = sns.create_topic(Name="runs")["TopicArn"]
        queue = sqs.create_queue(QueueName="q")["QueueUrl"]
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:q")
        Topic(arn, AWSAccess(session=session)).send(News("ended", "é\n\x1b" + "x" * 300, "text"))
        message = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert message["Subject"] == "x" * 100
    assert message["Message"].endswith("\ntext")


def test_a_topic_that_is_not_there_is_an_error_of_ours() -> None:
    with mock_aws():
        access = AWSAccess(session=boto3.Session("x", "y", region_name="us-east-1"))
        with pytest.raises(ServiceError, match="publish to topic none"):
            Topic("arn:aws:sns:us-east-1:123456789012:none", access).send(NEWS)


@pytest.mark.parametrize("arn", ["", "runs", "arn:aws:sqs:us-east-1:1:q"])
def test_what_is_no_topic_is_refused_before_the_run(arn: str) -> None:
    with pytest.raises(InvalidInput, match="topic"):
        Topic(arn, AWSAccess())


def test_a_command_gets_the_text_and_what_it_is_about(tmp_path: Path) -> None:
    script = (
        "import os, sys; print(os.environ['BATCH_HELPERS_NEWS'], os.environ['BATCH_HELPERS_TITLE'], sys.stdin.read(),"
    )
    script += f"file=open({str(tmp_path / 'told')!r}, 'w'))"
    Command([sys.executable, "-c", script]).send(NEWS)
    assert (tmp_path / "told").read_text() == f"ended {NEWS.title} {NEWS.text}\n"


def test_a_command_that_fails_or_hangs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServiceError, match="command false: it ended with 1"):
        Command(["false"]).send(NEWS)
    monkeypatch.setattr(notify, "TIMEOUT", 0.1)
    with pytest.raises(ServiceError, match=r"command sleep: it was ended after 0.1 s"):
        Command(["sleep", "30"]).send(NEWS)


@pytest.mark.parametrize("arguments", [[], "notify-send done", [""]])
def test_what_is_no_command_is_refused_before_the_run(arguments: list[str]) -> None:
    with pytest.raises(InvalidInput, match="command"):
        Command(arguments)


def test_the_news_say_what_became_of_the_run_and_what_went_wrong() -> None:
    failed = JobDetail("i", "align-s1", Status.FAILED, reason="OutOfMemoryError: x")
    snapshot = Snapshot(stages={"align": {Status.SUCCEEDED: 5, Status.FAILED: 1}}, decisions={Action.SUBMIT: 6})
    news = notify.ended(snapshot, group_failures([(failed, None)]), name="cohort")
    assert news.title == "cohort: 0 skipped, 0 reused, 6 submitted: 5 succeeded, 1 failed in 0.0 s"
    assert news.text == "  1 x out of memory, e.g. align-s1: raise memory, or pass memory_growth=2"
    assert notify.paused("too many failures", name="cohort") == News("paused", "cohort is paused", "too many failures")
