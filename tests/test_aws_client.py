from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import exceptions
from botocore.awsrequest import AWSResponse
from botocore.exceptions import BotoCoreError, ClientError

from batch_helpers.aws_client import AWSAccess, aws_errors, http_status, required_member
from batch_helpers.errors import (
    AccessDenied,
    AmbiguousAnswer,
    BatchHelpersError,
    CredentialsError,
    InvalidInput,
    NotFound,
    ServiceError,
    Throttled,
    Unreachable,
)

pytestmark = pytest.mark.slow

URL = "http://127.0.0.1/"


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_CA_BUNDLE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def refusal(code: str, status: int, message: str = "no reason") -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "ListJobs")


def translated(error: Exception) -> BatchHelpersError:
    with pytest.raises(BatchHelpersError) as caught, aws_errors("list the jobs"):
        raise error
    assert caught.value.__cause__ is error
    assert str(caught.value).startswith("could not list the jobs: ")
    return caught.value


@pytest.mark.parametrize(
    ("code", "status", "message", "kind"),
    [
        ("TooManyRequestsException", 429, "", Throttled),
        ("ThrottlingException", 400, "Rate exceeded", Throttled),
        ("SlowDown", 503, "Reduce your request rate", Throttled),
        ("429", 429, "", Throttled),
        ("ServerException", 500, "", AmbiguousAnswer),
        ("502", 502, "<html>", AmbiguousAnswer),
        ("ServiceUnavailable", 503, "", AmbiguousAnswer),
        ("RequestTimeout", 400, "", AmbiguousAnswer),
        ("408", 408, "", AmbiguousAnswer),
        ("ExpiredTokenException", 403, "", CredentialsError),
        ("ExpiredToken", 400, "", CredentialsError),
        ("UnrecognizedClientException", 403, "", CredentialsError),
        ("SignatureDoesNotMatch", 403, "", CredentialsError),
        ("InvalidAccessKeyId", 403, "", CredentialsError),
        ("AccessDeniedException", 403, "User x is not authorized", AccessDenied),
        ("AccessDenied", 400, "", AccessDenied),
        ("403", 403, "Forbidden", AccessDenied),
        ("NoSuchBucket", 404, "", NotFound),
        ("404", 404, "Not Found", NotFound),
        ("ClientException", 400, "JobQueue spot not found.", NotFound),
        ("ClientException", 400, "JobDefinition name x does not exist or is not in ACTIVE status", NotFound),
        ("ResourceNotFoundException", 400, "", NotFound),
        ("ResourceNotFoundException", 400, "The specified log stream does not exist.", NotFound),
        ("ClientException", 400, "Container properties should not be empty", ServiceError),
        ("", 0, "", ServiceError),
    ],
)
def test_what_a_service_says_becomes_an_error_of_ours(code: str, status: int, message: str, kind: type) -> None:
    error = translated(refusal(code, status, message))
    assert type(error) is kind
    assert code in str(error)
    assert message in str(error)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("RequestTimeTooSkewed", "The difference is too large"),
        ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than …"),
        ("InvalidSignatureException", "Signature not yet current: …"),
    ],
)
def test_a_clock_that_is_wrong_is_told_so(code: str, message: str) -> None:
    error = translated(refusal(code, 403, message))
    assert type(error) is CredentialsError
    assert "clock" in str(error)


def test_a_page_of_html_is_one_line_of_bounded_length() -> None:
    text = str(translated(refusal("502", 502, "<html>\n\n  <body>" + "x" * 5000)))
    assert "<html> <body>" in text
    assert len(text) < 1200


