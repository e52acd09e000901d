"""The fast reader gives what boto3's own parser gives, whatever S3 sends, or it steps aside."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_helpers.errors import AmbiguousAnswer
from batch_helpers.stores.base import Found
from batch_helpers.stores.s3.client import Gate, s3_client
from batch_helpers.stores.s3.leapfrog import Ask
from batch_helpers.stores.s3.lookup import Lookup
from batch_helpers.stores.s3.reader import ListPage, fast_entries
from tests.stores.wire import DATE, SECONDS, XMLNS, Answer, Wire, entry, listing

pytestmark = pytest.mark.slow

ODD_KEYS = [
    "plain.txt",
    "a b.txt",
    "a+b.txt",
    "100%.txt",
    "a%20b.txt",
    "a//b.txt",
    "a/../b.txt",
    "./a.txt",
    "/leading",
    "dir/",
    "dir//",
    "é/ü.txt",
    "日本語/サンプル.bam",
    "🧬.txt",
    "a&b<c>d\"e'f.txt",
    "a&amp;b.txt",
    "new\nline.txt",
    "return\rhere.txt",
    "tab\there.txt",
    "<Contents>",
    "]]>.txt",
    "<!-- c -->",
    "~tilde*star(paren)!",
    "back\\slash",
    "bell\x07",
    "k" * 1024,
]


def shown(key: str) -> str:
    return ascii(key[:20])


class Reading:
    """A client of ours and a plain one, both given the same body."""

    def __init__(self) -> None:
        self.wire = Wire(lambda _: Answer(200, self.body))
        self.plain = self.wire.session.client("s3")
        self.ours = Lookup(Gate(self.wire.access, 1, lambda _: None, self.wire.budget))
        self.body = b""

    def page(self, body: bytes) -> ListPage:
        self.body = body
        return self.ours.page("bucket", Ask("", ""))

    def boto3(self, body: bytes) -> dict[str, Any]:
        self.body = body
        return self.plain.list_objects_v2(Bucket="bucket")  # type: ignore[return-value]


@pytest.fixture(scope="module")
def reading() -> Reading:
    return Reading()


def taken(body: bytes) -> bool:
    """Whether the fast reader takes this page's entries, or leaves the page to boto3."""
    response: dict[str, Any] = {"status_code": 200, "body": body}
    customized: dict[str, Any] = {}
    fast_entries(response, customized)
    assert bool(customized) == (response["body"] != body or b"Contents" not in body)
    return bool(customized)


def check_equal(page: ListPage, answer: dict[str, Any]) -> None:
    contents = answer.get("Contents", [])
    assert list(page.keys) == [entry["Key"] for entry in contents]
    assert [page.found(place) for place in range(len(contents))] == [
        Found(entry["Size"], entry["LastModified"].timestamp(), entry["ETag"].strip('"') or None) for entry in contents
    ]
    assert (page.truncated, page.token) == (answer["IsTruncated"], answer.get("NextContinuationToken"))


def test_a_page_as_s3_writes_it_is_read_without_boto3(reading: Reading) -> None:
    body = listing(entry("a/1.txt", 7) + entry("a/2.txt", 0), token="next")
    assert taken(body)
    page = reading.page(body)
    assert list(page.keys) == ["a/1.txt", "a/2.txt"]
    assert page.found(0) == Found(7, SECONDS, "e7")
    assert (page.truncated, page.token) == (True, "next")


@pytest.mark.parametrize("key", ODD_KEYS, ids=shown)
def test_odd_keys_that_come_percent_encoded(reading: Reading, key: str) -> None:
    body = listing(entry("a") + entry(key, 5) + entry("z"))
    assert taken(body)
    page = reading.page(body)
    assert list(page.keys) == ["a", key, "z"]
    check_equal(page, reading.boto3(body))


@pytest.mark.parametrize("key", [key for key in ODD_KEYS if key.isprintable()], ids=shown)
def test_odd_keys_that_come_as_they_are(reading: Reading, key: str) -> None:
    body = listing(entry("a") + entry(key, 5, encoded=False) + entry("z"), encoded=False)
    page = reading.page(body)
    assert list(page.keys) == ["a", key, "z"]
    check_equal(page, reading.boto3(body))


