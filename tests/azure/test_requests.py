"""A job's command, environment and image reach the task as they were given."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from batch_helpers.engines.azure import AzureEngine
from batch_helpers.engines.azure.pools import Pool
from batch_helpers.engines.azure.requests import command_line, task_request
from batch_helpers.engines.azure.words import first_id, next_id, number_of, place_of
from batch_helpers.errors import InvalidJob
from batch_helpers.job import Job
from batch_helpers.words import nearest
from tests.azure.fake_batch import FakeBatch
from tests.azure.fixtures import ended, job, submit

POOL = Pool("pool")

WORDS = [
    ["plain", "two words", "tab\there", "star*", "$HOME", "`date`", "a;b|c&d", "#no", "~"],
    ['double "quotes"', "single 'quotes'", "it's", "back\\slash", "\\'", "new\nline", "", "é 中 🎉"],
    ["-c", "--flag=value", "trailing\\"],
]


@pytest.mark.slow
@pytest.mark.parametrize("words", WORDS)
def test_a_process_gets_every_word_as_it_was_given(engine: AzureEngine, words: list[str]) -> None:
    program = "import json, sys; print(json.dumps(sys.argv[1:]))"
    ids = submit(engine, job("words", [sys.executable, "-c", program, *words]))
    ended(engine, ids)
    assert json.loads("".join(engine.logs(ids[0]))) == words


@pytest.mark.slow
def test_a_command_of_one_string_has_the_meaning_that_a_shell_gives_it(engine: AzureEngine) -> None:
    script = "x='hello, world'; echo \"$x\" | tr a-z A-Z && echo $((6 * 7)) $GREETING"
    ids = submit(engine, job("shell", script, environment={"GREETING": "it's"}))
    ended(engine, ids)
    assert list(engine.logs(ids[0])) == ["HELLO, WORLD", "42 it's"]


@pytest.mark.slow
def test_a_command_that_goes_by_the_environment_keeps_its_exit_code(engine: AzureEngine) -> None:
    ids = submit(engine, job("seven", "echo 'it is'; exit 7"), job("list", ["sh", "-c", "echo 'x'; exit 9"]))
    found = ended(engine, ids)
    assert [found[job_id].exit_code for job_id in ids] == [7, 9]


def test_plain_commands_are_told_as_they_are() -> None:
    assert command_line(["bwa", "mem", "ref.fa"]) == ("bwa mem ref.fa", "")
    assert command_line(["/bin/sh", "-c", "a | b > c"]) == ("/bin/sh -c 'a | b > c'", "")


def test_parameters_fill_the_command() -> None:
    request = task_request(POOL, job("a", ["run", "Ref::ref", "x-Ref::other"], parameters={"ref": "hg38"}), "a")
    assert request["commandLine"] == "run hg38 x-Ref::other"


def test_attempts_and_timeout_are_the_tasks_constraints() -> None:
    request = task_request(POOL, job("a", attempts=3, timeout=90), "a")
    assert request["constraints"] == {"maxTaskRetryCount": 2, "maxWallClockTime": "PT90S"}


@pytest.mark.parametrize(("vcpus", "slots"), [(None, 1), (0.5, 1), (1, 2), (1.5, 3), (2, 4), (4, 8), (64, 8)])
def test_a_job_takes_its_share_of_a_nodes_slots(vcpus: float | None, slots: int) -> None:
    assert Pool("pool", slots=8, cores=4).slots_for(vcpus) == slots
    assert Pool("pool", slots=1, cores=4).slots_for(vcpus) == 1
    assert Pool("pool", slots=8).slots_for(vcpus) == 1


@pytest.mark.parametrize(
    ("size", "cores"),
    [("D4s_v5", 4), ("D4ads_v5", 4), ("E4-2ds_v4", 2), ("NC24rs_v3", 24), ("HB120rs_v3", 120), ("L8s", 8)],
)
def test_cores_are_read_out_of_the_sizes_name(fake: FakeBatch, engine: AzureEngine, size: str, cores: int) -> None:
    fake.service.add_pool("sized", slots=cores, vm_size=size)
    assert engine.pools.get("sized").cores == cores


def test_containers_follow_the_pool(fake: FakeBatch, access: object) -> None:
    own = Pool("p", images=("python:3.12", "r:4"))
    assert task_request(own, job("a"), "a")["containerSettings"] == {"imageName": "python:3.12"}
    assert task_request(own, job("a", image="r:5"), "a")["containerSettings"] == {"imageName": "r:5"}
    assert "containerSettings" not in task_request(POOL, job("a"), "a")


def test_containers_see_what_is_mounted_and_have_no_name_that_others_could_share() -> None:
    pool = Pool("p", images=("r:4",), mounts=("input", "results"))
    settings = task_request(pool, job("a"), "a")["containerSettings"]
    assert settings["containerRunOptions"] == (
        "--mount type=bind,source=$AZ_BATCH_NODE_MOUNTS_DIR/input,target=/input "
        "--mount type=bind,source=$AZ_BATCH_NODE_MOUNTS_DIR/results,target=/results"
    )


@pytest.mark.slow
def test_a_pool_with_containers_takes_tasks_in_its_image_and_in_others(fake: FakeBatch, access: object) -> None:
    fake.service.add_pool("boxes", images=["python:3.12"])
    engine = AzureEngine(access, pool="boxes")  # type: ignore[arg-type]
    ids = submit(engine, job("a"), job("b", image="r:5"))
    ended(engine, ids)
    images = {task["containerSettings"]["imageName"] for task in fake.service.tasks["run"].values()}
    assert images == {"python:3.12", "r:5"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"job_definition": "align:3"}, "has no job definitions"),
        ({"image": "python:3.12"}, "'pool' runs no containers"),
        ({"command": ()}, "a task needs a command"),
        ({"command": ["", "x"]}, "a task needs a command"),
        ({"environment": {"AZ_BATCH_JOB_ID": "x"}}, "reserved"),
        ({"environment": {"BATCH_HELPERS_COMMAND": "x"}}, "reserved"),
        ({"environment": {"BIG": "x" * 200_000}}, "more than 102400 bytes"),
        ({"command": ["echo", "é" * 60_000]}, "more than 102400 bytes"),
        ({"job_queue": "no such name"}, "letters, digits"),
        ({"job_queue": "x" * 61}, "up to 60"),
        ({"job_queue": None}, "needs a queue"),
    ],
)
def test_what_the_service_would_refuse_is_refused_before_it_is_asked(
    fake: FakeBatch, engine: AzureEngine, fields: dict[str, object], message: str
) -> None:
    given = {"name": "bad", "command": ["true"], "job_queue": "run", **fields}
    with pytest.raises(InvalidJob, match=message) as caught:
        engine.check([Job(**given)])  # type: ignore[arg-type]
    assert caught.value.field == next(iter(fields))
    assert not any(call.startswith("POST") for call in fake.calls)


def test_a_pool_of_containers_without_an_image_needs_one_of_the_job(fake: FakeBatch, access: object) -> None:
    fake.service.add_pool("bare", images=["x"])
    machine = fake.service.pools["bare"].properties["deploymentConfiguration"]["virtualMachineConfiguration"]
    machine["containerConfiguration"]["containerImageNames"] = []
    engine = AzureEngine(access, pool="bare")  # type: ignore[arg-type]
    with pytest.raises(InvalidJob, match="holds no image: give the job an image"):
        engine.check([job("a").bound("run", ())])


def test_ids_of_attempts_are_told_from_those_of_other_work() -> None:
    first = first_id(job("a"))
    assert [number_of(first, next_id(first, number)) for number in (1, 2, 30)] == [1, 2, 30]
    assert [number_of(first, other) for other in (f"{first}-x", f"{first}2", "b", f"{first}-")] == [None] * 4
    assert number_of(first, first.upper()) == 1


def test_a_job_id_names_its_azure_job_and_its_task() -> None:
    place = place_of("run/align-1")
    assert place is not None
    assert (place.azure_job, place.task, place.job_id) == ("run", "align-1", "run/align-1")
    assert [place_of(text) for text in ("run", "run/", "/a", "a/b/c", "a/b c", "x" * 65 + "/a")] == [None] * 6


def test_an_unknown_name_is_answered_with_the_nearest_or_with_those_there_are() -> None:
    assert nearest("Testpool", ["test-pool", "other"]) == "; did you mean 'test-pool'?"
    assert nearest("zzz", ["b", "a"]) == "; there are: a, b"
    assert nearest("zzz", []) == "; there are none yet"


@pytest.mark.slow
def test_the_environment_is_the_jobs(engine: AzureEngine, tmp_path: Path) -> None:
    variables = {"PLAIN": "x", "ODD": "a=b 'c' \"d\" \\e\nf", "EMPTY": ""}
    program = "import json, os; print(json.dumps([os.environ.get(n) for n in ('PLAIN', 'ODD', 'AZ_BATCH_JOB_ID')]))"
    ids = submit(engine, job("env", [sys.executable, "-c", program], environment=variables))
    ended(engine, ids)
    assert json.loads("".join(engine.logs(ids[0]))) == ["x", variables["ODD"], "run"]
