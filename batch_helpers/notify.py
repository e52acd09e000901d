"""Telling somebody when a run has ended, or has paused: a webhook, an SNS topic, a command."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from batch_helpers.diagnose import FailureGroup, failure_lines
from batch_helpers.errors import BatchHelpersError, InvalidInput, ServiceError
from batch_helpers.monitor import Snapshot
from batch_helpers.report import summary_line
from batch_helpers.words import printable

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess

TIMEOUT = 10.0
"""Seconds after which a notification is given up; the run goes on meanwhile, and never waits longer at its end."""

SUBJECT = 100
"""Longest subject of an SNS message: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


@dataclass(frozen=True, slots=True)
class News:
    """What is told. kind: `ended`, `paused` or `stopped`. title: one line. text: all of it."""

    kind: str
    title: str
    text: str


class Target(Protocol):
    """Somebody to tell."""

    @property
    def name(self) -> str:
        """How it is called in messages; it gives no secret away."""
        ...

    def send(self, news: News) -> None:
        """Tell it; ServiceError when that did not work."""
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts JSON that Slack, Mattermost and the like understand: {"text": …}, and the kind and the title beside it."""

    url: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput("a webhook is an http:// or https:// URL")

    @property
    def name(self) -> str:
        return f"webhook {urlsplit(self.url).hostname}"

    def send(self, news: News) -> None:
        import urllib3

        body = json.dumps({"text": _escaped(f"{news.title}\n{news.text}"), "title": news.title, "kind": news.kind})
        try:
            answer = urllib3.PoolManager(retries=False).request(
                "POST",
                self.url,
                body=body.encode(),
                headers={"Content-Type": "application/json"},
                timeout=TIMEOUT,
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as exc:
            raise ServiceError(f"{self.name}: {type(exc).__name__}") from exc
        answer.close()
        if not 200 <= answer.status < 300:
            raise ServiceError(f"{self.name}: it answered {answer.status}")


@dataclass(frozen=True, slots=True)
class Topic:
    """Publishes to an SNS topic. arn: the topic's. access: how AWS is reached."""

    arn: str
    access: AWSAccess

    def __post_init__(self) -> None:
        if not self.arn.startswith("arn:") or ":sns:" not in self.arn:
            raise InvalidInput(f"{self.arn!r} is no topic: give its ARN, arn:aws:sns:<region>:<account>:<name>")

    @property
    def name(self) -> str:
        return f"topic {self.arn.rsplit(':', 1)[-1]}"

    def send(self, news: News) -> None:
        from batch_helpers.aws_client import aws_errors

        subject = "".join(char for char in printable(news.title) if char.isascii())[:SUBJECT] or news.kind
        with aws_errors(f"publish to {self.name}"):
            self.access.client("sns").publish(TopicArn=self.arn, Subject=subject, Message=f"{news.title}\n{news.text}")


@dataclass(frozen=True, slots=True)
class Command:
    """Runs a command, which gets the text on stdin, and BATCH_HELPERS_NEWS (the kind) and BATCH_HELPERS_TITLE."""

    arguments: Sequence[str]

    def __post_init__(self) -> None:
        if isinstance(self.arguments, str) or not self.arguments or not all(self.arguments):
            raise InvalidInput(
                f"{self.arguments!r} is no command: give a list of words, such as ['notify-send', 'done']"
            )

    @property
    def name(self) -> str:
        return f"command {self.arguments[0]}"

    def send(self, news: News) -> None:
        environment = {**os.environ, "BATCH_HELPERS_NEWS": news.kind, "BATCH_HELPERS_TITLE": news.title}
        try:
            done = subprocess.run(
                list(self.arguments),
                input=news.text.encode(errors="replace"),
                env=environment,
                timeout=TIMEOUT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
            raise ServiceError(f"{self.name}: {_why(exc)}") from exc
        if done.returncode:
            raise ServiceError(f"{self.name}: it ended with {done.returncode}")


def targets(given: str | Target | Iterable[str | Target], access: AWSAccess | None = None) -> list[Target]:
    """Whom to tell: URLs of webhooks, ARNs of SNS topics, commands as one writes them in a shell, or Targets.

    access: how AWS is reached. Raises InvalidInput for what is none of these, or a command that is not there.
    """
    listed = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return [_target(item, access) if isinstance(item, str) else item for item in listed]


def _target(text: str, access: AWSAccess | None) -> Target:
    if text.startswith(("http://", "https://")):
        return Webhook(text)
    if text.startswith("arn:"):
        return Topic(text, _in_region(text, access))
    try:
        words = shlex.split(text)
    except ValueError as exc:
        raise InvalidInput(f"notify={text!r}: {exc}") from exc
    if not words or shutil.which(words[0]) is None:
        raise InvalidInput(f"notify={text!r}: there is no such command; give a URL, the ARN of a topic or a command")
    return Command(words)


def _in_region(arn: str, access: AWSAccess | None) -> AWSAccess:
    """A topic is published to in its own region."""
    from batch_helpers.aws_client import AWSAccess

    region = (arn.split(":") + [""] * 4)[3]
    return replace(access or AWSAccess(), region=region) if region else access or AWSAccess()


class Notifier:
    """Tells everybody at once, each in a thread, so that nobody who hangs holds up the run.

    say: gets a line for each that could not be told. timeout: seconds that wait() waits at most.
    """

    def __init__(self, targets: Sequence[Target], say: Callable[[str], None], *, timeout: float = TIMEOUT) -> None:
        self._targets, self._say, self._timeout = targets, say, timeout
        self._threads: list[threading.Thread] = []

    def tell(self, news: News) -> None:
        """Begin to tell; returns at once."""
        for target in self._targets:
            thread = threading.Thread(target=self._send, args=(target, news), name=target.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def wait(self) -> None:
        """Wait until everybody has been told; those that have not answered in time are reported and left behind."""
        end = time.monotonic() + self._timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                self._say(f"could not notify {thread.name}: no answer in {self._timeout:g} s")
        self._threads.clear()

    def _send(self, target: Target, news: News) -> None:
        try:
            target.send(news)
        except BatchHelpersError as exc:
            self._say(f"could not notify {exc}")


def ended(snapshot: Snapshot, failures: Sequence[FailureGroup], *, name: str = "run") -> News:
    """The news that a run has ended: what became of it, and what went wrong."""
    told = summary_line(snapshot)
    return News("ended", f"{name}: {told}", "\n".join(failure_lines(failures)))


def stopped(problem: str, *, name: str = "run") -> News:
    """The news that nobody watches a run any more. problem: why."""
    return News("stopped", f"{name} is not watched any more", f"{problem}\nIts jobs go on; run the same script again.")


def paused(text: str, *, name: str = "run") -> News:
    """The news that a run has been paused. text: what happened and what is held back."""
    return News("paused", f"{name} is paused", text)


def _escaped(text: str) -> str:
    """A job's name calls nobody: https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    harmless = "\n".join(map(printable, text.splitlines()))
    return harmless.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _why(exc: Exception) -> str:
    if isinstance(exc, subprocess.TimeoutExpired):
        return f"it was ended after {TIMEOUT:g} s"
    return getattr(exc, "strerror", None) or str(exc)
