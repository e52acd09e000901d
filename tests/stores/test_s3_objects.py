"""Reading, writing and deleting on a wire without a network: what is sent again, and what every answer means."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from batch_helpers.errors import AccessDenied, AmbiguousAnswer, NotFound, ServiceError, Throttled
from batch_helpers.stores.s3 import S3Store
from tests.stores.wire import XMLNS, Answer, Bucket, Request, Wire, refusal

URI = "s3://bucket/a"


def on(wire: Wire) -> S3Store:
    return S3Store(wire.access, sleep=wire.slept.append, budget=wire.budget)


def in_turn(*answers: Answer) -> Callable[[Request], Answer]:
    """These answers one after the other, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


STORED = Answer(200, b"", {"ETag": '"e"'})
LOST = Answer(200)
TAKEN = refusal("PreconditionFailed", 412)
BUSY = refusal("SlowDown", 503)


def content(data: bytes) -> Answer:
    return Answer(200, data, {"Content-Length": str(len(data))})


def test_an_object_cut_short_is_read_again() -> None:
    cut = Answer(200, b"12", {"Content-Length": "4"})
    assert on(Wire(in_turn(cut, content(b"1234")))).read(URI) == b"1234"
    with pytest.raises(AmbiguousAnswer):
        on(Wire(in_turn(cut))).read(URI)


def test_an_object_without_its_length_is_no_answer() -> None:
    with pytest.raises(AmbiguousAnswer):
        on(Wire(in_turn(Answer(200, b"12")))).read(URI)


def test_reading_tells_a_missing_key_a_missing_bucket_and_a_denied_one_apart() -> None:
    with pytest.raises(NotFound, match="NoSuchKey"):
        on(Wire(Bucket([]))).read(URI)
    with pytest.raises(NotFound, match="NoSuchBucket"):
        on(Wire(Bucket([]))).read("s3://nowhere/a")
    with pytest.raises(AccessDenied):
        on(Wire(in_turn(refusal("AccessDenied", 403)))).read(URI)


def test_a_write_whose_answer_was_lost_is_sent_again() -> None:
    wire = Wire(in_turn(LOST, refusal("InternalError", 500), STORED))
    assert on(wire).write(URI, b"data") is True
    assert len(wire.requests) == 3
    assert all(b"data" in request.body for request in wire.requests)


def test_writing_what_is_not_there_asks_s3_to_see_to_it() -> None:
    wire = Wire(in_turn(STORED))
    assert on(wire).write(URI, b"", only_if_absent=True) is True
    assert on(wire).write(URI, b"") is True
    assert [request.headers.get("if-none-match") for request in wire.requests] == ["*", None]


def test_what_somebody_else_has_written_is_left() -> None:
    wire = Wire(in_turn(TAKEN))
    assert on(wire).write(URI, b"mine", only_if_absent=True) is False
    assert [request.method for request in wire.requests] == ["PUT"]


def test_a_refusal_for_the_rate_does_not_make_it_ours() -> None:
    assert on(Wire(in_turn(BUSY, TAKEN, content(b"mine")))).write(URI, b"mine", only_if_absent=True) is False


@pytest.mark.parametrize(("there", "ours"), [(b"mine", True), (b"theirs", False)])
def test_after_a_lost_answer_the_content_tells_who_wrote_it(there: bytes, ours: bool) -> None:
    wire = Wire(in_turn(LOST, TAKEN, content(there)))
    assert on(wire).write(URI, b"mine", only_if_absent=True) is ours


def test_two_writers_at_the_same_moment_are_sorted_out_by_asking_again() -> None:
    conflict = refusal("ConditionalRequestConflict", 409)
    wire = Wire(in_turn(conflict, STORED))
    assert on(wire).write(URI, b"", only_if_absent=True) is True
    assert on(Wire(in_turn(conflict, TAKEN))).write(URI, b"", only_if_absent=True) is False
    with pytest.raises(Throttled, match="somebody else"):
        on(Wire(in_turn(conflict))).write(URI, b"", only_if_absent=True)


def test_a_write_that_is_not_allowed_is_an_error_at_once() -> None:
    wire = Wire(in_turn(refusal("AccessDenied", 403)))
    for only_if_absent in (True, False):
        with pytest.raises(AccessDenied):
            on(wire).write(URI, b"", only_if_absent=only_if_absent)
    assert len(wire.requests) == 2


def deleted(request: Request, *errors: str) -> Answer:
    names = request.body.decode().split("<Key>")[1:]
    gone = "".join(f"<Deleted><Key>{name.partition('<')[0]}</Key></Deleted>" for name in names[len(errors) :])
    refused = "".join(f"<Error><Key>k</Key><Code>{code}</Code><Message>no</Message></Error>" for code in errors)
    return Answer(200, f'<DeleteResult xmlns="{XMLNS}">{gone}{refused}</DeleteResult>'.encode())


def test_deleting_goes_in_thousands() -> None:
    wire = Wire(deleted)
    on(wire).delete([f"s3://bucket/{number}" for number in range(2500)] * 2)
    assert [request.body.count(b"<Key>") for request in wire.requests] == [1000, 1000, 500]


def test_a_key_that_was_not_deleted_is_an_error() -> None:
    with pytest.raises(AccessDenied, match=r"s3://bucket/k.*AccessDenied"):
        on(Wire(lambda request: deleted(request, "InternalError", "AccessDenied"))).delete([URI, "s3://bucket/b"])
    with pytest.raises(ServiceError, match="ObjectLocked"):
        on(Wire(lambda request: deleted(request, "ObjectLocked"))).delete([URI, "s3://bucket/b"])


def test_a_key_that_could_not_be_deleted_for_a_moment_is_deleted_again() -> None:
    errors = [["SlowDown"], ["InternalError"], []]
    wire = Wire(lambda request: deleted(request, *errors.pop(0)))
    on(wire).delete([URI, "s3://bucket/b"])
    assert (len(wire.requests), len(wire.slept)) == (3, 2)


@pytest.mark.parametrize("cut", [0, 30, -20])
def test_a_deletion_whose_answer_was_cut_short_is_sent_again(cut: int) -> None:
    whole = [False, True]
    wire = Wire(lambda r: deleted(r) if whole.pop(0) else Answer(200, deleted(r).body[:cut]))
    on(wire).delete([URI, "s3://bucket/b"])
    assert len(wire.requests) == 2


def test_a_deletion_that_does_not_name_all_keys_is_no_answer() -> None:
    empty = Answer(200, f'<DeleteResult xmlns="{XMLNS}"></DeleteResult>'.encode())
    with pytest.raises(AmbiguousAnswer):
        on(Wire(in_turn(empty))).delete([URI])


def test_a_key_that_xml_cannot_write_is_deleted_by_itself() -> None:
    wire = Wire(lambda request: Answer(204) if request.method == "DELETE" else deleted(request))
    on(wire).delete([URI, "s3://bucket/bell\x07", "s3://bucket/tab\there"])
    assert [request.path for request in wire.requests if request.method == "DELETE"] == ["/bucket/bell\x07"]
    assert sum(request.body.count(b"<Key>") for request in wire.requests) == 2


def test_deleting_in_a_missing_bucket_is_not_found() -> None:
    with pytest.raises(NotFound):
        on(Wire(in_turn(refusal("NoSuchBucket", 404)))).delete([URI])
