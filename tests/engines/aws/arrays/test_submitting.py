"""SubmitJob of an array, once per decision."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from batch_helpers.engines.aws import AWSEngine
from batch_helpers.job import Job
from tests.engines.aws.service import Act, Service, raises


def lost(*, accepted: bool) -> Act:
    return raises(ReadTimeoutError(endpoint_url="https://batch"), accepted=accepted)


@pytest.fixture
def jobs(service: Service, engine: AWSEngine) -> list[Job]:
    service.definitions.append({"jobDefinitionName": "align", "revision": 1, "status": "ACTIVE"})
    engine.array = True
    return [Job(f"s-{n}", job_definition="align", command=[str(n)], job_queue="q") for n in range(3)]


def of(job_id: str) -> list[str]:
    return [f"{job_id}:{n}" for n in range(3)]


def test_an_array_whose_answer_was_lost_is_found_by_its_name(
    service: Service, engine: AWSEngine, jobs: list[Job]
) -> None:
    service.script["submitjob"].append(lost(accepted=True))
    assert engine.submit(jobs) == of("job-1")
    assert service.count("submitjob") == 1


@pytest.mark.parametrize(("flag", "sent"), [({"isCancelled": True}, 2), ({"isTerminated": True}, 2), ({}, 1)])
def test_an_array_of_the_same_name_that_is_being_ended_is_not_taken_for_it(
    service: Service, engine: AWSEngine, jobs: list[Job], flag: dict[str, Any], sent: int
) -> None:
    engine.submit(jobs)
    [request] = service.bodies("submitjob")
    service.jobs.clear()
    service.posts.clear()
    service.add("before", request["jobName"], "PENDING", arrayProperties={"size": 3}, **flag)
    service.script["submitjob"].append(lost(accepted=False))
    assert engine.submit(jobs) == of("job-2" if flag else "before")
    assert service.count("submitjob") == sent


def test_single_jobs_go_the_old_way_beside_it(service: Service, engine: AWSEngine, jobs: list[Job]) -> None:
    alone = Job("alone", job_definition="align", command=["x"], job_queue="q", memory=512)
    ids = engine.submit([alone, *jobs])
    sizes = {body["jobName"]: body.get("arrayProperties") for body in service.bodies("submitjob")}
    assert sorted(map(str, sizes.values())) == ["None", "{'size': 3}"]
    assert sizes[alone.full_name] is None
    assert [":" in str(job_id) for job_id in ids] == [False, True, True, True]
