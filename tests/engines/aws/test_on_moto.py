"""The shapes that moto knows, in process and as a server. It holds nobody to a limit, and its jobs end at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import boto3
import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.engines.aws import AWSEngine
from batch_helpers.errors import InvalidJob, NotFound
from batch_helpers.job import Job, Status
from tests.engines.aws.account import furnish, moto_batch_without_docker, moto_in_process, moto_jobs
from tests.servers import moto_server, session

pytestmark = pytest.mark.slow


@pytest.fixture(params=["in process", "server"])
def access(request: pytest.FixtureRequest) -> Iterator[AWSAccess]:
    if request.param == "server":
        with moto_server() as url:
            moto_batch_without_docker(url)
            yield AWSAccess(session=session(), endpoint_url=url)
    else:
        with moto_in_process():
            yield AWSAccess(region="us-east-1")


@pytest.fixture
def engine(access: AWSAccess) -> AWSEngine:
    furnish(access, queues=["spot"], definitions=["align"])
    return AWSEngine(access, rate=1000, sleep=lambda _: None)


def job(**fields: object) -> Job:
    if "image" not in fields:
        fields.setdefault("job_definition", "align")
    return Job("s1", command=["run", "a b"], **fields).bound("spot", ())  # type: ignore[arg-type]


def test_a_job_goes_round(engine: AWSEngine, access: AWSAccess) -> None:
    one = job(environment={"SAMPLE": "s1"}, vcpus=2, memory=256, parameters={"p": "1"}, attempts=2, timeout=60)
    engine.check([one])
    [job_id] = engine.submit([one])
    detail = engine.describe([job_id])[job_id]
    assert (detail.status, detail.key, detail.queue) == (Status.SUCCEEDED, one.key, "spot")
    assert detail.job_definition == "align:1"
    assert [attempt.number for attempt in detail.attempts] == [1]
    [raw] = access.client("batch").describe_jobs(jobs=[job_id])["jobs"]
    assert raw["container"]["command"] == ["run", "a b"]
    assert {"name": "SAMPLE", "value": "s1"} in raw["container"]["environment"]
    assert raw["tags"]["batch_helpers:fingerprint"] == one.fingerprint
    assert raw["timeout"] == {"attemptDurationSeconds": 60}


def test_active_jobs_are_listed_and_finished_ones_are_not(engine: AWSEngine) -> None:
    running, _ = engine.submit([job(), job(image="busybox")])
    moto_jobs()[running].status = "RUNNING"
    assert [(detail.job_id, detail.status) for detail in engine.active(["spot"])] == [(running, Status.RUNNING)]
    assert [detail.key for detail in engine.active(["spot"])] == [job().key]


def test_definitions_are_found_however_they_are_named(engine: AWSEngine) -> None:
    arn = "arn:aws:batch:us-east-1:123456789012:job-definition/align:1"
    for given in ("align", "align:1", arn):
        engine.check([job(job_definition=given)])
        engine.submit([job(job_definition=given)])
    for given in ("align:2", "other", arn.replace("align", "other")):
        with pytest.raises(NotFound, match=r"other(:1)?' does not exist|active are align:1"):
            engine.check([job(job_definition=given)])


def test_a_queue_that_is_missing_or_disabled_is_told(engine: AWSEngine, access: AWSAccess) -> None:
    with pytest.raises(NotFound, match="job_queue='none'"):
        engine.check([job().bound("none", ())])
    with pytest.raises(NotFound, match="queue 'none'"):
        list(engine.active(["none"]))
    access.client("batch").update_job_queue(jobQueue="spot", state="DISABLED")
    with pytest.raises(InvalidJob, match="DISABLED"):
        engine.check([job()])


def test_images_share_one_definition_from_run_to_run(engine: AWSEngine, access: AWSAccess) -> None:
    engine.submit([job(image="busybox:1"), job(image="busybox:1", environment={"A": "b"})])
    AWSEngine(access).submit([job(image="busybox:1"), job(image="busybox:2")])
    described = access.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    images = [item["containerProperties"]["image"] for item in described]
    assert sorted(images) == ["busybox:1", "busybox:2", "image-of-align"]


def test_terminating_works_though_moto_knows_no_bulk_call(engine: AWSEngine) -> None:
    ids = engine.submit([job(), job(image="busybox")])
    moto_jobs()[ids[0]].status = "RUNNING"
    engine.terminate([*ids, "00000000-0000-4000-8000-000000000000"], "enough")


def test_logs_are_none_until_there_are_some(engine: AWSEngine, access: AWSAccess) -> None:
    [job_id] = engine.submit([job()])
    assert list(engine.logs(job_id)) == []
    stream = engine.describe([job_id])[job_id].attempts[0].log
    logs = access.client("logs")
    logs.create_log_group(logGroupName="/aws/batch/job")
    logs.create_log_stream(logGroupName="/aws/batch/job", logStreamName=stream)
    assert list(engine.logs(job_id)) == []
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": f"line {number}"} for number in range(3)]
    logs.put_log_events(logGroupName="/aws/batch/job", logStreamName=stream, logEvents=events)
    assert list(engine.logs(job_id)) == ["line 0", "line 1", "line 2"]


def test_a_job_that_ended_before_its_lost_answer_was_missed_is_found_by_its_tag(
    engine: AWSEngine, access: AWSAccess
) -> None:
    def lose(response_dict: dict[str, object], **_: object) -> None:
        response_dict["body"] = b""
        events.unregister("before-parse.batch.SubmitJob", lose)

    events = engine._batch._client.meta.events
    [earlier] = engine.submit([job()])
    events.register("before-parse.batch.SubmitJob", lose)
    [adopted] = engine.submit([job()])
    assert set(moto_jobs()) == {earlier, adopted}
    assert earlier != adopted


def test_hundreds_of_jobs_go_round(engine: AWSEngine) -> None:
    jobs = [Job(f"s{number}", job_definition="align", command=[str(number)]).bound("spot", ()) for number in range(250)]
    ids = engine.submit(jobs)
    found = engine.describe(ids)
    assert [found[job_id].name for job_id in ids] == [one.full_name for one in jobs]


def test_a_session_of_the_users_own_is_used() -> None:
    with moto_in_process():
        access = AWSAccess(session=boto3.Session(region_name="eu-west-1"))
        furnish(access, queues=["spot"], definitions=["align"])
        AWSEngine(access).check([job()])
        with pytest.raises(NotFound):
            AWSEngine(AWSAccess(region="us-east-1")).check([job()])
