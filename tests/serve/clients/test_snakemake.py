"""Snakemake with its AWS Batch plugin, with its files on S3."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batch_helpers.serve.endpoint import Endpoint
from tests.serve.clients.others import installed, run
from tests.serve.fixtures import client
from tests.servers import session

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

_SNAKEFILE = """
rule gather:
    input: "s1.txt"
    output: "all.txt"
    shell: "cat {input} > {output}"

rule sample:
    output: "s1.txt"
    shell: "echo sample one > {output}"
"""


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Snakemake's jobs call Snakemake, so the endpoint's jobs need it on their PATH."""
    programs = installed("snakemake")
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    return programs


def test_rules_run_as_jobs(
    programs: Path, environment: dict[str, str], batch_endpoint: Endpoint, cloud: str, tmp_path: Path
) -> None:
    (tmp_path / "flow").mkdir()
    (tmp_path / "flow/Snakefile").write_text(_SNAKEFILE)
    command = [str(programs / "snakemake"), "--executor", "aws-batch", "--jobs", "2", "all.txt"]
    command += ["--aws-batch-region", "us-east-1", "--aws-batch-job-queue", "local", "--aws-batch-job-role", "r"]
    command += ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://bucket/flow"]
    command += ["--storage-s3-endpoint-url", cloud, "--seconds-between-status-checks", "1"]
    command += ["--storage-s3-access-key", "testing", "--storage-s3-secret-key", "testing"]
    run(command, environment, tmp_path / "flow")
    body = session().client("s3", endpoint_url=cloud).get_object(Bucket="bucket", Key="flow/all.txt")["Body"]
    assert body.read() == b"sample one\n"
    listed = client(batch_endpoint).list_jobs(jobQueue="local", jobStatus="SUCCEEDED")["jobSummaryList"]
    assert len(listed) == 2