@pytest.mark.parametrize(
    ("error", "kind", "advice"),
    [
        (exceptions.NoCredentialsError(), CredentialsError, "AWS_PROFILE"),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), CredentialsError, "both"),
        (exceptions.ProfileNotFound(profile="x"), CredentialsError, "list-profiles"),
        (exceptions.UnauthorizedSSOTokenError(), CredentialsError, "sso login"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="x"), CredentialsError, "sso login"),
        (exceptions.CredentialRetrievalError(provider="x", error_msg="y"), CredentialsError, "log in"),
        (exceptions.NoRegionError(), ServiceError, "AWS_DEFAULT_REGION"),
        (exceptions.InvalidRegionError(region_name="x y"), ServiceError, "AWS_DEFAULT_REGION"),
        (exceptions.EndpointConnectionError(endpoint_url=URL), Unreachable, "endpoint"),
        (exceptions.ConnectTimeoutError(endpoint_url=URL), Unreachable, "endpoint"),
        (exceptions.ProxyConnectionError(proxy_url=URL), Unreachable, "endpoint"),
        (exceptions.SSLError(endpoint_url=URL, error="[SSL: CERTIFICATE_VERIFY_FAILED]"), Unreachable, "endpoint"),
        (exceptions.SSLError(endpoint_url=URL, error="EOF occurred"), AmbiguousAnswer, "broke"),
        (exceptions.ReadTimeoutError(endpoint_url=URL), AmbiguousAnswer, "broke"),
        (exceptions.ConnectionClosedError(endpoint_url=URL), AmbiguousAnswer, "broke"),
        (exceptions.HTTPClientError(error="x"), AmbiguousAnswer, "broke"),
        (exceptions.ResponseStreamingError(error="x"), AmbiguousAnswer, "broke"),
        (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), AmbiguousAnswer, "broke"),
        (exceptions.ParamValidationError(report="Invalid type"), InvalidInput, "Invalid type"),
        (exceptions.DataNotFoundError(data_path="x"), ServiceError, "x"),
    ],
)
def test_what_the_sdk_raises_becomes_an_error_of_ours(error: BotoCoreError, kind: type, advice: str) -> None:
    mine = translated(error)
    assert type(mine) is kind
    assert advice in str(mine)