def date(text: str) -> str:
    return f"<LastModified>{text}</LastModified>"


HERE = date(DATE)
OWNER = "<Owner><ID>75aa</ID><DisplayName>web</DisplayName></Owner>"
RESTORE = "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress></RestoreStatus>"
PREFIXES = "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1)
TAG = "<ETag>&quot;e&quot;</ETag>"


@pytest.mark.parametrize(
    ("entries", "fast"),
    [
        ("", True),
        (f"<Contents><Key>k</Key>{HERE}{TAG}<Size>1</Size></Contents>", True),
        (f'<Contents><Key>k</Key>{HERE}<ETag>"e"</ETag><Size>1</Size>{OWNER}</Contents>', True),
        (f"<Contents><Key>k</Key>{HERE}<ETag></ETag><Size>1</Size></Contents>", True),
        (f"<Contents><Key>k</Key>{HERE}{TAG}{OWNER}<Size>1</Size>{RESTORE}</Contents>", True),
        (f"<Contents>\n  <Key>k</Key>\n  {HERE}\n  {TAG}\n  <Size>1</Size>\n  <StorageClass/>\n</Contents>\n", True),
        (f"{entry('k')}{PREFIXES}", True),
        (f"{PREFIXES}{entry('k')}", True),
        (f"{entry('k')}{PREFIXES}{entry('l')}", True),
        (f"<Contents><Key></Key>{HERE}{TAG}<Size>1</Size></Contents>", True),
        (f"<Contents><Key>k</Key>{date('2024-05-01T12:34:56Z')}{TAG}<Size>1</Size></Contents>", True),
        (f"<Contents>{HERE}<Key>k</Key>{TAG}<Size>1</Size></Contents>", False),
        (f"<Contents><Key>k</Key>{HERE}<Size>1</Size>{TAG}</Contents>", False),
        (f"<Contents><Key>k</Key>{TAG}<Size>1</Size>{HERE}</Contents>", False),
        (f"<Contents><Key><![CDATA[k</Key>]]></Key>{HERE}{TAG}<Size>1</Size></Contents>", False),
        (f"<!-- <Contents><Key>k</Key>{HERE}{TAG}<Size>1</Size></Contents> -->{entry('l')}", False),
        (f"<Contents><Key>k</Key>{HERE}{TAG}<!-- </Contents> --><Size>1</Size></Contents>", False),
        (f"<Contents><Key>k&#x20;l&amp;m</Key>{HERE}{TAG}<Size>1</Size></Contents>", False),
        (f"<Contents><Key>k</Key>{HERE}<ETag>&#34;e&#34;</ETag><Size>1</Size></Contents>", True),
        (f"<Contents><Key>k</Key>{HERE}<ETag>&#x22;e&#x22;</ETag><Size>1</Size></Contents>", False),
        (f"<Contents><Key>k</Key>{date('2024-05-01T12:34:56.5Z')}{TAG}<Size>1</Size></Contents>", True),
        (f"<Contents><Key>k</Key>{date('2024-05-01T12:34:56.123456Z')}{TAG}<Size>1</Size></Contents>", True),
        (f"<s:Contents xmlns:s='{XMLNS}'><Key>k</Key>{HERE}{TAG}<Size>1</Size></s:Contents>", False),
        (f"<Contents><Key>re\rturn</Key>{HERE}{TAG}<Size>1</Size></Contents>", False),
        (f"<Contents><Key>new\nline</Key>{HERE}{TAG}<Size>1</Size></Contents>", True),
        (f"<Contents ><Key>k</Key>{HERE}{TAG}<Size>1</Size></Contents>", False),
        (f"<Contents><Key>k</Key>{HERE}{TAG}<Size> 1 </Size></Contents>{entry('l')}", False),
        (f"<Contents><Key>k</Key>{date('Wed, 01 May 2024 12:34:56 GMT')}{TAG}<Size>1</Size></Contents>", False),
        (f"<Contents><Key>k</Key>{date('2024-05-01T14:34:56+02:00')}{TAG}<Size>1</Size></Contents>", False),
    ],
)
def test_pages_of_every_shape_are_read_as_boto3_reads_them(reading: Reading, entries: str, fast: bool) -> None:
    body = listing(entries)
    assert taken(body) is fast
    check_equal(reading.page(body), reading.boto3(body))


