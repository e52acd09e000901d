"""jobs_from: one Job per sample, filled from its row; nothing that is not exactly a text gets into a command."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from batch_helpers import Job, jobs_from, read_samples
from batch_helpers.errors import InvalidInput, InvalidJob

SAMPLES = [{"sample": "s1", "reads": "r/1.fq", "mib": "512"}, {"sample": "s2", "reads": "r 2", "mib": "1024"}]


def refusal(samples: Any, **template: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        jobs_from(samples, **template)
    return str(caught.value)


def test_every_text_of_a_job_is_a_template() -> None:
    first, second = jobs_from(
        SAMPLES,
        name="align-{sample}",
        image="tools/{sample}:1",
        command=["align", "{reads}", "--sample={sample}"],
        parameters={"p": "{sample}"},
        environment={"E": "{sample}{sample}"},
        inputs=["{reads}"],
        outputs=["s3://b/{sample}/{sample}.bam"],
        job_queue="q-{sample}",
        tags={"t": "{sample}"},
        stage="stage {sample}",
        memory="{mib}",
        vcpus=2,
        attempts=3,
        intermediate=True,
    )

    assert (first.name, second.name) == ("align-s1", "align-s2")
    assert second.image == "tools/s2:1"
    assert second.command == ("align", "r 2", "--sample=s2")
    assert dict(second.parameters) == {"p": "s2"}
    assert dict(second.environment) == {"E": "s2s2"}
    assert second.inputs == ("r 2",)
    assert second.outputs == ("s3://b/s2/s2.bam",)
    assert second.job_queue == "q-s2"
    assert dict(second.tags) == {"t": "s2"}
    assert second.stage == "stage s2"
    assert (first.memory, second.memory) == (512, 1024)
    assert (second.vcpus, second.attempts, second.intermediate) == (2, 3, True)


def test_a_job_definition_and_a_command_for_the_shell_are_templates_too() -> None:
    job = jobs_from(SAMPLES, name="x", job_definition="d-{sample}", command="cat '{reads}'")[1]

    assert job.job_definition == "d-s2"
    assert job.command == ("/bin/sh", "-c", "cat 'r 2'")


def test_paths_are_templates(tmp_path: Path) -> None:
    assert jobs_from(SAMPLES, name="x", outputs=tmp_path / "{sample}.txt")[0].outputs == (str(tmp_path / "s1.txt"),)


def test_a_brace_is_written_twice_and_a_percent_once() -> None:
    job = jobs_from(SAMPLES, name="x", command=["awk", "{{print $1}} 100%s %{sample}"])[0]

    assert job.command == ("awk", "{print $1} 100%s %s1")


def test_braces_and_percents_in_cells_are_left_alone() -> None:
    assert jobs_from([{"sample": "{x}%s"}], name="{sample}")[0].name == "{x}%s"


def test_an_unknown_field_is_named_with_its_place_the_columns_and_the_nearest() -> None:
    text = refusal(SAMPLES, name="x", command=["a", "b"], outputs=["o", "s3://b/{sampel}.bam"])

    assert "outputs[1]='s3://b/{sampel}.bam': unknown field 'sampel'" in text
    assert "the columns are 'sample', 'reads', 'mib'" in text
    assert "did you mean 'sample'?" in text
    assert "written twice: '{{' or '}}'" in text


def test_the_place_of_a_field_in_a_mapping_is_its_name() -> None:
    assert "environment['E']='{y}': unknown field 'y'" in refusal(SAMPLES, name="x", environment={"E": "{y}"})


@pytest.mark.parametrize("field", ["", "0", "sample.upper", "sample[0]"])
def test_positions_attributes_and_items_are_no_fields(field: str) -> None:
    assert f"{{{field}}} is not a column" in refusal(SAMPLES, name=f"x{{{field}}}")


@pytest.mark.parametrize("column", ["0", "read.1", "read[1]", "read 1", "größe"])
def test_a_column_of_any_name_is_a_field(column: str) -> None:
    assert jobs_from([{column: "v"}], name=f"x-{{{column}}}")[0].name == "x-v"


@pytest.mark.parametrize("field", ["sample!r", "sample:>5", "sample!s:3"])
def test_formats_and_conversions_are_refused(field: str) -> None:
    assert "{sample} takes no format or conversion" in refusal(SAMPLES, name=f"{{{field}}}")


@pytest.mark.parametrize("text", ["{sample", "sample}", "{sample}}", "{a{b}}"])
def test_unbalanced_braces_are_refused_with_how_to_write_one(text: str) -> None:
    message = refusal(SAMPLES, name=text)

    assert f"name={text!r}: " in message
    assert "'{{' or '}}'" in message


def test_an_argument_that_a_job_does_not_have_is_named_with_the_nearest() -> None:
    assert "'output' is no argument of Job; did you mean 'outputs'?" in refusal(SAMPLES, name="x", output=["o"])
    assert "'_digest' is no argument of Job" in refusal(SAMPLES, name="x", _digest="0")


@pytest.mark.parametrize("field", ["vcpus", "memory", "gpus", "attempts", "timeout"])
def test_a_number_may_come_from_the_table(field: str) -> None:
    assert getattr(jobs_from([{"n": "2"}], name="x", **{field: "{n}"})[0], field) == 2
    assert f"{field}='{{n}}' is filled with 'two'" in refusal([{"n": "two"}], name="x", **{field: "{n}"})


def test_a_number_from_the_table_is_checked_like_any_other() -> None:
    with pytest.raises(InvalidJob, match=r"memory=-1: give a positive"):
        jobs_from([{"n": "-1"}], name="x", memory="{n}")
    assert jobs_from([{"n": "0.5"}], name="x", vcpus="{n}")[0].vcpus == 0.5


def test_what_every_job_waits_for_and_what_each_one_waits_for() -> None:
    shared = Job("index")
    aligned = jobs_from(SAMPLES, name="align-{sample}", depends_on=[shared, "id-1", None])
    called = jobs_from(SAMPLES, name="call-{sample}", depends_on=shared, each_depends_on=aligned)

    assert aligned[1].depends_on == (shared, "id-1")
    assert [job.depends_on for job in called] == [(shared, aligned[0]), (shared, aligned[1])]


def test_each_may_wait_for_several_for_an_id_or_for_none() -> None:
    a, b = Job("a"), Job("b")

    jobs = jobs_from([*SAMPLES, SAMPLES[0]], name="x", each_depends_on=[[a, b], "id-1", None])

    assert [job.depends_on for job in jobs] == [(a, b), ("id-1",), ()]


def test_a_generator_of_dependencies_serves_every_job() -> None:
    upstream = [Job("a"), Job("b")]

    jobs = jobs_from(SAMPLES, name="x", depends_on=(job for job in upstream), outputs=(f"{{sample}}.{n}" for n in "ab"))

    assert [job.depends_on for job in jobs] == [tuple(upstream)] * 2
    assert jobs[1].outputs == ("s2.a", "s2.b")


@pytest.mark.parametrize("each", [[], [None], [None] * 3])
def test_there_must_be_one_dependency_for_each_sample(each: list[None]) -> None:
    assert f"each_depends_on has {len(each)} items for 2 samples" in refusal(SAMPLES, name="x", each_depends_on=each)


@pytest.mark.parametrize("each", ["id-1", Job("a"), 1])
def test_a_single_dependency_is_not_one_for_each(each: Any) -> None:
    assert "give a list with one item per sample" in refusal(SAMPLES, name="x", each_depends_on=each)


@pytest.mark.parametrize("nothing", [[], iter(()), pd.DataFrame({"sample": []})])
def test_no_samples_are_no_jobs(nothing: Any) -> None:
    assert jobs_from(nothing, name="{sample}") == []


@pytest.mark.parametrize("path", ["samples.csv", Path("samples.csv")])
def test_a_path_is_no_samples(path: Any) -> None:
    assert "give read_samples('samples.csv')" in refusal(path, name="x")


@pytest.mark.parametrize("samples", [{"sample": "s1"}, None, 3])
def test_samples_are_rows(samples: Any) -> None:
    assert "give a list of rows, or a DataFrame" in refusal(samples, name="x")


@pytest.mark.parametrize("row", ["s1", None, ["s1"]])
def test_a_row_is_a_mapping(row: Any) -> None:
    assert "samples[1] is " in refusal([SAMPLES[0], row], name="x")
    assert "samples[0] is " in refusal([row], name="x")


def test_a_row_without_a_column_of_the_first_is_named() -> None:
    assert "samples[1] has no 'reads'" in refusal([SAMPLES[0], {"sample": "s2"}], name="{reads}")


@pytest.mark.parametrize(("value", "text"), [(7, "7"), (0.25, "0.25"), (1e-9, "1e-09"), (Path("a/b"), "a/b"), ("", "")])
def test_numbers_and_paths_go_in_as_they_are_written(value: Any, text: str) -> None:
    assert jobs_from([{"v": value}], name="x", command=["{v}"])[0].command == (text,)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), True, False, b"x", [1], pd.NA, pd.NaT, 1j])
def test_what_is_not_exactly_a_text_never_reaches_a_command(value: Any) -> None:
    text = refusal([{"v": "ok"}, {"v": value}], name="x", command=["{v}"])

    assert f"samples[1]['v'] is {value!r}" in text


@pytest.mark.parametrize("value", [3.0, -0.0, 1e22, Fraction(4, 2)])
def test_a_float_that_may_have_been_an_integer_is_refused(value: Any) -> None:
    assert "was it" in refusal([{"v": value}], name="{v}")


def test_the_first_damage_that_a_data_frame_does_is_told() -> None:
    frame = pd.DataFrame({"sample": ["s1", "s2"], "lane": [1, None]})

    assert "samples.loc[0]['lane'] is the float 1.0: was it 1 once?" in refusal(frame, name="{lane}")
    assert "samples.loc[1]['lane'] is nan" in refusal(frame.iloc[1:], name="{lane}")


def test_columns_that_no_template_names_may_have_gaps() -> None:
    frame = pd.DataFrame({"sample": ["s1", "s2"], "notes": ["x", None]})

    assert [job.name for job in jobs_from(frame, name="{sample}")] == ["s1", "s2"]


def test_a_data_frame_fills_as_the_file_does(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text("sample,lane,share\ns1,1,0.5\ns2,2,0.25\n")
    template: dict[str, Any] = {"name": "{sample}", "command": ["{lane}", "{share}"]}

    from_frame, from_file = jobs_from(pd.read_csv(path), **template), jobs_from(read_samples(path), **template)

    assert [job.fingerprint for job in from_frame] == [job.fingerprint for job in from_file]


def test_rows_of_a_data_frame_are_named_by_their_label() -> None:
    frame = pd.DataFrame({"v": ["x", None]}, index=["s1", "s2"])

    assert "samples.loc['s2']['v']" in refusal(frame, name="{v}")


def test_columns_of_a_data_frame_need_no_names_but_different_ones() -> None:
    assert jobs_from(pd.DataFrame([["a", "b"]]), name="{0}-{1}")[0].name == "a-b"
    assert "two columns of one name" in refusal(pd.DataFrame([["a", "b"]], columns=["x", "x"]), name="{x}")


@pytest.mark.slow
def test_making_jobs_from_rows_loads_no_pandas() -> None:
    code = (
        "import sys, batch_helpers; batch_helpers.jobs_from([{'a': 'b'}], name='{a}'); print('pandas' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
