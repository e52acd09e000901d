"""Each peer: how it is set up, and how it is run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.world import BUCKET, FOLDER, QUEUE, SCRIPT, World

OURS = "batch_helpers"

_HERE = Path(__file__).parent
_INSTALLED = _HERE.parents[1] / ".tools/clients"
_SHARED = ["sh", "-c", f'{SCRIPT}/"$1"', "sh", "Ref::out"]

_LUIGI = f"""
import sys
import luigi
from luigi.contrib.batch import BatchTask
from luigi.contrib.s3 import S3Target

class Work(BatchTask):
    number = luigi.IntParameter()
    job_definition = "work"
    poll_time = 1

    def output(self):
        return S3Target(f"s3://{BUCKET}/{FOLDER}/{{self.number}}.txt")

    @property
    def parameters(self):
        return {{"out": f"{BUCKET}/{FOLDER}/{{self.number}}.txt"}}

tasks = [Work(number=number) for number in range(int(sys.argv[1]))]
sys.exit(0 if luigi.build(tasks, local_scheduler=True, workers=20, log_level="WARNING") else 1)
"""

_REDUN = f"""
from redun import File, script, task

redun_namespace = "peers"

@task()
def work(number: int) -> File:
    output = File(f"s3://{BUCKET}/{FOLDER}/{{number}}.txt")
    return script("echo done > out.txt", executor="batch", outputs=output.stage("out.txt"))

@task()
def main(jobs: int):
    return [work(number) for number in range(jobs)]
"""

_REDUN_INI = f"""
[executors.batch]
type = aws_batch
image = busybox
queue = {QUEUE}
s3_scratch = s3://{BUCKET}/redun/
role = arn:aws:iam::123456789012:role/job
job_monitor_interval = 1
memory = 1
min_array_size = 0
"""

_SNAKEFILE = f"""
rule all:
    input: expand("{FOLDER}/{{number}}.txt", number=range(int(config["jobs"])))

rule work:
    output: "{FOLDER}/{{number}}.txt"
    shell: "echo done > {{output}}"
"""

_EZBATCH = f"""
import sys
from ezbatch.workflow import EZBatchJob, EZBatchWorkflow

jobs = {{
    f"work{{number}}": EZBatchJob(
        image="busybox", command=f"sh put.sh {BUCKET}/{FOLDER}/{{number}}.txt", platform="EC2"
    )
    for number in range(int(sys.argv[1]))
}}
EZBatchWorkflow(name="flow", jobs=jobs, dependencies={{}}).submit(queue="{QUEUE}")
"""


@dataclass(frozen=True)
class Client:
    """A peer. tools: what it needs of .tools/clients, and whose programs its jobs need."""

    tools: Sequence[str]
    prepare: Callable[[World, int], None]
    command: Callable[[World, int], list[str]]

    @property
    def programs(self) -> list[Path]:
        return [_bin(name) for name in self.tools]

    @property
    def is_installed(self) -> bool:
        return all((_INSTALLED / name / "installed").exists() for name in self.tools)

    def run(self, place: World, jobs: int, patience: float) -> bool:
        """Run it, at the most for so many seconds; whether it has ended by then."""
        try:
            done = subprocess.run(
                self.command(place, jobs),
                env=place.environment,
                cwd=place.folder,
                capture_output=True,
                text=True,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        if done.returncode:
            raise RuntimeError(f"{self.command(place, jobs)[0]} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return True


def _bin(name: str) -> Path:
    return _INSTALLED / name / "bin"


def _shared(place: World, _: int) -> None:
    place.define(_SHARED)


def _with_file(name: str, text: str, *, shared: bool = False) -> Callable[[World, int], None]:
    def prepare(place: World, jobs: int) -> None:
        (place.folder / name).write_text(text)
        if shared:
            _shared(place, jobs)

    return prepare


def _redun(place: World, _: int) -> None:
    (place.folder / ".redun").mkdir()
    (place.folder / ".redun/redun.ini").write_text(_REDUN_INI)
    (place.folder / "workflow.py").write_text(_REDUN)


def _ezbatch(place: World, _: int) -> None:
    (place.folder / "put.sh").write_text(f'{SCRIPT}/"$1"\n')
    text = _EZBATCH.replace("put.sh", str(place.folder / "put.sh"))
    (place.folder / "submit.py").write_text(text)


def _snakemake(place: World, jobs: int) -> list[str]:
    words = ["--executor", "aws-batch", "--jobs", "20", "--config", f"jobs={jobs}"]
    words += ["--aws-batch-region", "us-east-1", "--aws-batch-job-queue", QUEUE, "--aws-batch-job-role", "r"]
    words += ["--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}"]
    words += ["--storage-s3-endpoint-url", place.s3, "--seconds-between-status-checks", "1"]
    words += ["--storage-s3-access-key", "testing", "--storage-s3-secret-key", "testing"]
    return [str(_bin("snakemake") / "snakemake"), *words]


CLIENTS = {
    OURS: Client((), _shared, lambda _, jobs: [sys.executable, str(_HERE / "ours.py"), str(jobs)]),
    "origin": Client((), _shared, lambda _, jobs: [sys.executable, str(_HERE / "origin.py"), str(jobs)]),
    "luigi": Client(
        ["luigi"],
        _with_file("tasks.py", _LUIGI, shared=True),
        lambda _, jobs: [str(_bin("luigi") / "python"), "tasks.py", str(jobs)],
    ),
    "ezbatch": Client(["ezbatch"], _ezbatch, lambda _, jobs: [str(_bin("ezbatch") / "python"), "submit.py", str(jobs)]),
    "redun": Client(
        ["redun", "awscli"],
        _redun,
        lambda _, jobs: [str(_bin("redun") / "redun"), "run", "workflow.py", "main", "--jobs", str(jobs)],
    ),
    "snakemake": Client(["snakemake"], _with_file("Snakefile", _SNAKEFILE), _snakemake),
}
