"""redun's AWS Batch executor, with its scratch on S3."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_helpers.serve.endpoint import Endpoint
from tests.serve.clients.others import installed, run

pytestmark = pytest.mark.slow

_WORKFLOW = """
from redun import File, script, task

redun_namespace = "flow"

@task()
def align(sample: str) -> File:
    return script(
        f"echo aligned {sample} > out.txt",
        executor="batch",
        outputs=File(f"s3://bucket/{sample}.txt").stage("out.txt"),
    )

@task()
def gather(files: list) -> str:
    return "".join(sorted(file.read() for file in files))

@task()
def main() -> str:
    return gather([align(name) for name in ("s1", "s2")])
"""

_CONFIG = """
[executors.default]
type = local
max_workers = 2

[executors.batch]
type = aws_batch
image = busybox
queue = local
s3_scratch = s3://bucket/redun/
role = arn:aws:iam::123456789012:role/job
job_monitor_interval = 0.5
memory = 1
min_array_size = 0
"""


def test_script_tasks_run_as_jobs_and_are_remembered(
    environment: dict[str, str], batch_endpoint: Endpoint, tmp_path: Path
) -> None:
    programs = installed("redun")
    installed("awscli")  # redun's jobs copy their files with it
    (tmp_path / ".redun").mkdir()
    (tmp_path / ".redun/redun.ini").write_text(_CONFIG)
    (tmp_path / "workflow.py").write_text(_WORKFLOW)
    for _ in range(2):
        done = run([str(programs / "redun"), "run", "workflow.py", "main"], environment, tmp_path)
        assert "aligned s1\\naligned s2\\n" in done.stdout
    assert batch_endpoint.counters.requests["SubmitJob"] == 2
