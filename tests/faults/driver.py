"""A script, started again and again until it is content, on a line that breaks and under a hand that kills it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from random import Random
from typing import Any

from botocore.awsrequest import AWSResponse

from batch_helpers.budget import Budget
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.errors import BatchHelpersError
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job
from batch_helpers.plan import Action, Plan
from batch_helpers.stores.s3 import S3Store
from tests.faults.ledger import Ledger
from tests.faults.line import Line, Storage, batch
from tests.faults.scenario import Scenario
from tests.faults.service import Endpoint
from tests.faults.stage import Stage

MOST_STARTS = 25
MOST_CALLS = 4_000
_RAISED, _KILLED = -1, -9


class Killed(BaseException):
    """The process of the script is gone."""


class Driver:
    """One script of a run: the actor `number` on the stage.

    codes: how each of its starts ended: an exit code, -1 for an error of ours, -9 when it was killed.
    """

    def __init__(
        self, number: int, scenario: Scenario, stage: Stage, endpoint: Endpoint, ledger: Ledger, line: Line
    ) -> None:
        self.number, self._scenario, self._stage, self._endpoint = number, scenario, stage, endpoint
        self._ledger, self._line = ledger, line
        self._random = Random(1000 * scenario.seed + number)
        self._storage = Storage(ledger, scenario.slow, self._random)
        self._kills = list(scenario.kills[number])
        self._left: int | None = None
        self._after = self._dead = self._lost = False
        self.codes: list[int] = []
        self.calls = 0
        self.living = self.gone = False
        self._asked = self.saw = 0.0

    def perform(self) -> None:
        """Start the script until it has nothing more to do."""
        self._stage.attend(self.number)
        self._line.plug(self._carry)
        try:
            while len(self.codes) < MOST_STARTS and not self._content():
                self.codes.append(self._start())
                self._stage.pause(self.number, 30 * self._random.random())
        except BaseException as exc:
            self._ledger.accuse(self._stage.now, f"driver {self.number} broke the campaign: {exc!r}")
        finally:
            self.living, self.gone = False, True
            self._stage.leave(self.number)

    def looked(self, since: float, *, twin: bool) -> bool:
        """Whether this script, while it runs, has polled and healed after `since`.

        twin: whether there is something to heal, for which a script that is down is waited for.
        """
        if self.living:
            return self.saw >= since
        return self.gone or not twin

    def _content(self) -> bool:
        if not self.codes or self.codes[-1] not in (0, 1):
            return False
        return self.codes[-1] == 0 or all(self._ledger.done(job) or self._ledger.excused(job) for job in self._jobs)

    @property
    def _jobs(self) -> Sequence[Job]:
        return self._scenario.jobs

    def _start(self) -> int:
        self._left = self._kills.pop(0) if self._kills else None
        self._after, self._dead, self.living = self._random.random() < 0.5, False, True
        self._asked = self.saw = -1.0
        began = self._stage.now
        try:
            code = self._script()
        except BatchHelpersError as exc:
            self._ledger.tell(self._stage.now, f"driver {self.number} ends with {exc!r}")
            return _KILLED if self._dead else _RAISED
        except BaseException as exc:
            if not self._dead:
                self._ledger.accuse(self._stage.now, f"driver {self.number} fell with a traceback: {exc!r}")
            return _KILLED
        finally:
            self.living = False
        if self._dead:
            return _KILLED
        self._judge(code, began)
        return code

    def _script(self) -> int:
        """What a user's script does, with its waiting in the hands of the stage."""
        budget = Budget(40, clock=self._time, sleep=self._sleep)
        array = self._scenario.array
        engine = AWSEngine(self._line.access, rate=budget, sleep=self._sleep, concurrency=1, array=array)
        store = S3Store(self._line.access, ranges=1, sleep=self._sleep)
        helper = BatchHelper(
            engine, store, job_queue="local", clock=self._time, sleep=self._sleep, stdout=io.StringIO()
        )
        self._watch_over(engine, helper)
        helper.add_jobs(self._jobs)
        summary = helper.monitor(interval=self._scenario.interval)
        for detail in summary.failed:
            self._ledger.tell(self._stage.now, f"driver {self.number} counts as failed: {detail}")
        self._lost = any("forgotten" in detail.reason for detail in summary.failed)
        return summary.exit_code

    def _watch_over(self, engine: AWSEngine, helper: BatchHelper) -> None:
        """Note when the script has looked at everything and healed it, and what it skips."""
        look, step, plan = engine.look, helper._conductor.step, helper.plan

        def noted_look(*args: Any) -> Any:
            began = self._stage.now
            found = look(*args)
            self._asked = began
            return found

        def noted_step() -> bool:
            changed = step()
            self.saw = self._asked
            return changed

        def noted_plan(jobs: Any) -> Plan:
            decided = plan(jobs)
            self._check_skips(decided)
            return decided

        engine.look = noted_look  # type: ignore[method-assign]
        helper._conductor.step = noted_step  # type: ignore[method-assign]
        helper.plan = noted_plan  # type: ignore[method-assign]

    def _check_skips(self, decided: Plan) -> None:
        skipped = [item.job for item in decided if item.action is Action.SKIP and not item.job.intermediate]
        for job in skipped:
            if not self._ledger.complete(job):
                self._ledger.accuse(self._stage.now, f"{job.name} is skipped and its outputs are missing")

    def _judge(self, code: int, began: float) -> None:
        """Whether the exit code tells the truth."""
        ledger, now = self._ledger, self._stage.now
        undone = [job.name for job in self._jobs if not ledger.done(job)]
        if code not in (0, 1):
            ledger.accuse(now, f"driver {self.number} ends with exit code {code}")
        if code == 0 and undone:
            ledger.accuse(now, f"exit code 0, and {', '.join(undone)} are not done")
        bad = [work for works in ledger.works.values() for work in works if not work.good and work.ended is not None]
        # A job that the service has forgotten unseen is lost, until the next start finds what another script has made.
        if code == 1 and not undone and not self._lost and not any((work.ended or 0) >= began for work in bad):
            ledger.accuse(now, "exit code 1, and everything is done and nothing has failed")

    def _time(self) -> float:
        self._check_alive()
        return self._stage.now

    def _sleep(self, seconds: float) -> None:
        self._check_alive()
        self._stage.pause(self.number, seconds)

    def _check_alive(self) -> None:
        if self._dead:
            raise Killed

    def _carry(self, service: str, request: Any) -> AWSResponse:
        """A request takes its time there and back; the script may be killed before it leaves, or before it is told."""
        self._check_alive()
        self.calls += 1
        if self.calls > MOST_CALLS:
            self._ledger.accuse(self._stage.now, f"driver {self.number} does not end")
            self._dead, self.codes = True, [*self.codes, *[_KILLED] * MOST_STARTS]
            raise Killed
        last = self._is_last()
        if last and not self._after:
            self._die()
        self._stage.pause(self.number, 0.1 * self._random.random())
        answer = self._answer(service, request)
        self._stage.pause(self.number, 0.1 * self._random.random())
        if last:
            self._die()
        return answer

    def _answer(self, service: str, request: Any) -> AWSResponse:
        told = f"driver {self.number} asks {request.method} {request.url.rpartition('/')[2]} {request.body!r:.300}"
        try:
            answer = self._storage.answer(request) if service == "s3" else self._of_batch(request)
        except BaseException as exc:
            self._ledger.tell(self._stage.now, f"{told} -> {type(exc).__name__}")
            raise
        self._ledger.tell(self._stage.now, f"{told} -> {answer.status_code}")
        return answer

    def _of_batch(self, request: Any) -> AWSResponse:
        return batch(self._endpoint.ask, request, self._random)

    def _is_last(self) -> bool:
        if self._left is None:
            return False
        self._left -= 1
        return self._left == 0

    def _die(self) -> None:
        self._dead = True
        self._ledger.tell(self._stage.now, f"driver {self.number} is killed")
        raise Killed
