"""Who is told how a run goes beside the screen: a file of events, and people."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from batch_helpers.errors import BatchHelpersError
from batch_helpers.job import Job
from batch_helpers.monitor import Snapshot

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.events import EventLog
    from batch_helpers.notify import Notifier, Target


class Witnesses:
    """They see every picture of a run; what has changed is written down, and a pause and the end are told."""

    def __init__(self, log: EventLog | None = None, notifier: Notifier | None = None, name: str = "run") -> None:
        self._log, self._notifier, self._name = log, notifier, name
        self._paused = False

    def see(self, snapshot: Snapshot, work: Mapping[str, Job], replaces: Mapping[str, str]) -> None:
        """Take a picture in. work: what was asked for, by jobId. replaces: see EventLog.record."""
        if self._log is not None:
            self._log.record(snapshot, work, replaces)
        if snapshot.paused and not self._paused:
            self._paused = True
            self._pause(snapshot.paused)

    def end(self, snapshot: Snapshot) -> None:
        """The last picture; one that was left with Ctrl-C is not the end of the run."""
        if self._log is not None:
            self._log.end(snapshot)
        if self._notifier is not None and not snapshot.detached:
            from batch_helpers.notify import ended

            self._notifier.tell(ended(snapshot, snapshot.failures, name=self._name))

    def fail(self, exc: BaseException) -> None:
        """Watching has come to an end that nobody wanted."""
        if self._notifier is not None:
            from batch_helpers.notify import stopped

            self._notifier.tell(stopped(str(exc), name=self._name))

    def _pause(self, text: str) -> None:
        if self._log is not None:
            self._log.note(text)
        if self._notifier is not None:
            from batch_helpers.notify import paused

            self._notifier.tell(paused(text, name=self._name))


@contextmanager
def witnesses(
    events: str | None,
    notify: str | Target | Iterable[str | Target],
    *,
    engine: str,
    access: AWSAccess | None,
    say: Callable[[str], None],
) -> Iterator[Witnesses]:
    """Those of a run, for as long as it is watched; InvalidInput before it is, for a file or a target that cannot be.

    events: a file, or None. notify: see notify.targets. engine: the engine's name. say: who could not be told.
    """
    with ExitStack() as stack:
        log = notifier = None
        if notify:
            from batch_helpers.notify import Notifier, targets

            notifier = Notifier(targets(notify, access), say)
            stack.callback(notifier.wait)
        if events is not None:
            from batch_helpers.events import EventLog

            log = stack.enter_context(EventLog(events, engine=engine))
        seen = Witnesses(log, notifier, os.path.basename(events).partition(".")[0] if events else "run")
        try:
            yield seen
        except BatchHelpersError as exc:
            seen.fail(exc)
            raise
