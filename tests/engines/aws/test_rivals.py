"""Two scripts that submit the same jobs at once find out while they submit, not after the last job."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from batch_helpers.engines.aws import AWSEngine, rivals
from batch_helpers.errors import SubmitFailed
from batch_helpers.job import Job
from tests.engines.aws.conftest import Sleeps, made
from tests.engines.aws.service import Service, says

EARLY, STRIDE, WIDTH = 20, 100, 4


@pytest.fixture(autouse=True)
def _small_strides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "EARLY", EARLY)
    monkeypatch.setattr(rivals, "STRIDE", STRIDE)


def cohort(number: int) -> list[Job]:
    return [Job(f"s{n}", job_definition="align", command=["run", str(n)]).bound("q", ()) for n in range(number)]


def others(service: Service, jobs: list[Job], *, born: float, status: str = "RUNNABLE") -> None:
    """Another script has submitted these."""
    for number, job in enumerate(jobs):
        service.add(f"other-{number}", job.full_name, status, createdAt=born)


def once_submitted(service: Service, number: int, then: Callable[[], object]) -> None:
    """Call `then` when so many jobs have arrived; may be said several times."""
    earlier, called = service.on_arrival.get("submitjob"), []

    def arrived(body: dict[str, Any]) -> None:
        if earlier is not None:
            earlier(body)
        if service.count("submitjob") >= number and not called:
            called.append(number)
            then()

    service.on_arrival["submitjob"] = arrived


def test_alone_there_is_one_look_early_and_one_for_each_stride(engine: AWSEngine, service: Service) -> None:
    ids = engine.submit(cohort(EARLY + 2 * STRIDE + 1))
    assert len(set(ids)) == service.count("submitjob") == len(ids)
    looks = service.bodies("listjobs")
    assert [look["filters"][0]["name"] for look in looks] == ["JOB_NAME"] * 3


def test_who_is_behind_takes_what_the_other_has_submitted_for_its_own(engine: AWSEngine, service: Service) -> None:
    jobs = cohort(300)
    once_submitted(service, 10, lambda: others(service, jobs, born=1))
    ids = engine.submit(jobs)
    assert service.count("submitjob") == EARLY
    assert ids[EARLY:] == [f"other-{number}" for number in range(EARLY, 300)]


def test_who_is_behind_goes_on_from_the_other_end(engine: AWSEngine, service: Service) -> None:
    jobs = cohort(80)
    once_submitted(service, 10, lambda: others(service, jobs[:40], born=1))
    ids = engine.submit(jobs)
    sent = [body["jobName"] for body in service.bodies("submitjob")]
    assert sent[EARLY] in [job.full_name for job in jobs[-2 * WIDTH :]]
    assert len(sent) == EARLY + 40
    assert ids[EARLY:40] == [f"other-{number}" for number in range(EARLY, 40)]
    assert all(str(job_id).startswith("job-") for job_id in ids[40:])


def test_who_is_ahead_goes_on_as_before(engine: AWSEngine, service: Service) -> None:
    jobs = cohort(80)
    once_submitted(service, 19, lambda: others(service, jobs, born=1e9))
    ids = engine.submit(jobs)
    assert service.count("submitjob") == 80
    assert all(str(job_id).startswith("job-") for job_id in ids)


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_jobs_that_have_ended_are_nobodys_rivals(status: str, engine: AWSEngine, service: Service) -> None:
    jobs = cohort(80)
    others(service, jobs, born=1, status=status)
    engine.submit(jobs)
    assert service.count("submitjob") == 80
    assert all("filters" in body for body in service.bodies("listjobs")), "nobody is made way for"


def test_who_has_been_overtaken_looks_again_soon(engine: AWSEngine, service: Service) -> None:
    jobs = cohort(200)
    once_submitted(service, 10, lambda: others(service, jobs[:40], born=1))
    once_submitted(service, EARLY + 5, lambda: others(service, jobs, born=1))
    engine.submit(jobs)
    assert service.count("submitjob") == 2 * EARLY


def test_a_look_that_fails_stops_nobody(engine: AWSEngine, service: Service) -> None:
    jobs = cohort(80)
    refused = says(403, "AccessDeniedException", "no listing for you")
    once_submitted(service, 10, lambda: others(service, jobs, born=1))
    service.script["listjobs"].append(refused)
    ids = engine.submit(jobs)
    assert (service.count("submitjob"), len(set(ids))) == (80, 80)
    more = cohort(150)[80:]
    others(service, more, born=1)
    service.script["listjobs"].extend([Service.normal, refused])
    engine.submit(more)
    unseen = STRIDE - (80 - EARLY)
    assert service.count("submitjob") == 80 + unseen + EARLY, "who could not be listed is looked for again soon"


def test_submissions_are_counted_over_calls(engine: AWSEngine, service: Service) -> None:
    jobs = cohort(45)
    others(service, jobs[15:], born=1)
    for start in (0, 15, 30):
        engine.submit(jobs[start : start + 15])
    assert service.count("submitjob") == EARLY + 15


def test_a_refusal_before_or_after_a_look_tells_what_was_accepted_and_sends_nothing_more(
    engine: AWSEngine, service: Service
) -> None:
    once_submitted(service, 30, lambda: service.script["submitjob"].append(says(400, "ClientException", "no")))
    with pytest.raises(SubmitFailed) as caught:
        engine.submit(cohort(80))
    assert 30 <= len(caught.value.submitted) <= 30 + 2 * WIDTH
    assert service.count("submitjob") == len(caught.value.submitted) + 1


def test_two_at_once_submit_hardly_a_job_twice(service: Service, sleeps: Sleeps) -> None:
    jobs = cohort(500)
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda engine: engine.submit(jobs), [made(service, sleeps), made(service, sleeps)]))
    names = [service.jobs[str(job_id)]["jobName"] for ids in both for job_id in ids]
    assert names == [job.full_name for job in jobs] * 2
    twice = service.count("submitjob") - len(jobs)
    assert twice <= EARLY + 2 * STRIDE + 2 * WIDTH
