"""What every engine promises. A subclass gives the fixture `engine` and, where it must, the ways to make jobs end."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from batch_helpers.engines.base import Engine
from batch_helpers.errors import BatchHelpersError
from batch_helpers.job import Job, JobDetail, Status


class EngineContract:
    """Run for each engine."""

    queue = "contract"
    patience = 30.0

    def job(self, name: str, command: list[str], **fields: object) -> Job:
        """A job that this engine takes."""
        return Job(name, command=command, **fields)  # type: ignore[arg-type]

    def good(self, name: str, **fields: object) -> Job:
        return self.job(name, ["true", name], **fields)

    def bad(self, name: str, **fields: object) -> Job:
        return self.job(name, ["false", name], **fields)

    def long(self, name: str, **fields: object) -> Job:
        return self.job(name, ["sh", "-c", "sleep 60", name], **fields)

    def carry_on(self, engine: Engine) -> None:
        """Let jobs come to their ends."""
        engine.wait(0.05)

    def submit(self, engine: Engine, *jobs: Job, needs: tuple[str, ...] = ()) -> list[str]:
        bound = [job.bound(self.queue, needs) for job in jobs]
        engine.check(bound)
        return engine.submit(bound)

    def until(
        self, engine: Engine, reached: Callable[[dict[str, JobDetail]], bool], ids: list[str]
    ) -> dict[str, JobDetail]:
        deadline = time.monotonic() + self.patience
        while True:
            details = engine.describe(ids)
            if reached(details):
                return details
            assert time.monotonic() < deadline, details
            self.carry_on(engine)

    def ended(self, engine: Engine, ids: list[str]) -> dict[str, JobDetail]:
        return self.until(engine, lambda found: not any(detail.status.active for detail in found.values()), ids)

    def test_ids_come_in_the_order_of_the_jobs(self, engine: Engine) -> None:
        jobs = [self.good(f"g-{number}") for number in range(5)]
        ids = self.submit(engine, *jobs)
        assert len(set(ids)) == 5
        found = engine.describe(ids)
        assert [found[job_id].name for job_id in ids] == [job.full_name for job in jobs]

    def test_submitting_nothing_is_no_error(self, engine: Engine) -> None:
        assert engine.submit([]) == []
        assert engine.describe([]) == {}
        engine.terminate([], "nothing")

    def test_a_job_that_goes_well_has_succeeded(self, engine: Engine) -> None:
        ids = self.submit(engine, self.good("good"))
        detail = self.ended(engine, ids)[ids[0]]
        assert detail.status is Status.SUCCEEDED
        assert not any(item.job_id == ids[0] for item in engine.active([self.queue]))

    def test_a_job_that_goes_wrong_has_failed_with_a_reason(self, engine: Engine) -> None:
        ids = self.submit(engine, self.bad("bad"))
        detail = self.ended(engine, ids)[ids[0]]
        assert detail.status is Status.FAILED
        assert detail.exit_code == 1
        assert detail.attempts[-1].number == 1

    def test_an_active_job_is_listed_with_the_key_of_its_work(self, engine: Engine) -> None:
        job = self.long("long")
        ids = self.submit(engine, job)
        listed = [detail for detail in engine.active([self.queue]) if detail.job_id == ids[0]]
        assert len(listed) == 1
        assert listed[0].status.active
        assert (listed[0].key, listed[0].short_name) == (job.key, "long")
        engine.terminate(ids, "tidy")

    def test_queues_that_nobody_asked_for_are_not_listed(self, engine: Engine) -> None:
        ids = self.submit(engine, self.long("long"))
        assert list(engine.active([])) == []
        engine.terminate(ids, "tidy")

    def test_unknown_ids_are_absent(self, engine: Engine) -> None:
        ids = self.submit(engine, self.good("known"))
        strange = "00000000-0000-4000-8000-000000000000"
        assert set(engine.describe([*ids, strange])) == set(ids)

    def test_more_than_a_hundred_jobs_are_described_at_once(self, engine: Engine) -> None:
        ids = self.submit(engine, *(self.good(f"many-{number}") for number in range(120)))
        assert set(engine.describe(ids)) == set(ids)
        self.ended(engine, ids)

    def test_what_depends_on_a_success_runs_after_it(self, engine: Engine) -> None:
        first = self.submit(engine, self.good("first"))
        second = self.submit(engine, self.good("second"), needs=tuple(first))
        found = self.ended(engine, first + second)
        assert found[second[0]].status is Status.SUCCEEDED

    def test_what_depends_on_a_failure_fails_without_running(self, engine: Engine) -> None:
        first = self.submit(engine, self.bad("first"))
        second = self.submit(engine, self.good("second"), needs=tuple(first))
        found = self.ended(engine, first + second)
        assert found[second[0]].status is Status.FAILED
        assert "Dependent Job failed" in found[second[0]].reason
        assert found[second[0]].started_at is None

    def test_a_dependency_on_an_unknown_job_is_refused(self, engine: Engine) -> None:
        with pytest.raises(BatchHelpersError):
            self.submit(engine, self.good("lost"), needs=("00000000-0000-4000-8000-000000000000",))

    def test_terminate_ends_a_job_with_its_reason(self, engine: Engine) -> None:
        ids = self.submit(engine, self.long("long"))
        engine.terminate(ids, "enough of it")
        detail = self.ended(engine, ids)[ids[0]]
        assert (detail.status, detail.reason) == (Status.FAILED, "enough of it")

    def test_terminating_what_has_ended_or_is_unknown_is_no_error(self, engine: Engine) -> None:
        ids = self.submit(engine, self.good("good"))
        self.ended(engine, ids)
        engine.terminate([*ids, "00000000-0000-4000-8000-000000000000"], "late")
        assert engine.describe(ids)[ids[0]].status is Status.SUCCEEDED

    def test_a_job_without_a_log_has_no_lines(self, engine: Engine) -> None:
        assert list(engine.logs("00000000-0000-4000-8000-000000000000")) == []
        ids = self.submit(engine, self.good("quiet"))
        self.ended(engine, ids)
        assert list(engine.logs(ids[0])) == []

    def test_waiting_comes_back(self, engine: Engine) -> None:
        engine.wait(0.01)