def test_an_entry_without_size_or_date_is_still_there(reading: Reading) -> None:
    page = reading.page(listing("<Contents><Key>k</Key></Contents>"))
    assert (list(page.keys), page.found(0)) == (["k"], Found())


def test_one_entry_of_another_form_leaves_the_whole_page_to_boto3(reading: Reading) -> None:
    body = listing(f"{entry('a')}<Contents><Size>1</Size><Key>b</Key></Contents>{entry('c')}")
    assert not taken(body)
    assert list(reading.page(body).keys) == ["a", "b", "c"]


def test_a_page_that_is_not_utf8_is_left_to_boto3(reading: Reading) -> None:
    body = listing(entry("a")).replace(b"<Key>a", b"<Key>\xff")
    assert not taken(body)
    with pytest.raises(AmbiguousAnswer):
        reading.page(body)


SAMPLE = listing(entry("a/1.txt", 7) + entry("a b.txt"), token="next", after=PREFIXES)


def refuses(reading: Reading, body: bytes) -> None:
    with pytest.raises(AmbiguousAnswer):
        reading.page(body)


def test_a_page_cut_between_elements_is_an_error(reading: Reading) -> None:
    for cut in {0, *(match.start() for match in re.finditer(b"<", SAMPLE)), len(SAMPLE) - 1}:
        refuses(reading, SAMPLE[:cut])


@pytest.mark.slow
def test_a_page_cut_at_any_byte_is_an_error(reading: Reading) -> None:
    for cut in range(len(SAMPLE)):
        refuses(reading, SAMPLE[:cut])


def test_a_page_that_does_not_say_whether_more_follows_is_an_error(reading: Reading) -> None:
    refuses(reading, listing(entry("a")).replace(b"<IsTruncated>false</IsTruncated>", b""))


@given(
    st.lists(st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1), st.integers(0)))
)
@settings(max_examples=60, deadline=None)
def test_any_keys_are_read_as_boto3_reads_them(reading: Reading, entries: list[tuple[str, int]]) -> None:
    body = listing("".join(entry(key, size) for key, size in entries))
    page = reading.page(body)
    assert [(key, page.found(place).size) for place, key in enumerate(page.keys)] == entries
    check_equal(page, reading.boto3(body))


def test_the_reader_comes_before_boto3_parses_the_whole_page(reading: Reading) -> None:
    client = s3_client(reading.wire.access, 1)
    called = client.meta.events.emit(
        "before-parse.s3.ListObjectsV2",
        operation_model=client.meta.service_model.operation_model("ListObjectsV2"),
        response_dict={"status_code": 200, "body": SAMPLE, "headers": {}},
        customized_response_dict={},
    )
    assert called[0][0] is fast_entries


def test_a_handler_that_is_called_twice_does_not_take_its_first_answer_back() -> None:
    response: dict[str, Any] = {"status_code": 200, "body": SAMPLE}
    customized: dict[str, Any] = {}
    fast_entries(response, customized)
    first = dict(customized)
    fast_entries(response, customized)
    assert customized == first
    assert all(first.values())


def test_other_clients_of_the_session_are_left_alone(reading: Reading) -> None:
    body = listing(entry("a/1.txt", 7))
    reading.page(body)
    assert [item["Key"] for item in reading.boto3(body)["Contents"]] == ["a/1.txt"]
    assert [item["Key"] for item in reading.wire.session.client("s3").list_objects_v2(Bucket="b")["Contents"]]


def test_two_stores_of_one_access_read_once(reading: Reading) -> None:
    access = reading.wire.access
    assert s3_client(access, 1) is s3_client(access, 1)
    reading.body = listing(entry("a", 3))
    page = Lookup(Gate(access, 1, lambda _: None)).page("bucket", Ask("", ""))
    assert page.found(0).size == 3
