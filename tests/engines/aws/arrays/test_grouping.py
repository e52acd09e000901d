"""Which jobs become an array together, what its table says, and what is known of its children."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_helpers.engines.aws.arrays import carriers, grouping
from batch_helpers.engines.aws.arrays.grouping import Part, Upstream, split
from batch_helpers.engines.aws.arrays.known import Array
from batch_helpers.engines.aws.arrays.reading import array_of
from batch_helpers.engines.aws.arrays.sending import Order, order
from batch_helpers.engines.aws.arrays.table import Table, array_name, digest_in, table_of
from batch_helpers.engines.aws.definition import FOR_IMAGES, Definition
from batch_helpers.engines.aws.details import Parent
from batch_helpers.errors import AccessDenied, InvalidJob, ServiceError
from batch_helpers.job import Job, JobDetail, Status

ALL = {
    "P": Upstream(3, frozenset(range(3))),
    "Q": Upstream(3, frozenset(range(3))),
    "R": Upstream(4, frozenset({1, 2})),
}


def bound(needs: list[str], name: str = "s", **fields: Any) -> Job:
    return Job(name, **{"image": "busybox", "command": ["work"], **fields}).bound("q", needs)


def parts(*needs: list[str], known: dict[str, Upstream] = ALL) -> grouping.Parts:
    return split([bound(item) for item in needs], known, lambda job: True)


@pytest.mark.parametrize(
    ("number", "arrays", "singles"),
    [(1, [], 1), (2, [2], 0), (10_000, [10_000], 0), (10_001, [10_000], 1), (10_002, [10_000, 2], 0)],
)
def test_arrays_have_two_to_ten_thousand_children(number: int, arrays: list[int], singles: int) -> None:
    found = split([bound([])] * number, {}, lambda job: True)
    assert ([len(part.places) for part in found.arrays], len(found.singles)) == (arrays, singles)


class TestWaiting:
    def test_children_that_wait_one_for_one_are_put_into_the_order_of_the_others(self) -> None:
        assert parts(["P:2"], ["P:0"], ["P:1"]).arrays == [Part((1, 2, 0), (), ("P",))]

    def test_they_may_wait_for_two_arrays_and_a_single_job_beside(self) -> None:
        found = parts(["x", "P:1", "Q:1"], ["Q:0", "P:0", "x"], ["P:2", "x", "Q:2"])
        assert found.arrays == [Part((1, 0, 2), ("x",), ("P", "Q"))]

    def test_not_when_the_orders_differ(self) -> None:
        found = parts(["P:0", "Q:1"], ["P:1", "Q:0"], ["P:2", "Q:2"])
        assert (sorted(found.held), found.arrays, found.singles) == ([0, 1, 2], [], [])

    def test_not_when_one_of_them_waits_for_two_indexes(self) -> None:
        assert sorted(parts(["P:0", "Q:1"], ["P:1", "Q:1"], ["P:2", "Q:2"]).held) == [0, 1, 2]

    def test_not_when_some_are_missing(self) -> None:
        assert parts(["P:0"], ["P:2"]).held == [0, 1]

    def test_not_when_the_arrays_have_different_sizes(self) -> None:
        found = parts(["P:0", "R:0"], ["P:1", "R:1"], ["P:2", "R:2"])
        assert sorted(found.held) == [0, 1, 2]

    def test_two_jobs_for_each_child_become_two_arrays(self) -> None:
        found = parts(["P:0"], ["P:0"], ["P:1"], ["P:2"], ["P:1"], ["P:2"])
        assert found.arrays == [Part((0, 2, 3), (), ("P",)), Part((1, 4, 5), (), ("P",))]

    def test_who_wants_all_that_has_not_succeeded_waits_for_the_array(self) -> None:
        assert parts(["P:0", "P:1", "P:2", "x"]).singles == [Part((0,), ("x", "P"))]
        assert parts(["R:2", "R:1"]).singles == [Part((0,), ("R",))]
        assert parts(["R:2", "R:0"]).held == [0]

    def test_children_of_an_array_that_is_not_known_cannot_be_waited_for(self) -> None:
        assert parts(["Z:0"]).held == [0]

    def test_nobody_waits_for_more_than_twenty(self) -> None:
        many = [f"x{n}" for n in range(21)]
        assert parts(many[:20]).singles == [Part((0,), tuple(many[:20]))]
        assert parts(many).held == [0]

    def test_a_job_that_cannot_be_a_child_is_sent_alone_or_held(self) -> None:
        found = split([bound([]), bound(["P:0"]), bound(["x"])], ALL, lambda job: False)
        assert (found.arrays, found.singles, found.held) == ([], [Part((0,)), Part((2,), ("x",))], [1])

    def test_tags_of_this_package_do_not_part_jobs(self) -> None:
        jobs = [bound([], tags={"batch_helpers:replaces": str(n), "a": "b"}) for n in range(2)]
        [part] = split(jobs, {}, lambda job: True).arrays
        request = made(jobs, part).request("d", "mark")
        assert set(request["tags"]) == {"a", "batch_helpers:fingerprint", "batch_helpers:submission"}

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.lists(
                st.sampled_from([*(f"P:{n}" for n in range(3)), *(f"Q:{n}" for n in range(3)), "R:1", "R:2", "x"]),
                max_size=4,
                unique=True,
            ),
            max_size=12,
        )
    )
    def test_every_job_is_somewhere_once_and_waits_for_just_what_it_should(self, needs: list[list[str]]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(grouping, "MOST", 4)
            found = parts(*needs)
        sent = [place for part in (*found.arrays, *found.singles) for place in part.places]
        assert sorted([*sent, *found.held]) == list(range(len(needs)))
        for part in (*found.arrays, *found.singles):
            assert len(part.places) <= 4
            for index, place in enumerate(part.places):
                waits = {child for parent in part.whole for child in self.children(parent)}
                waits |= {f"{parent}:{index}" for parent in part.each}
                assert waits - {"R:0", "R:3"} == set(needs[place])
            assert all(ALL[parent].size == len(part.places) for parent in part.each)

    def children(self, job_id: str) -> set[str]:
        return {f"{job_id}:{n}" for n in ALL[job_id].needed} if job_id in ALL else {job_id}


def made(jobs: list[Job], part: Part) -> Order:
    return order(jobs, part, FOR_IMAGES, None, lambda uri: uri)


def test_the_request_of_an_array() -> None:
    jobs = [
        bound(["x", f"P:{n}"], f"s-{n}", command=["cat", "Ref::a"], parameters={"a": str(n)}, environment={"E": "e"},
              vcpus=2, memory=100, attempts=3, timeout=90, tags={"a": "b"})
        for n in range(3)
    ]  # fmt: skip
    order = made(jobs, Part((0, 1, 2), ("x",), ("P",)))
    request = order.request("definition", "mark")
    assert request["arrayProperties"] == {"size": 3}
    assert request["dependsOn"] == [{"jobId": "x"}, {"jobId": "P", "type": "N_TO_N"}]
    assert (request["jobQueue"], request["jobDefinition"]) == ("q", "definition")
    assert request["retryStrategy"] == {"attempts": 3}
    assert request["timeout"] == {"attemptDurationSeconds": 90}
    assert "parameters" not in request
    assert "environment" not in request["containerOverrides"]
    assert [item["value"] for item in request["containerOverrides"]["resourceRequirements"]] == ["2", "100"]
    assert JobDetail("P", request["jobName"], Status.PENDING).key is None
    assert digest_in(request["jobName"]) == order.table.digest == request["tags"]["batch_helpers:fingerprint"]
    assert carriers.carried(request["containerOverrides"]["command"]) == order.table
    assert order.table.names == tuple(job.full_name for job in jobs)
    assert b"export E=e; set -- cat 1 #1" in order.table.content


def test_a_definitions_command_and_defaults_are_filled_in() -> None:
    definition = Definition("d", command=("cat", "Ref::a", "Ref::b", "Ref::c"), parameters={"a": "1", "b": "2"})
    job = Job("s", job_definition="d", parameters={"b": "3"})
    assert b" set -- cat 1 3 Ref::c #0" in table_of([job], definition).content


def test_a_command_that_no_program_takes_is_refused() -> None:
    with pytest.raises(InvalidJob, match="131071"):
        table_of([Job("s", image="i", command=["x" * 131072])], FOR_IMAGES)
    with pytest.raises(InvalidJob, match="Unicode"):
        table_of([Job("s", image="i", command=["\ud800"])], FOR_IMAGES)


def test_blocks_begin_and_end_with_lines() -> None:
    table = table_of([Job(f"s{n}", image="i", command=["x" * n]) for n in range(250)], FOR_IMAGES)
    places = table.blocks
    assert (len(places), places[0], places[-1]) == (4, 0, len(table.content))
    for number, (first, last) in enumerate(pairwise(places)):
        block = table.content[first:last]
        assert block.startswith(b"%d " % (100 * number))
        assert block.endswith(b"\n")


class TestCarriers:
    def table(self, number: int) -> Table:
        return table_of([Job(f"s{n}", image="i", command=["work", str(n)]) for n in range(number)], FOR_IMAGES)

    def test_the_smallest_that_will_do_is_chosen(self) -> None:
        in_definition = carriers.inline(self.table(600), "busybox")
        assert in_definition is not None
        assert in_definition.command == ()
        assert in_definition.content is not None
        assert carriers.inline(self.table(600), None) is None
        assert carriers.inline(self.table(3000), "busybox") is None
        for number in (2, 200):
            carrier = carriers.inline(self.table(number), None)
            assert carrier is not None
            assert carriers.carried(carrier.command) == self.table(number)

    def test_a_url_that_is_too_long_is_left_out(self) -> None:
        assert carriers.from_s3(self.table(9), "s3://b/k", "https://x").command[6:] == ("https://x",)
        assert carriers.from_s3(self.table(9), "s3://b/k", "https://" + "x" * 9000).command[6:] == ()

    def test_what_others_run_is_not_ours(self) -> None:
        assert carriers.carried(["/bin/sh", "-c", "true", "sh", "x"]) is None
        assert carriers.carried([]) is None


class TestReading:
    table = TestCarriers().table(3)

    def parent(self, uri: str = "s3://ours/t") -> Parent:
        command = carriers.from_s3(self.table, uri, "url").command
        return Parent("P", array_name("s", self.table), Status.PENDING, size=3, command=command)

    def read(self, found: bytes | ServiceError, uri: str = "s3://ours/t") -> Array | None:
        def get(uri: str) -> bytes:
            if isinstance(found, ServiceError):
                raise found
            return found

        return array_of(self.parent(uri), get, lambda uri: uri.startswith("s3://ours/"))

    def test_children_get_their_own_names(self) -> None:
        array = self.read(self.table.content)
        assert array is not None
        assert [job.short_name for job in array.living(told=False)] == ["s0", "s1", "s2"]

    @pytest.mark.parametrize("content", [b"", b"x", b"0 a-0123456789abcdef true #0\n", b"\xff\n \n"])
    def test_anything_else_is_malformed(self, content: bytes) -> None:
        with pytest.raises(ServiceError, match=r"array job P .*s3://ours/t is malformed"):
            self.read(content)

    def test_a_table_that_we_may_not_read_is_somebody_elses_unless_it_is_in_our_place(self) -> None:
        assert self.read(AccessDenied("no"), "s3://theirs/t") is None
        with pytest.raises(AccessDenied, match="cannot tell which jobs"):
            self.read(AccessDenied("no"))

    def test_a_name_that_only_looks_like_ours_is_not_ours(self) -> None:
        parent = replace(self.parent(), command=("true",))
        assert array_of(parent, lambda uri: b"", lambda uri: True) is None


class TestNumbers:
    def array(self, **counts: int) -> Array:
        numbers = {Status(name): number for name, number in counts.items()}
        names = [f"s{n}-{n:016x}" for n in range(sum(counts.values()))]
        return Array("P", names, Parent("P", "s", Status.PENDING, size=len(names), counts=numbers))

    def statuses(self, array: Array, *, told: bool = True) -> list[str]:
        return [str(job.status) for job in array.living(told=told)]

    def test_the_numbers_are_exact_and_the_first_are_furthest(self) -> None:
        array = self.array(RUNNABLE=2, STARTING=1, RUNNING=2, PENDING=1)
        assert self.statuses(array) == ["RUNNING", "RUNNING", "STARTING", "RUNNABLE", "RUNNABLE", "PENDING"]

    def test_what_has_ended_nobody_knows_which_is_told_to_watchers_only(self) -> None:
        array = self.array(RUNNABLE=1, SUCCEEDED=2)
        assert self.statuses(array) == ["SUCCEEDED", "SUCCEEDED", "RUNNABLE"]
        assert self.statuses(array, told=False) == ["RUNNING", "RUNNING", "RUNNABLE"]

    def test_those_that_are_known_to_have_ended_are_not_among_the_living(self) -> None:
        array = self.array(RUNNABLE=1, SUCCEEDED=1, FAILED=1)
        array.take([(1, JobDetail("P:1", "P", Status.SUCCEEDED)), (2, JobDetail("P:2", "P", Status.FAILED))])
        assert [job.job_id for job in array.living(told=True)] == ["P:0"]
        assert array.needed() == {0, 2}
        assert array.ended[1].name == "s1-0000000000000001"

    def test_failures_are_asked_for_at_once_and_successes_of_large_arrays_in_good_time(self) -> None:
        assert self.array(SUCCEEDED=1, RUNNING=9).to_list(all_of_them=False) == [Status.SUCCEEDED]
        large = self.array(SUCCEEDED=999, FAILED=1, RUNNING=4000)
        assert large.to_list(all_of_them=False) == [Status.FAILED]
        assert large.to_list(all_of_them=True) == [Status.SUCCEEDED, Status.FAILED]
        half = self.array(SUCCEEDED=1000, RUNNING=4000)
        assert half.to_list(all_of_them=False) == [Status.SUCCEEDED]
        half.take((n, JobDetail(f"P:{n}", "P", Status.SUCCEEDED)) for n in range(1000))
        assert half.to_list(all_of_them=False) == []
        half.latest = replace(half.latest, counts={Status.SUCCEEDED: 1999, Status.RUNNING: 3001})
        assert half.to_list(all_of_them=False) == []
        half.awaited = True
        assert half.to_list(all_of_them=False) == [Status.SUCCEEDED]
