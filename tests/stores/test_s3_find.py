"""S3Store.find on a wire without a network: how many requests, and what every refusal means."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.errors import (
    AccessDenied,
    AmbiguousAnswer,
    CredentialsError,
    InvalidInput,
    NotFound,
    ServiceError,
    Throttled,
)
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job
from batch_helpers.stores.base import Found
from batch_helpers.stores.s3 import S3Store
from batch_helpers.testing import MemoryEngine
from tests.servers import session
from tests.stores.wire import SECONDS, Answer, Bucket, Request, Wire, entry, listing, refusal


def store_on(wire: Wire, ranges: int = 4) -> S3Store:
    return S3Store(wire.access, ranges, sleep=wire.slept.append, budget=wire.budget)


def uris(*keys: str) -> list[str]:
    return [f"s3://bucket/{key}" for key in keys]


def test_only_what_is_there_is_found_under_the_uris_as_given() -> None:
    store = store_on(Wire(Bucket(["out/a.txt", "out/b.txt", "z"])))
    wanted = [*uris("out/a.txt", "out/a", "out/c.txt"), "S3://bucket/z"]
    assert store.find(wanted, measured=wanted[:1]) == {
        "s3://bucket/out/a.txt": Found(9, SECONDS, "e9"),
        "S3://bucket/z": Found(1, SECONDS, "e1"),
    }


def test_nothing_is_asked_for_nothing() -> None:
    wire = Wire(Bucket([]))
    assert store_on(wire).find([]) == {}
    assert wire.requests == []


def test_one_key_is_one_head() -> None:
    wire = Wire(Bucket(["a"]))
    assert store_on(wire).find(uris("a")) == {"s3://bucket/a": Found(1, SECONDS, "e1")}
    assert [request.method for request in wire.requests] == ["HEAD"]


def test_a_dense_cohort_takes_the_pages_of_its_folder_and_no_more() -> None:
    keys = [f"out/{number:05}.bam" for number in range(1000)]
    wire = Wire(Bucket([*keys, *(f"in/{number:05}" for number in range(1000))], page=50))
    assert len(store_on(wire, 8).find(uris(*keys))) == 1000
    assert len(wire.requests) == 20
    assert {request.query["prefix"] for request in wire.requests} == {"out/"}


def test_a_sparse_cohort_takes_no_more_requests_than_it_has_outputs() -> None:
    wanted = [f"{number:03}/out.bam" for number in range(0, 100, 7)]
    others = [f"{number:03}/{other}" for number in range(100) for other in range(10)]
    wire = Wire(Bucket([*others, *wanted], page=10))
    assert len(store_on(wire).find(uris(*wanted))) == len(wanted)
    assert len(wire.requests) <= len(wanted)


def test_a_cohort_of_which_nothing_is_there_takes_one_request() -> None:
    wire = Wire(Bucket([f"in/{number}" for number in range(5000)]))
    assert store_on(wire).find(uris(*(f"out/{number}" for number in range(5000)))) == {}
    assert len(wire.requests) == 1


def test_as_many_requests_as_there_are_ranges_are_under_way_at_once() -> None:
    wanted = [f"{number:03}/out" for number in range(100)]
    bucket, together = Bucket(wanted, page=1), threading.Barrier(4)

    def answer(request: Request) -> Answer:
        if 1 < len(wire.requests) <= 5:
            together.wait(timeout=10)
        return bucket(request)

    wire = Wire(answer)
    assert len(store_on(wire, ranges=4).find(uris(*wanted))) == 100
    starts = sorted(int(request.query["start-after"][:3]) for request in wire.requests[1:5])
    assert all(20 < later - earlier < 30 for earlier, later in pairwise(starts))


def test_buckets_are_asked_each_by_itself() -> None:
    one, two = Bucket(["x", "y"]), Bucket(["y", "z"], name="second")
    wire = Wire(lambda request: (two if request.path.startswith("/second") else one)(request))
    wanted = [f"s3://{bucket}/{key}" for bucket in ("bucket", "second") for key in "xyz"]
    assert set(store_on(wire).find(wanted)) == {wanted[0], wanted[1], wanted[4], wanted[5]}
    assert len(wire.requests) == 2


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]], ids=["one key", "several"])
def test_a_missing_bucket_is_not_found(keys: list[str]) -> None:
    with pytest.raises(NotFound, match="s3://nowhere"):
        store_on(Wire(Bucket([]))).find([f"s3://nowhere/{key}" for key in keys])


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]], ids=["one key", "several"])
def test_a_denied_bucket_is_access_denied(keys: list[str]) -> None:
    wire = Wire(lambda request: refusal("AccessDenied", 403, "no s3:ListBucket", head=request.method == "HEAD"))
    with pytest.raises(AccessDenied, match="s3:ListBucket"):
        store_on(wire).find(uris(*keys))
    assert wire.slept == []


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]], ids=["one key", "several"])
def test_a_missing_key_is_an_answer(keys: list[str]) -> None:
    assert store_on(Wire(Bucket(["ab", "b0"]))).find(uris(*keys)) == {}


def test_that_a_bucket_is_there_is_asked_once() -> None:
    wire = Wire(Bucket([]))
    store = store_on(wire)
    for _ in range(3):
        assert store.find(uris("a")) == {}
    assert [request.method for request in wire.requests] == ["HEAD", "HEAD", "HEAD", "HEAD"]
    assert [request.path for request in wire.requests].count("/bucket/") == 1


@pytest.mark.parametrize(("keys", "found"), [(["a"], ["a"]), (["ab"], []), ([], [])])
def test_where_head_is_denied_but_listing_is_not_the_listing_answers(keys: list[str], found: list[str]) -> None:
    bucket = Bucket(keys)
    wire = Wire(lambda request: refusal("403", 403, head=True) if request.method == "HEAD" else bucket(request))
    assert list(store_on(wire).find(uris("a"))) == uris(*found)
    assert [request.query["prefix"] for request in wire.requests[1:]] == ["a"]


def test_where_head_is_denied_empty_pages_are_gone_through_too() -> None:
    pages = {"": listing(token="t1"), "t1": listing(entry("a", 3))}

    def answer(request: Request) -> Answer:
        if request.method == "HEAD":
            return refusal("403", 403, head=True)
        return Answer(200, pages[request.query.get("continuation-token", "")])

    assert list(store_on(Wire(answer)).find(uris("a"))) == uris("a")


def test_head_with_expired_credentials_says_so() -> None:
    wire = Wire(lambda request: refusal("ExpiredToken", 400, "The token has expired", head=request.method == "HEAD"))
    with pytest.raises(CredentialsError, match="expired"):
        store_on(wire).find(uris("a"))


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]], ids=["one key", "several"])
def test_a_bucket_of_another_region_is_followed_there(keys: list[str]) -> None:
    name = f"far-{len(keys)}"
    bucket = Bucket(keys, name=name)

    def regional(request: Request) -> Answer:
        if "/eu-west-1/s3/" in request.headers["authorization"]:
            return bucket(request)
        return refusal("PermanentRedirect", 301, head=request.method == "HEAD", region="eu-west-1")

    wanted = [f"s3://{name}/{key}" for key in keys]
    assert set(store_on(Wire(regional)).find(wanted)) == set(wanted)


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]], ids=["one key", "several"])
def test_a_bucket_that_is_in_no_region_is_a_clear_error(keys: list[str]) -> None:
    message = "The bucket you are attempting to access must be addressed using the specified endpoint"

    def lost(request: Request) -> Answer:
        return refusal("PermanentRedirect", 301, message, head=request.method == "HEAD", region="eu-west-1")

    with pytest.raises(ServiceError, match=r"s3://lost/.*specified endpoint"):
        store_on(Wire(lost)).find([f"s3://lost/{key}" for key in keys])


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]], ids=["one key", "several"])
@pytest.mark.parametrize("status", [500, 503])
def test_slow_down_is_waited_out(keys: list[str], status: int) -> None:
    bucket, refusals = Bucket(["a", "b"]), [status] * 5

    def busy(request: Request) -> Answer:
        if refusals:
            return refusal("SlowDown", refusals.pop(), head=request.method == "HEAD")
        return bucket(request)

    wire = Wire(busy)
    assert set(store_on(wire).find(uris(*keys))) == set(uris(*keys))
    assert len(wire.slept) == 5
    assert all(0 <= wait <= 0.5 * 2**number for number, wait in enumerate(wire.slept))


def test_a_service_that_stays_busy_is_given_up_after_twelve_attempts() -> None:
    wire = Wire(lambda _: refusal("SlowDown", 503, "Please reduce your request rate."))
    with pytest.raises(Throttled, match="reduce your request rate"):
        store_on(wire).find(uris("a", "b"))
    assert len(wire.requests) == 12


def test_a_page_cut_short_is_asked_again_and_then_an_error() -> None:
    whole = listing(entry("a", 1) + entry("b", 1))
    answers = [whole[: len(whole) // 2], b"", whole[:-1], whole]
    wire = Wire(lambda _: Answer(200, answers.pop(0) if len(answers) > 1 else answers[0]))
    assert len(store_on(wire).find(uris("a", "b"))) == 2
    answers[:] = [whole[:-1]]
    with pytest.raises(AmbiguousAnswer):
        store_on(wire).find(uris("a", "b"))


@pytest.mark.parametrize("lost", ["Content-Length", "Last-Modified"])
def test_a_head_without_its_headers_is_no_answer(lost: str) -> None:
    headers = {"Content-Length": "1", "Last-Modified": "Wed, 01 May 2024 12:34:56 GMT", "ETag": '"e"'}
    del headers[lost]
    with pytest.raises(AmbiguousAnswer, match="cut short"):
        store_on(Wire(lambda _: Answer(200, b"", headers))).find(uris("a"))


def test_an_error_inside_a_200_is_an_error() -> None:
    wire = Wire(lambda _: Answer(200, refusal("InternalError", 500).body))
    with pytest.raises(AmbiguousAnswer):
        store_on(wire).find(uris("a", "b"))


def test_empty_pages_are_gone_through_by_token() -> None:
    pages = {"": listing(token="t1"), "t1": listing(token="t2"), "t2": listing(entry("a/x", 3) + entry("a/y", 3))}
    wire = Wire(lambda request: Answer(200, pages[request.query.get("continuation-token", "")]))
    assert len(store_on(wire).find(uris("a/x", "a/y"))) == 2
    assert {request.query["prefix"] for request in wire.requests} == {"a/"}


class Unsorted(Bucket):
    """A service that ignores where to start, and sorts as it likes."""

    def _list(self, query: dict[str, str]) -> Answer:
        keys = [key for key in reversed(self.keys) if key.startswith(query["prefix"])]
        entries = "".join(entry(key, len(key)) for key in keys[: self.page])
        return Answer(200, listing(entries, token="more" if len(keys) > self.page else None))


def test_a_listing_out_of_order_is_not_believed() -> None:
    keys = [f"out/{number}" for number in range(40)]
    wire = Wire(Unsorted(keys, page=10))
    wanted = uris(*(f"out/{number}" for number in range(0, 60, 3)))
    assert set(store_on(wire).find(wanted)) == set(wanted) & set(uris(*keys))
    assert len(wire.requests) <= len(wanted) + 1


def test_a_listing_out_of_order_is_an_error_where_head_is_refused() -> None:
    bucket = Unsorted([f"out/{number}" for number in range(40)], page=2)
    wire = Wire(lambda request: refusal("403", 403, head=True) if request.method == "HEAD" else bucket(request))
    for wanted in (["out/1"], ["out/1", "out/2"]):
        with pytest.raises(ServiceError, match=r"s3://bucket .* not in the order"):
            store_on(wire).find(uris(*wanted))


def test_a_directory_bucket_which_does_not_list_in_order_is_asked_key_by_key() -> None:
    name = "cohort--use1-az4--x-s3"
    wire = Wire(Bucket(["a"], name=name))
    wanted = [f"s3://{name}/{key}" for key in "ab"]
    assert set(store_on(wire).find(wanted)) == {wanted[0]}
    assert not [request for request in wire.requests if "list-type" in request.query]


@pytest.mark.parametrize(
    "uri",
    ["s3://bucket", "s3://bucket/", "s3:///key", "az://bucket/key", "/a/path", "s3://not a bucket/key"],
)
def test_what_cannot_be_an_object_is_refused_before_any_request(uri: str) -> None:
    wire = Wire(Bucket([]))
    with pytest.raises(InvalidInput):
        store_on(wire).find([uri])
    assert wire.requests == []


@pytest.mark.parametrize("key", ["k" * 1025, "é" * 513, "\ud800"], ids=["long", "long in UTF-8", "not Unicode"])
def test_what_cannot_be_a_key_is_refused_before_any_request(key: str) -> None:
    wire = Wire(Bucket([]))
    with pytest.raises(InvalidInput):
        store_on(wire).find(uris("a", key))
    assert wire.requests == []


def test_the_longest_keys_are_asked_for() -> None:
    keys = ["é" * 512, "k" * 1024, "k" * 1023 + "l"]
    assert set(store_on(Wire(Bucket(keys))).find(uris(*keys))) == set(uris(*keys))


def test_no_credentials_are_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    poor = session()
    monkeypatch.setattr(poor._session, "get_credentials", lambda: None)
    slept: list[float] = []
    with pytest.raises(CredentialsError):
        S3Store(AWSAccess(session=poor), sleep=slept.append).find(uris("a", "b"))
    assert slept == []


def test_where_one_folder_is_denied_nothing_is_said_of_any() -> None:
    bucket = Bucket(["open/a", "open/b", "secret/a", "secret/b", "secret/c"], page=1)

    def partly(request: Request) -> Answer:
        if request.query.get("prefix", "").startswith("secret/") or "/secret/" in request.path:
            return refusal(
                "AccessDenied", 403, "not authorized to perform s3:ListBucket", head=request.method == "HEAD"
            )
        return bucket(request)

    wire = Wire(partly)
    for denied in (uris("secret/a"), uris("secret/a", "secret/b")):
        assert len(store_on(wire).find(uris("open/a", "open/b"))) == 2
        with pytest.raises(AccessDenied, match=r"s3://bucket/secret/.*s3:ListBucket"):
            store_on(wire).find([*uris("open/a", "open/b"), *denied])


@pytest.mark.parametrize(("code", "error"), [("AccessDenied", AccessDenied), ("PermanentRedirect", ServiceError)])
def test_a_plan_that_cannot_see_every_output_is_an_error_and_submits_nothing(
    code: str, error: type[ServiceError]
) -> None:
    status = {"AccessDenied": 403, "PermanentRedirect": 301}[code]
    bucket = Bucket([f"open/{number}" for number in range(3)])

    def partly(request: Request) -> Answer:
        if "far" in request.path:
            return refusal(code, status, "not here", head=request.method == "HEAD", region="eu-west-1")
        return bucket(request)

    engine = MemoryEngine()
    helper = BatchHelper(engine, store_on(Wire(partly)), job_queue="q")
    wanted = [f"s3://bucket/open/{number}" for number in range(4)] + ["s3://far/secret/1", "s3://far/secret/2"]
    with pytest.raises(error, match="s3://far"):
        helper.add_jobs([Job(f"j{number}", command=["x"], outputs=[uri]) for number, uri in enumerate(wanted)])
    assert engine.submitted == []
