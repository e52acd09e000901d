"""The endpoint over real connections: well-formed requests, rubbish, and faults on the wire."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from batch_helpers.errors import InvalidInput
from batch_helpers.serve import Fault, Outcome, serve
from batch_helpers.serve.endpoint import Endpoint
from tests.serve.fixtures import client, define
from tests.serve.waiting import ended, until

pytestmark = pytest.mark.slow

SUBMIT = {"jobName": "j", "jobQueue": "local", "jobDefinition": "work"}


@pytest.fixture(name="endpoint")
def _endpoint(instant_endpoint: Endpoint) -> Endpoint:
    define(client(instant_endpoint))
    return instant_endpoint


@pytest.fixture
def line(endpoint: Endpoint) -> Iterator[socket.socket]:
    """A connection on which anything can be said."""
    host, _, port = urlsplit(endpoint.url).netloc.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        yield line


def heard(line: socket.socket) -> bytes:
    """All that comes until the other side hangs up or pauses."""
    line.settimeout(2)
    found = b""
    try:
        while part := line.recv(65536):
            found += part
    except TimeoutError:
        pass
    return found


def post(endpoint: Endpoint, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, object]]:
    """The status and the JSON of an answer."""
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=20)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", path, body, names)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def accepted(endpoint: Endpoint) -> int:
    return endpoint.counters.submits["j"]


def test_boto3_submits_lists_describes_and_ends(endpoint: Endpoint) -> None:
    batch = client(endpoint)
    job_id = batch.submit_job(**SUBMIT, tags={"a": "b"})["jobId"]
    (job,) = ended(batch, job_id)
    assert (job["status"], job["tags"]) == ("SUCCEEDED", {"a": "b"})
    pages = batch.get_paginator("list_jobs").paginate(jobQueue="local", jobStatus="SUCCEEDED")
    assert [item["jobId"] for page in pages for item in page["jobSummaryList"]] == [job_id]
    batch.tag_resource(resourceArn=job["jobArn"], tags={"c": "d"})
    batch.untag_resource(resourceArn=job["jobArn"], tagKeys=["a"])
    assert batch.list_tags_for_resource(resourceArn=job["jobArn"])["tags"] == {"c": "d"}
    batch.terminate_job(jobId=job_id, reason="late")


def test_an_error_is_an_error_of_the_service_to_boto3(endpoint: Endpoint) -> None:
    batch = client(endpoint)
    with pytest.raises(batch.exceptions.ClientException, match="JobQueue nowhere not found") as caught:
        batch.submit_job(**{**SUBMIT, "jobQueue": "nowhere"})
    metadata = caught.value.response["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == 400
    assert len(metadata["RequestId"]) == 36
    with pytest.raises(ClientError) as missing:
        batch.list_consumable_resources()
    assert missing.value.response["Error"]["Code"] == "NotImplementedException"
    assert "ListConsumableResources" in missing.value.response["Error"]["Message"]


def test_one_connection_carries_many_requests(endpoint: Endpoint) -> None:
    connection = http.client.HTTPConnection(urlsplit(endpoint.url).netloc, timeout=20)
    connection.connect()
    own = connection.sock.getsockname()
    for _ in range(20):
        connection.request("POST", "/v1/submitjob", json.dumps(SUBMIT))
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
    assert connection.sock.getsockname() == own
    connection.close()


def test_many_clients_are_served_at_once(endpoint: Endpoint) -> None:
    batch = client(endpoint)
    threads = [threading.Thread(target=lambda: [batch.submit_job(**SUBMIT) for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accepted(endpoint) == 160


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /v1/submitjob HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: many\r\n\r\n",
        b"POST /v1/submitjob HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{",
        b"POST /v1/submitjob HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_rubbish_hurts_nobody_else(endpoint: Endpoint, line: socket.socket, rubbish: bytes) -> None:
    line.sendall(rubbish)
    line.shutdown(socket.SHUT_WR)
    assert b"200 OK" not in heard(line)
    client(endpoint).submit_job(**SUBMIT)


def test_a_body_that_is_too_large_is_refused_and_the_endpoint_goes_on(endpoint: Endpoint, line: socket.socket) -> None:
    status, answer = post(endpoint, "/v1/submitjob", b"x" * (2 << 20))
    assert (status, "larger than" in str(answer["message"])) == (413, True)
    line.sendall(b"POST /v1/submitjob HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n")
    assert b"413" in heard(line)
    client(endpoint).submit_job(**SUBMIT)


def test_a_body_of_unknown_length_is_refused_when_it_is_too_large(endpoint: Endpoint, line: socket.socket) -> None:
    line.sendall(b"POST /v1/submitjob HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(20):
        line.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    line.sendall(b"0\r\n\r\n")
    assert b"413" in heard(line)


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}])
def test_what_comes_from_a_web_page_is_refused(endpoint: Endpoint, headers: dict[str, str]) -> None:
    status, answer = post(endpoint, "/v1/submitjob", json.dumps(SUBMIT).encode(), **headers)
    assert (status, accepted(endpoint)) == (403, 0)
    assert "refused" in str(answer["message"]) or "not this endpoint" in str(answer["message"])
    status, _ = post(endpoint, "/_control/counters", b"{}", **headers)
    assert status == 403


def test_a_path_that_is_no_operation_says_so(endpoint: Endpoint) -> None:
    status, answer = post(endpoint, "/v1/frobnicate", b"{}")
    assert (status, answer) == (404, {"message": "POST /v1/frobnicate is not an operation of AWS Batch"})


def test_the_control_call_is_there_only_when_it_was_asked_for(tmp_path: Path) -> None:
    with serve(tmp_path, instant=True, control=False) as endpoint:
        assert post(endpoint, "/_control/counters", b"{}")[0] == 404


def test_a_lost_reply_leaves_a_job_behind(endpoint: Endpoint) -> None:
    endpoint.faults.lose_reply("SubmitJob")
    with pytest.raises(BotoCoreError):
        client(endpoint).submit_job(**SUBMIT)
    assert accepted(endpoint) == 1


def test_boto3_by_itself_submits_again_after_a_lost_reply(endpoint: Endpoint) -> None:
    """Why ambiguous answers must be looked up: one call, two jobs."""
    endpoint.faults.lose_reply("SubmitJob")
    client(endpoint, attempts=3).submit_job(**SUBMIT)
    assert (accepted(endpoint), endpoint.counters.requests["SubmitJob"]) == (2, 2)


def test_a_lost_request_leaves_nothing_behind(endpoint: Endpoint) -> None:
    endpoint.faults.lose_request("SubmitJob")
    with pytest.raises(BotoCoreError):
        client(endpoint).submit_job(**SUBMIT)
    assert accepted(endpoint) == 0


def test_an_answer_can_be_cut_in_its_headers(endpoint: Endpoint, line: socket.socket) -> None:
    endpoint.faults.cut_headers("SubmitJob")
    body = json.dumps(SUBMIT).encode()
    line.sendall(b"POST /v1/submitjob HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    answer = heard(line)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in answer
    assert accepted(endpoint) == 1


def test_an_answer_can_be_cut_in_its_body(endpoint: Endpoint, line: socket.socket) -> None:
    endpoint.faults.cut_body("SubmitJob")
    body = json.dumps(SUBMIT).encode()
    line.sendall(b"POST /v1/submitjob HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    head, _, half = heard(line).partition(b"\r\n\r\n")
    length = int(next(item for item in head.split(b"\r\n") if item.startswith(b"content-length")).split()[1])
    assert half.startswith(b'{"jobArn"')
    assert len(half) == length // 2
    assert accepted(endpoint) == 1


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault("throttle", "SubmitJob"), 429, "TooManyRequestsException"),
        (Fault("error", "SubmitJob"), 500, "ServerException"),
        (Fault("error", "SubmitJob", after_work=True), 500, "ServerException"),
        (Fault("unavailable", "SubmitJob"), 503, "ServiceUnavailableException"),
        (Fault("unavailable", "SubmitJob", after_work=True), 503, "ServiceUnavailableException"),
    ],
)
def test_the_service_can_be_made_to_refuse(endpoint: Endpoint, fault: Fault, status: int, code: str) -> None:
    endpoint.faults.add(fault)
    with pytest.raises(ClientError) as caught:
        client(endpoint).submit_job(**SUBMIT)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Code"] == code
    assert (accepted(endpoint), endpoint.counters.errors["SubmitJob"]) == (int(fault.after_work), 1)
    client(endpoint).submit_job(**SUBMIT)


def test_an_answer_can_be_late_without_holding_up_others(endpoint: Endpoint) -> None:
    endpoint.faults.delay("SubmitJob", 4.0)
    slow = threading.Thread(target=lambda: client(endpoint).submit_job(**SUBMIT))
    started = time.monotonic()
    slow.start()
    until(lambda: endpoint.counters.requests["SubmitJob"])
    client(endpoint).describe_job_queues()
    assert time.monotonic() - started < 4.0
    slow.join()
    assert time.monotonic() - started >= 4.0


def test_new_jobs_can_be_kept_out_of_listings(endpoint: Endpoint) -> None:
    endpoint.script([Outcome(hold="RUNNING")])
    endpoint.faults.hide_new_jobs(listings=2)
    batch = client(endpoint)
    job_id = batch.submit_job(**SUBMIT)["jobId"]
    filters = [{"name": "JOB_NAME", "values": ["j"]}]
    seen = [len(batch.list_jobs(jobQueue="local", filters=filters)["jobSummaryList"]) for _ in range(3)]
    assert seen == [0, 0, 1]
    endpoint.faults.hide_new_jobs(seconds=3600)
    hidden = batch.submit_job(**SUBMIT)["jobId"]
    assert [job["jobId"] for job in batch.describe_jobs(jobs=[job_id, hidden])["jobs"]] == [job_id]
    endpoint.advance(3600)
    assert len(batch.describe_jobs(jobs=[job_id, hidden])["jobs"]) == 2


def test_pages_can_be_short_or_empty_and_have_a_next_one(endpoint: Endpoint) -> None:
    endpoint.script([Outcome(hold="RUNNABLE")])
    batch = client(endpoint)
    ids = {batch.submit_job(**SUBMIT)["jobId"] for _ in range(3)}
    until(lambda: len(batch.list_jobs(jobQueue="local", jobStatus="RUNNABLE")["jobSummaryList"]) == 3)
    endpoint.faults.empty_pages("ListJobs", times=2)
    endpoint.faults.shorten_pages("ListJobs", times=None)
    pages = [
        [job["jobId"] for job in page["jobSummaryList"]]
        for page in batch.get_paginator("list_jobs").paginate(jobQueue="local", jobStatus="RUNNABLE")
    ]
    assert [len(page) for page in pages] == [0, 0, 1, 1, 1]
    assert {job_id for page in pages for job_id in page} == ids
    endpoint.faults.clear()
    endpoint.faults.empty_pages(times=None)
    batch.describe_jobs(jobs=sorted(ids))


def test_jobs_can_be_made_to_age_out(endpoint: Endpoint) -> None:
    batch = client(endpoint)
    job_id = batch.submit_job(**SUBMIT)["jobId"]
    ended(batch, job_id)
    endpoint.forget([job_id])
    assert batch.describe_jobs(jobs=[job_id])["jobs"] == []


def test_held_jobs_are_released_from_outside(endpoint: Endpoint) -> None:
    endpoint.script([Outcome("j", hold="RUNNING", exit_code=4)])
    batch = client(endpoint)
    job_id = batch.submit_job(**SUBMIT)["jobId"]
    until(lambda: batch.list_jobs(jobQueue="local")["jobSummaryList"])
    assert endpoint.release("j") == 1
    assert ended(batch, job_id)[0]["container"]["exitCode"] == 4


def test_mistakes_in_control_calls_are_told(endpoint: Endpoint) -> None:
    for action, body in (("fault", {"kind": "x"}), ("release", {}), ("outcomes", {"outcomes": [{"x": 1}]})):
        with pytest.raises(InvalidInput):
            endpoint.control(action, **body)
    assert post(endpoint, "/_control/nothing", b"{}")[0] == 404
    assert post(endpoint, "/_control/advance", b"[")[0] == 400


def test_a_rate_refuses_what_is_beyond_it(tmp_path: Path) -> None:
    with serve(tmp_path, instant=True, rate=5) as endpoint:
        answers = [post(endpoint, "/v1/describejobqueues", b"{}")[0] for _ in range(8)]
        assert answers[:5] == [200] * 5
        assert 429 in answers
        assert endpoint.counters.requests["DescribeJobQueues"] == 8


def test_a_latency_makes_every_answer_late(tmp_path: Path) -> None:
    with serve(tmp_path, instant=True, latency=0.3) as endpoint:
        started = time.monotonic()
        post(endpoint, "/v1/describejobqueues", b"{}")
        assert time.monotonic() - started >= 0.3
