"""Who may talk to the endpoint: it runs commands."""

from __future__ import annotations

import pytest

from batch_helpers.serve.guards import LARGEST_READ, check_host, check_origin, check_size, hostname
from batch_helpers.serve.wire.errors import Forbidden, TooLarge
from batch_helpers.serve.wire.messages import Request
from tests.serve.desk import Desk


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:4000", "127.9.9.9:1", "localhost", "LOCALHOST:4000", "[::1]:4000", "[::1]"]
)
def test_this_machine_is_known_by_all_its_own_names(host: str) -> None:
    check_host({"host": host}, "127.0.0.1")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:4000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "",
        "[",
        "[::2]",
    ],
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(host: str) -> None:
    with pytest.raises(Forbidden, match="is not this endpoint"):
        check_host({"host": host}, "127.0.0.1")


def test_no_host_at_all_is_refused() -> None:
    with pytest.raises(Forbidden):
        check_host({}, "127.0.0.1")


def test_the_address_that_was_asked_for_is_a_name_of_the_endpoint() -> None:
    check_host({"host": "10.0.0.1:4000"}, "10.0.0.1")
    check_host({"host": "build-box:4000"}, "Build-Box")
    with pytest.raises(Forbidden):
        check_host({"host": "10.0.0.2"}, "10.0.0.1")


@pytest.mark.parametrize("bound", ["0.0.0.0", "::"])
def test_bound_to_all_addresses_it_is_known_by_each_and_by_no_name(bound: str) -> None:
    check_host({"host": "10.0.0.1:4000"}, bound)
    with pytest.raises(Forbidden):
        check_host({"host": "evil.example"}, bound)


@pytest.mark.parametrize("name", ["origin", "sec-fetch-site"])
@pytest.mark.parametrize("value", ["https://evil.example", "null", "same-origin", "http://127.0.0.1:4000"])
def test_what_a_page_makes_a_browser_send_is_refused(name: str, value: str) -> None:
    with pytest.raises(Forbidden, match="web pages"):
        check_origin({"host": "127.0.0.1", name: value})


def test_the_guards_stand_before_every_operation(desk: Desk) -> None:
    for headers in ({"host": "evil.example"}, {"host": "127.0.0.1", "origin": "null"}):
        with pytest.raises(Forbidden):
            desk.gateway.call(Request("POST", "/v1/submitjob", "", headers, b""))
        with pytest.raises(Forbidden):
            desk.gateway.call(Request("POST", "/", "", {**headers, "x-amz-target": "Logs_20140328.GetLogEvents"}, b""))


def test_a_body_is_refused_by_its_announced_length() -> None:
    check_size({})
    check_size({"content-length": str(LARGEST_READ)})
    with pytest.raises(TooLarge):
        check_size({"content-length": str(LARGEST_READ + 1)})


@pytest.mark.parametrize(
    ("host", "name"), [("a.B:1", "a.b"), ("[::1]:1", "::1"), ("a", "a"), ("user@a", "a"), (":1", ""), ("[", "")]
)
def test_a_host_header_is_taken_apart(host: str, name: str) -> None:
    assert hostname(host) == name