def test_errors_that_are_not_the_sdks_pass_as_they_are() -> None:
    for error in (NotFound("mine"), KeyError("a bug"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, aws_errors("list the jobs"):
            raise error
        assert caught.value is error


def test_an_error_of_ours_that_is_raised_inside_the_sdk_stays_as_it_is(canned: tuple[Any, Canned]) -> None:
    def handler(**_: Any) -> None:
        raise AmbiguousAnswer("the page was cut short")

    events = canned[0].meta.events
    events.register("before-parse", handler)
    try:
        with pytest.raises(AmbiguousAnswer, match=r"^the page was cut short$"), aws_errors("list the jobs"):
            canned[0].list_jobs(jobQueue="q")
    finally:
        events.unregister("before-parse", handler)


@pytest.mark.parametrize(
    "content",
    [b'["no object"]', b'{"jobSummaryList": 3}', b'{"jobSummaryList": [{"createdAt": "yesterday"}]}', b'"text"'],
)
def test_an_answer_that_cannot_be_read_may_have_been_any_answer(content: bytes, canned: tuple[Any, Canned]) -> None:
    client, answer = canned
    answer.status, answer.content = 200, content
    with pytest.raises(AmbiguousAnswer) as caught, aws_errors("list the jobs"):
        required_member(client.list_jobs(jobQueue="q"), "jobSummaryList", "list the jobs")
    assert "could not list the jobs: the answer c" in str(caught.value)


@pytest.mark.parametrize(("status", "kind"), [(500, AmbiguousAnswer), (429, Throttled), (404, NotFound)])
@pytest.mark.parametrize("content", [b"", b"<html>", b'{"mess', b"{}"])
def test_errors_without_a_readable_body_are_told_by_their_status(
    status: int, kind: type, content: bytes, canned: tuple[Any, Canned]
) -> None:
    client, answer = canned
    answer.status, answer.content = status, content
    with pytest.raises(kind), aws_errors("list the jobs"):
        client.list_jobs(jobQueue="q")


class Canned:
    """The answer that every request gets."""

    status, content = 200, b"{}"

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, self.status, {}, self)

    def stream(self, **_: Any) -> list[bytes]:
        return [self.content]


@pytest.fixture(scope="module")
def canned() -> tuple[Any, Canned]:
    """A client of which no request leaves the process, and what answers it."""
    canned = Canned()
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1")
    session.events.register("before-send", canned)
    return AWSAccess(session=session).client("batch", retries={"total_max_attempts": 1}), canned


def test_a_member_that_is_absent_was_cut_off_and_an_empty_one_is_an_answer() -> None:
    assert required_member({"jobs": []}, "jobs", "x") == []
    assert required_member({"n": 0}, "n", "x") == 0
    for answer in ({}, {"jobs": None}):
        with pytest.raises(AmbiguousAnswer, match="'jobs'"):
            required_member(answer, "jobs", "describe jobs")


@pytest.mark.parametrize(
    ("access", "kind", "advice"),
    [
        (AWSAccess(), ServiceError, "give region="),
        (AWSAccess(region="not a region"), ServiceError, "give region="),
        (AWSAccess(profile="nobody", region="us-east-1"), CredentialsError, "nobody"),
    ],
)
def test_a_set_up_that_cannot_work_is_told_with_its_remedy(access: AWSAccess, kind: type, advice: str) -> None:
    with pytest.raises(ServiceError, match=advice) as caught:
        access.client("batch")
    assert type(caught.value) is kind


def test_no_credentials_are_told_with_the_remedy() -> None:
    client = AWSAccess(region="us-east-1", endpoint_url="http://127.0.0.1:1").client("batch")
    with pytest.raises(CredentialsError, match="AWS_ACCESS_KEY_ID"), aws_errors("list the jobs"):
        client.list_jobs(jobQueue="q")


def test_an_endpoint_in_the_environment_that_is_no_url_is_no_raw_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:99")
    with pytest.raises(ServiceError, match="localhost:99"):
        AWSAccess(region="us-east-1").client("batch")


@pytest.mark.parametrize("endpoint", ["localhost:5000", "http://", "s3://bucket", ""])
def test_an_endpoint_that_is_no_url_is_refused(endpoint: str) -> None:
    with pytest.raises(InvalidInput, match="endpoint_url"):
        AWSAccess(endpoint_url=endpoint)


def test_a_session_has_its_own_profile() -> None:
    with pytest.raises(InvalidInput, match="one or the other"):
        AWSAccess(session=boto3.Session(), profile="p")


def test_clients_are_made_once_for_each_service_and_configuration() -> None:
    access = AWSAccess(region="us-east-1")
    batch = access.client("batch", retries={"total_max_attempts": 1})
    assert access.client("batch", retries={"total_max_attempts": 1}) is batch
    assert access.client("batch") is not batch
    assert access.client("logs") is not access.client("batch")


def test_threads_get_the_same_client() -> None:
    access, found = AWSAccess(region="us-east-1"), []
    threads = [threading.Thread(target=lambda: found.append(access.client("batch"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_a_client_has_the_region_the_endpoint_and_the_name_of_this_package() -> None:
    access = AWSAccess(region="eu-west-1", endpoint_url="http://127.0.0.1:4566")
    for service in ("batch", "s3", "logs"):
        meta = access.client(service).meta
        assert (meta.region_name, meta.endpoint_url) == ("eu-west-1", "http://127.0.0.1:4566")
        assert "batch_helpers/" in meta.config.user_agent


def test_a_profile_of_the_configuration_is_used(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile lab]\nregion = ap-south-1\n")
    assert AWSAccess(profile="lab").client("batch").meta.region_name == "ap-south-1"


def test_boto3s_own_endpoint_variables_hold_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BATCH", "http://127.0.0.1:7")
    access = AWSAccess(region="us-east-1")
    assert access.client("batch").meta.endpoint_url == "http://127.0.0.1:7"
    assert "amazonaws" in access.client("logs").meta.endpoint_url


def keyed(key: str = "one", **where: Any) -> AWSAccess:
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key="x", region_name="us-east-1")
    return AWSAccess(session=session, **where)


def test_an_account_is_told_by_its_key_its_region_and_its_endpoint() -> None:
    account = keyed().account("batch")
    assert keyed().account("batch", retries={"total_max_attempts": 1}) == account
    here = "http://127.0.0.1:1"
    others = [keyed("two"), keyed(endpoint_url=here), keyed(endpoint_url=here, region="eu-west-1")]
    accounts = {account, keyed().account("s3"), *(other.account("batch") for other in others)}
    assert len(accounts) == 5


def test_keys_that_are_renewed_are_told_by_where_they_come_from_and_without_a_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = "role_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\nregion = us-east-1\n"
    (tmp_path / "config").write_text(f"[profile lab]\n{lines}[profile field]\n{lines}")
    (tmp_path / "credentials").write_text("[base]\naws_access_key_id = k\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    first, second, third = (AWSAccess(profile=name).account("batch") for name in ("lab", "lab", "field"))
    assert first == second != third
    assert first[-1] == "assume-role lab"


def test_without_credentials_there_is_an_account_all_the_same() -> None:
    assert AWSAccess(region="us-east-1").account("batch")[-1] == ""


def test_the_status_of_an_answer_is_kept_by_the_error_that_is_made_of_it() -> None:
    assert http_status(translated(refusal("ConflictException", 409))) == 409
    assert http_status(translated(exceptions.NoRegionError())) is None
    assert http_status(NotFound("mine")) is None


def test_importing_it_loads_no_sdk() -> None:
    program = (
        "import sys; from batch_helpers.aws_client import AWSAccess, aws_errors; AWSAccess(region='x');"
        "sys.exit(bool({'boto3', 'botocore'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
