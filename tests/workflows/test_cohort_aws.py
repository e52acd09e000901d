"""workflows/cohort.py with --engine aws, against moto as a server: it submits, reuses and skips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from batch_helpers.aws_client import AWSAccess
from tests.engines.aws.account import furnish, moto_batch_without_docker, moto_jobs
from tests.servers import moto_server, session
from tests.workflows.scripts import Script, script

pytestmark = pytest.mark.slow

STATES = ("AL", "AK", "AZ")
OUTPUTS = [
    *(f"epidemic/curves/{state}.csv" for state in STATES),
    *(f"epidemic/summaries/{state}.json" for state in STATES),
    "epidemic/national.tsv",
]


@pytest.fixture
def access() -> Iterator[AWSAccess]:
    with moto_server() as url:
        moto_batch_without_docker(url)
        access = AWSAccess(session=session(), endpoint_url=url)
        furnish(access, queues=["spot"], definitions=["epidemic"])
        access.client("s3").create_bucket(Bucket="bucket")
        yield access


@pytest.fixture
def cohort(tmp_path: Path) -> Script:
    (tmp_path / "three.csv").write_text("sample,population\n" + "".join(f"{state},5000\n" for state in STATES))
    return script("cohort.py", tmp_path, AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing")


def options(access: AWSAccess, **changed: str | None) -> list[str]:
    given: dict[str, str | None] = {
        "engine": "aws",
        "samples": "three.csv",
        "outputs": "s3://bucket/epidemic",
        "queue": "spot",
        "job-definition": "epidemic",
        "region": "us-east-1",
        "endpoint-url": access.endpoint_url,
        "interval": "0.2",
        **changed,
    }
    return [f"--{name}={value}" for name, value in given.items() if value is not None]


def put(access: AWSAccess, keys: Iterable[str]) -> None:
    for key in keys:
        access.client("s3").put_object(Bucket="bucket", Key=key, Body=b"x")


def test_it_submits_reuses_and_skips(cohort: Script, access: AWSAccess) -> None:
    first = cohort.run(*options(access))
    jobs = moto_jobs()
    assert first.counts[:3] == (0, 0, 7), first
    assert sorted(job.job_name.rsplit("-", 1)[0] for job in jobs.values()) == sorted(
        [*(f"{stage}-{state}" for stage in ("simulate", "summarise") for state in STATES), "gather"]
    )
    assert first.code == 1, "on moto jobs succeed without running, so their outputs are missing"
    assert first.stdout.count("missing outputs: s3://bucket/epidemic/") == 7

    for job in jobs.values():
        job.status = "RUNNING"
    with cohort.started(*options(access)) as process:
        assert process.stdout is not None
        assert any(line.startswith("total") for line in process.stdout), "it ended before it had shown a table"
        put(access, OUTPUTS)
        for job in jobs.values():
            job.status = "SUCCEEDED"
        stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert "0 skipped, 7 reused, 0 submitted: 7 succeeded, 0 failed" in stdout

    third = cohort.run(*options(access))
    assert (third.code, third.counts) == (0, (7, 0, 0, 0, 0)), third
    assert len(moto_jobs()) == 7


def test_what_is_missing_in_the_bucket_is_submitted_and_nothing_else(cohort: Script, access: AWSAccess) -> None:
    put(access, set(OUTPUTS) - {"epidemic/summaries/AK.json"})

    ended = cohort.run(*options(access))

    assert ended.counts[:3] == (5, 0, 2), ended
    assert sorted(job.job_name.rsplit("-", 1)[0] for job in moto_jobs().values()) == ["gather", "summarise-AK"]


def test_jobs_run_the_step_of_the_image_with_the_outputs_of_the_bucket(cohort: Script, access: AWSAccess) -> None:
    cohort.run(*options(access, image="epidemic:1", **{"job-definition": None}))

    ids = [job_id for job_id, job in moto_jobs().items() if job.job_name.startswith("simulate-AL-")]
    [described] = access.client("batch").describe_jobs(jobs=ids)["jobs"]
    made = [described["jobDefinition"]]
    [definition] = access.client("batch").describe_job_definitions(jobDefinitions=made)["jobDefinitions"]
    assert definition["containerProperties"]["image"] == "epidemic:1"
    curve = "s3://bucket/epidemic/curves/AL.csv"
    assert described["container"]["command"] == ["python3", "workflows/epidemic.py", "simulate", "AL", "5000", curve]
    [gather] = [job_id for job_id, job in moto_jobs().items() if job.job_name.startswith("gather-")]
    upstream = access.client("batch").describe_jobs(jobs=[gather])["jobs"][0]["dependsOn"]
    assert len(upstream) == 3


def test_a_dry_run_submits_nothing(cohort: Script, access: AWSAccess) -> None:
    ended = cohort.run(*options(access, outputs="s3://bucket/epidemic/"), "--dry-run")

    assert ended.code == 0
    assert "simulate-AL: submit: outputs missing: s3://bucket/epidemic/curves/AL.csv (1 of 1)" in ended.stdout
    assert not moto_jobs()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"queue": None}, "queue"),
        ({"queue": "none"}, "'none'"),
        ({"job-definition": "none"}, "'none'"),
        ({"job-definition": None}, "job_definition"),
        ({"image": "epidemic"}, "either image or job_definition"),
        ({"outputs": "s3://nobody/epidemic"}, "nobody"),
        ({"outputs": "results"}, "--outputs s3://bucket/prefix"),
        ({"region": "not a region"}, "not a region"),
        ({"region": None}, "region"),
        ({"profile": "nobody"}, "nobody"),
        ({"endpoint-url": "nowhere"}, "nowhere"),
        ({"endpoint-url": "http://127.0.0.1:9"}, "check the network, the region and the endpoint"),
        ({"interval": "-1"}, "interval"),
    ],
)
def test_bad_input_is_told_before_anything_is_submitted(
    cohort: Script, access: AWSAccess, changed: dict[str, str | None], problem: str
) -> None:
    ended = cohort.run(*options(access, **changed))

    assert ended.code == 2, ended
    assert problem in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not moto_jobs()


def test_without_credentials_it_says_so(tmp_path: Path, cohort: Script, access: AWSAccess) -> None:
    ended = script("cohort.py", tmp_path).run(*options(access))

    assert ended.code == 2
    assert "credentials" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not moto_jobs()
