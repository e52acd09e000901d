"""Output: what must be true of an output before it counts, and that it is a plain string in all else."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

import batch_helpers
from batch_helpers.claims import folder_conflicts
from batch_helpers.errors import InvalidInput, InvalidJob
from batch_helpers.events.lines import job_from, spec
from batch_helpers.job import Job
from batch_helpers.output import Output
from batch_helpers.plan import Action, World, plan
from batch_helpers.samples import jobs_from
from batch_helpers.testing import MemoryStore
from batch_helpers.validity import survey

BAM, READS = "m://b/s1.bam", "m://b/s1.fq"
PARTS = "m://b/parts/"


def reason(store: MemoryStore, *outputs: str, **fields: Any) -> str:
    job = Job("s1", command=["make"], outputs=outputs, **fields)
    seen = survey(store, [job])
    decision = plan([job], World(found=seen.found, survey=seen)).decisions[0]
    assert (decision.action is Action.SKIP) == (seen.lacking(job) == [])
    return str(decision)


def holding(*uris: str, data: bytes = b"data") -> MemoryStore:
    """Objects, each a second younger than the one before."""
    now = iter(range(1000))
    store = MemoryStore(clock=lambda: float(next(now)))
    for uri in uris:
        store.write(uri, data)
    return store


def test_it_is_public_and_a_string() -> None:
    output = batch_helpers.Output(BAM, min_size=1)
    assert output == BAM
    assert output.count("b") == 2
    assert json.dumps([output]) == json.dumps([BAM])
    assert f"cat {output}" == f"cat {BAM}"
    assert repr(output) == "Output('m://b/s1.bam', min_size=1)"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
def test_copies_ask_for_the_same(again: Any) -> None:
    assert repr(again(Output(PARTS, marker="_DONE", count=3))) == "Output('m://b/parts/', marker='_DONE', count=3)"


def test_it_is_never_changed() -> None:
    with pytest.raises(AttributeError, match="min_size"):
        Output(BAM, min_size=1).min_size = 2


@pytest.mark.parametrize(
    ("uri", "conditions", "problem"),
    [
        (PARTS, {}, "is a folder: give marker="),
        (PARTS, {"count": 2, "min_size": 1}, "min_size=1 is of one file"),
        (BAM, {"marker": "_SUCCESS"}, "is one file"),
        (BAM, {"count": 2}, "is one file"),
        (BAM, {"min_size": -1}, "min_size=-1"),
        (BAM, {"min_size": True}, "min_size=True"),
        (BAM, {"min_size": 1.5}, "min_size=1.5"),
        (PARTS, {"count": -1}, "count=-1"),
        (PARTS, {"marker": ""}, "marker=''"),
        (PARTS, {"marker": "/abs"}, "marker='/abs'"),
        (PARTS, {"marker": "../up"}, "marker='../up'"),
        (PARTS, {"marker": "sub/"}, "marker='sub/'"),
        (PARTS, {"marker": 3}, "marker=3"),
        ("", {}, "give a URI or a path"),
        ("s3://bucket/", {"count": 1}, "names no object"),
        ("/", {"count": 1}, "is a folder"),
        ("m://b/*/", {"count": 1}, "pattern"),
    ],
)
def test_what_cannot_be_met_is_refused(uri: str, conditions: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        Output(uri, **conditions)


def test_conditions_do_not_change_what_the_work_is() -> None:
    plain = Job("s1", command=["make"], outputs=[BAM])
    asking = Job("s1", command=["make"], outputs=[Output(BAM, min_size=1)], inputs=[])
    assert plain.fingerprint == asking.fingerprint
    dated = Job("s1", command=["make"], inputs=[READS], outputs=[BAM], newer_than_inputs=True)
    assert dated.fingerprint == Job("s1", command=["make"], inputs=[READS], outputs=[BAM]).fingerprint


def test_one_output_with_two_conditions_is_refused() -> None:
    with pytest.raises(InvalidJob, match="given twice"):
        Job("s1", outputs=[BAM, Output(BAM, min_size=1)])
    assert len(Job("s1", outputs=[Output(BAM, min_size=1), Output(BAM, min_size=1)]).outputs) == 1


def test_a_file_that_is_too_small_does_not_count() -> None:
    assert reason(holding(BAM, data=b""), Output(BAM, min_size=1)) == (
        "submit: outputs missing: m://b/s1.bam is too small: 0 bytes, wants 1 (1 of 1)"
    )
    assert reason(holding(BAM, data=b"1"), Output(BAM, min_size=1)) == "skip: its output exists"
    assert reason(holding(), Output(BAM, min_size=1)) == "submit: outputs missing: m://b/s1.bam (1 of 1)"
    assert reason(holding(BAM, data=b""), BAM) == "skip: its output exists"


def test_a_folder_counts_when_its_marker_is_there() -> None:
    output = Output(PARTS, marker="_SUCCESS")
    assert reason(holding(f"{PARTS}1"), output) == "submit: outputs missing: m://b/parts/ has no _SUCCESS (1 of 1)"
    assert reason(holding(f"{PARTS}_SUCCESS.bak", "m://b/parts2/_SUCCESS"), output).startswith("submit")
    assert reason(holding(f"{PARTS}_SUCCESS"), output) == "skip: its output exists"


def test_a_folder_counts_when_enough_is_in_it() -> None:
    parts = [f"{PARTS}{number}" for number in range(24)]
    output = Output(PARTS, count=24)
    assert reason(holding(*parts[:21]), output) == "submit: outputs missing: m://b/parts/ has 21 of 24 objects (1 of 1)"
    assert reason(holding(*parts), output) == "skip: its output exists"
    assert reason(holding(*parts, f"{PARTS}more"), output) == "skip: its output exists"
    assert reason(holding(*parts[:23], PARTS, "m://b/parts2/x"), output).startswith("submit")


def test_a_marker_is_not_one_of_those_that_are_counted() -> None:
    output = Output(PARTS, marker="_SUCCESS", count=2)
    assert "has 1 of 2 objects" in reason(holding(f"{PARTS}1", f"{PARTS}_SUCCESS"), output)
    assert reason(holding(f"{PARTS}1", f"{PARTS}2", f"{PARTS}_SUCCESS"), output) == "skip: its output exists"


def test_an_output_older_than_an_input_does_not_count_when_that_is_asked_for() -> None:
    fields: dict[str, Any] = {"inputs": [READS], "newer_than_inputs": True}
    assert reason(holding(BAM, READS), BAM, **fields) == (
        "submit: out of date: m://b/s1.bam is older than its input m://b/s1.fq"
    )
    assert reason(holding(READS, BAM), BAM, **fields) == "skip: its output exists"
    assert reason(holding(BAM, READS), BAM, inputs=[READS]) == "skip: its output exists"


def test_the_oldest_output_and_the_newest_input_are_compared() -> None:
    store = holding("m://b/1", READS, "m://b/ref", "m://b/2")
    told = reason(store, "m://b/1", "m://b/2", inputs=[READS, "m://b/ref"], newer_than_inputs=True)
    assert told == "submit: out of date: m://b/1 is older than its input m://b/ref"


def test_what_is_of_the_same_moment_is_not_older() -> None:
    store = MemoryStore(clock=lambda: 7.0)
    for uri in (BAM, READS):
        store.write(uri, b"")
    assert reason(store, BAM, inputs=[READS], newer_than_inputs=True) == "skip: its output exists"


def test_an_input_that_is_not_there_or_has_no_date_is_said_and_not_guessed() -> None:
    told = reason(holding(BAM), BAM, inputs=[READS, "m://b/ref"], newer_than_inputs=True)
    assert told == (
        "skip: its output exists; whether it is newer than its inputs is not known: "
        "m://b/s1.fq does not exist, and 1 more"
    )
    store = holding(BAM)
    store.objects[READS] = b""
    assert reason(store, BAM, inputs=[READS], newer_than_inputs=True).endswith("m://b/s1.fq has no date")


def test_an_input_that_is_newer_counts_even_if_another_is_not_there() -> None:
    told = reason(holding(BAM, READS), BAM, inputs=["m://b/none", READS], newer_than_inputs=True)
    assert told.startswith("submit: out of date")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"outputs": [BAM]}, "give inputs and outputs"),
        ({"inputs": [READS]}, "give inputs and outputs"),
        ({"inputs": [READS], "outputs": [Output(PARTS, count=2)]}, "give it a marker"),
    ],
)
def test_dates_that_cannot_be_compared_are_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidJob, match=problem):
        Job("s1", newer_than_inputs=True, **fields)


def test_what_depends_on_a_job_that_is_out_of_date_runs_again_too() -> None:
    first = Job("align", command=["a"], inputs=[READS], outputs=[BAM], newer_than_inputs=True)
    second = Job("call", command=["c"], inputs=[BAM], outputs=["m://b/s1.vcf"], depends_on=[first])
    store = holding(BAM, "m://b/s1.vcf", READS)
    seen = survey(store, [first, second])
    told = [str(decision) for decision in plan([first, second], World(found=seen.found, survey=seen))]
    assert told[1] == "submit: align runs again, so its outputs are out of date"


def test_templates_fill_what_an_output_is_and_asks_for() -> None:
    given = [Output("m://b/{s}/", marker="{s}.done"), Output("m://b/{s}.bam", min_size=5)]
    (job,) = jobs_from([{"s": "x"}], name="{s}", outputs=given)
    assert repr(job.outputs) == "(Output('m://b/x/', marker='x.done'), Output('m://b/x.bam', min_size=5))"


def test_events_keep_what_is_asked_for() -> None:
    outputs = [BAM, Output(PARTS, marker="_SUCCESS", count=2)]
    job = Job("s1", command=["make"], inputs=[READS], outputs=[*outputs[:1], outputs[1]])
    line = json.loads(json.dumps(spec(job)))
    assert line["outputs"] == [BAM, PARTS]
    assert repr(job_from(line).outputs) == repr(job.outputs)


def test_who_writes_into_the_folder_of_another_is_in_conflict_with_him() -> None:
    maker = Job("maker", command=["1"], outputs=[Output(PARTS, count=2)])
    writer = Job("writer", command=["2"], outputs=[f"{PARTS}deep/x"])
    other = Job("other", command=["3"], outputs=["m://b/parts2/x", "m://b/x"])
    for jobs in ([maker, writer, other], [writer, other, maker]):
        actions = {decision.job.name: str(decision) for decision in plan(jobs)}
        assert actions["maker"] == actions["writer"]
        assert actions["maker"] == (
            "conflict: writer writes m://b/parts/deep/x into m://b/parts/, which is an output of maker"
        )
        assert actions["other"].startswith("submit")


def test_folders_of_jobs_added_before_are_theirs_too() -> None:
    maker = Job("maker", command=["1"], outputs=[Output(PARTS, count=2)])
    writer = Job("writer", command=["2"], outputs=[f"{PARTS}x"])
    assert folder_conflicts([writer], {PARTS: maker}) == {
        0: "writer writes m://b/parts/x into m://b/parts/, which is an output of maker (added before)"
    }
    assert folder_conflicts([maker], {f"{PARTS}x": writer}) == {
        0: "writer (added before) writes m://b/parts/x into m://b/parts/, which is an output of maker"
    }
    assert folder_conflicts([maker], {PARTS: maker}) == {}


def test_a_local_folder_is_claimed_however_it_is_spelled() -> None:
    maker = Job("maker", command=["1"], outputs=[Output("parts/", count=2)])
    writer = Job("writer", command=["2"], outputs=["./parts/../parts/x"])
    assert set(folder_conflicts([maker, writer], {})) == {0, 1}
