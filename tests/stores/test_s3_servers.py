"""find() against real servers, with every odd key: the same keys, sizes and dates as boto3's own paginator gives."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from moto import mock_aws

from batch_helpers.aws_client import AWSAccess
from batch_helpers.errors import AmbiguousAnswer, NotFound, Unreachable
from batch_helpers.stores.base import Found
from batch_helpers.stores.s3 import S3Store
from tests.servers import moto_server, s3rver, session
from tests.stores.wire import entry, listing

pytestmark = pytest.mark.slow

KEYS = [
    "out/plain.txt",
    "out/a b.txt",
    "out/a+b.txt",
    "out/100%.txt",
    "out/a%20b.txt",
    "out/a&b<c>d\"e'f.txt",
    "out/a&amp;b.txt",
    "out/é/ü.txt",
    "out/日本語.bam",
    "out/\uffee.txt",
    "out/🧬.txt",
    "out/a",
    "out/a.txt",
    "out/a/b",
    "out/a0",
    "out2/plain.txt",
    "top",
]
ODDER_KEYS = ["out//double.txt", "out/../up.txt", "out/./here.txt", "/leading", "dir/", "out/dir//", "out/bell\x07"]
MORE_THAN_A_PAGE = [f"many/{number:04}" for number in range(1010)]
ABSENT = ["out/", "out/plain", "out/plain.txt/", "out/a b", "out/a+b", "out/100%25.txt", "dir", "dir//", "zzz", "!"]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "4")


@pytest.fixture
def in_process(small_pages: None) -> Iterator[AWSAccess]:
    with mock_aws():
        access = AWSAccess(session=session())
        fill(access, KEYS + ODDER_KEYS)
        yield access


@pytest.fixture
def on_moto(small_pages: None) -> Iterator[AWSAccess]:
    with moto_server() as url:
        access = AWSAccess(session=session(), endpoint_url=url)
        fill(access, KEYS + ODDER_KEYS)
        yield access


@pytest.fixture(scope="module")
def on_s3rver() -> Iterator[AWSAccess]:
    with s3rver() as url:
        access = AWSAccess(session=session("S3RVER"), endpoint_url=url)
        fill(access, KEYS + MORE_THAN_A_PAGE)
        yield access


def fill(access: AWSAccess, keys: list[str]) -> None:
    client = access.client("s3")
    client.create_bucket(Bucket="bucket")
    for number, key in enumerate(keys):
        client.put_object(Bucket="bucket", Key=key, Body=b"x" * (number % 50))


def by_paginator(access: AWSAccess) -> dict[str, Found]:
    pages = access.client("s3").get_paginator("list_objects_v2").paginate(Bucket="bucket")
    return {
        f"s3://bucket/{item['Key']}": Found(item["Size"], item["LastModified"].timestamp(), item["ETag"].strip('"'))
        for page in pages
        for item in page.get("Contents", [])
    }


@pytest.mark.parametrize("account", ["in_process", "on_moto", "on_s3rver"])
def test_every_key_is_found_as_boto3_lists_it_and_no_other(account: str, request: pytest.FixtureRequest) -> None:
    access = request.getfixturevalue(account)
    listed = by_paginator(access)
    assert len(listed) >= len(KEYS)
    absent = [f"s3://bucket/{key}" for key in ABSENT if f"s3://bucket/{key}" not in listed]
    store = S3Store(access, 4, sleep=lambda _: None)
    assert store.find([*absent, *listed], measured=listed) == listed
    assert store.find(absent) == {}
    some = dict(list(listed.items())[::3])
    assert store.find([*some, *absent], measured=some) == some
    assert set(store.find([*some, *absent])) == set(some)


@pytest.mark.parametrize("account", ["in_process", "on_moto", "on_s3rver"])
def test_each_key_is_found_when_it_is_asked_for_alone(account: str, request: pytest.FixtureRequest) -> None:
    access = request.getfixturevalue(account)
    store = S3Store(access, sleep=lambda _: None)
    for key in KEYS + (ODDER_KEYS if account != "on_s3rver" else []):
        assert list(store.find([f"s3://bucket/{key}"])) == [f"s3://bucket/{key}"]
    for key in ABSENT:
        if key not in ODDER_KEYS:
            assert store.find([f"s3://bucket/{key}"]) == {}
    with pytest.raises(NotFound):
        store.find(["s3://nowhere/key"])


class Cut(socketserver.StreamRequestHandler):
    """Says how long its answer is, sends a part of it and hangs up."""

    whole: bytes
    cut: int

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {len(self.whole)}\r\n\r\n"
        self.wfile.write((head.encode() + self.whole)[: self.cut])


@contextmanager
def cutting_server(whole: bytes) -> Iterator[tuple[str, Callable[[int], None]]]:
    handler = type("CutHere", (Cut,), {"whole": whole, "cut": 0})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", lambda cut: setattr(handler, "cut", cut)
        finally:
            server.shutdown()
            thread.join()


def test_a_connection_that_breaks_anywhere_in_an_answer_is_never_an_answer() -> None:
    whole = listing(entry("a", 1) + entry("b", 1))
    with cutting_server(whole) as (url, cut_at):
        store = S3Store(AWSAccess(session=session(), endpoint_url=url), sleep=lambda _: None)
        head = len(f"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {len(whole)}\r\n\r\n")
        for cut in [*range(0, head, 5), *range(head, head + len(whole), 31), head + len(whole) - 1]:
            cut_at(cut)
            with pytest.raises(AmbiguousAnswer):
                store.find(["s3://bucket/a", "s3://bucket/b"])
        cut_at(head + len(whole))
        assert len(store.find(["s3://bucket/a", "s3://bucket/b"])) == 2


def test_nobody_there_is_unreachable_after_some_attempts() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Cut) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
    waits: list[float] = []
    with pytest.raises(Unreachable):
        S3Store(AWSAccess(session=session(), endpoint_url=url), sleep=waits.append).find(["s3://bucket/a"])
    assert len(waits) == 5
