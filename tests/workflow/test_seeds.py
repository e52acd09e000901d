"""Every code block of the documentation that users of ezbatch know, run with only the package's name changed."""

from __future__ import annotations

import ast
import inspect
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import batch_helpers.workflow
from batch_helpers.engine_helpers import AWSBatchHelper
from batch_helpers.s3 import S3Mounts
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow
from tests.workflow.conftest import Account

SEEDS = Path(__file__).parent / "seeds"
_FENCED = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ATTRIBUTE = re.compile(r"^ {4}(\w+) ?: ", re.MULTILINE)


def blocks(name: str) -> list[str]:
    """The code of a document, its imports renamed."""
    return [text.replace("ezbatch.", "batch_helpers.") for text in _FENCED.findall((SEEDS / name).read_text())]


MODULE = blocks("ezbatch-workflow-module.md")
GUIDE = blocks("ezbatch-workflows.md")
SIGNATURES = [text for text in MODULE if re.match(r"(@\w+\n)?(def|class) ", text)]
EXAMPLES = [text for text in MODULE if text not in SIGNATURES]


def run(text: str, names: dict[str, Any]) -> None:
    exec(compile(text, "<documentation>", "exec"), names)


def test_no_block_is_overlooked() -> None:
    """The architecture has drawings only; the module's page 7 signatures and 5 examples; the guide 5 examples."""
    assert blocks("ezbatch-architecture.md") == []
    assert (len(SIGNATURES), len(EXAMPLES), len(GUIDE)) == (7, 5, 5)


@pytest.mark.parametrize("text", [text for text in SIGNATURES if "class " not in text.partition("\n")[0]])
def test_documented_signatures_are_kept_to_the_letter(text: str) -> None:
    documented = ast.parse(text).body[0]
    assert isinstance(documented, ast.FunctionDef)
    owner = EZBatchJob if documented.name == "to_definition" else EZBatchWorkflow
    method = inspect.getattr_static(owner, documented.name)
    ours = inspect.signature(getattr(method, "__func__", method))
    parameters = list(ours.parameters.values())
    defaults = {item.name: item.default for item in parameters if item.default is not inspect.Parameter.empty}
    wanted = documented.args.args
    assert [item.name for item in parameters[: len(wanted)]] == [item.arg for item in wanted]
    assert [item.annotation for item in parameters[: len(wanted)]][1:] == [
        ast.unparse(item.annotation) if item.annotation else None for item in wanted
    ][1:]
    given = dict(zip([item.arg for item in reversed(wanted)], reversed(documented.args.defaults), strict=False))
    assert {name: defaults[name] for name in given} == {name: ast.literal_eval(value) for name, value in given.items()}
    assert all(item.kind is inspect.Parameter.KEYWORD_ONLY for item in parameters[len(wanted) :])
    if documented.returns:
        assert ours.return_annotation == ast.unparse(documented.returns)


@pytest.mark.parametrize("text", [text for text in SIGNATURES if "class " in text.partition("\n")[0]])
def test_documented_classes_take_their_attributes_in_the_documented_order(text: str) -> None:
    documented = ast.parse(text).body[0]
    assert isinstance(documented, ast.ClassDef)
    attributes = _ATTRIBUTE.findall(ast.get_docstring(documented, clean=False) or "")
    ours = list(inspect.signature(getattr(batch_helpers.workflow, documented.name)).parameters)
    assert ours[: len(attributes)] == attributes
    assert len(attributes) >= 3


class TestOnMoto:
    """The blocks as they stand, one after the other, on AWS by moto."""

    pytestmark = pytest.mark.slow

    @pytest.fixture(autouse=True)
    def _here(self, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def check_submitted(self, account: Account, times: int) -> None:
        """Each time one job after the other, with their definitions left for the next time."""
        jobs: list[Any] = [account.job(job_id) for job_id in account.jobs()]
        names = sorted(job["jobName"].rpartition("-")[0] for job in jobs)
        assert names == ["example-workflow-job1"] * times + ["example-workflow-job2"] * times
        commands = {tuple(job["container"]["command"]) for job in jobs}
        assert commands == {("/bin/sh", "-c", "echo Job 1"), ("/bin/sh", "-c", "echo Job 2")}
        assert len(account.definitions) == 1

    def test_the_guide(self, account: Account) -> None:
        names: dict[str, Any] = {}
        run(GUIDE[0], names)
        job = names["job"]
        assert (job.vcpus, job.memory, job.platform, job.environment) == (2, 4096, "FARGATE", {"EXAMPLE_VAR": "value"})
        run(GUIDE[1], names)
        assert names["workflow"].dependencies == {"job2": ["job1"]}
        run(GUIDE[2], names)
        self.check_submitted(account, 1)
        run(GUIDE[3], names)
        assert Path("workflow.json").exists()
        run(GUIDE[4], names)
        assert names["loaded_workflow"] == names["workflow"]
        self.check_submitted(account, 2)  # moto has ended the first ones, and they leave no outputs: they run again

    def test_the_modules_page(self, account: Account) -> None:
        names: dict[str, Any] = {}
        run(EXAMPLES[0], names)
        assert names["job"] == EZBatchJob("public.ecr.aws/ubuntu/ubuntu:22.04", "echo hello, world!")
        run(EXAMPLES[1], names)
        assert names["job"].expected == ("s3://my-bucket/output/_SUCCESS",)
        for text in EXAMPLES[2:]:
            run(text, names)
        self.check_submitted(account, 2)
        names["loaded_workflow"].submit(keep_definitions=False, queue="my-job-queue")
        assert len(account.definitions) == 1  # registered by an earlier call, so not this one's to remove


@pytest.mark.slow
class TestOnServe:
    """The blocks with jobs that really run: on an AWS Batch endpoint of this machine, with S3 on loopback."""

    def logs(self, ids: dict[str, str | None]) -> dict[str, list[str]]:
        engine = AWSBatchHelper().engine
        return {name: list(engine.logs(job_id or "")) for name, job_id in ids.items()}

    def finished(self, workflow: EZBatchWorkflow) -> dict[str, list[str]]:
        helper = AWSBatchHelper(stdout=io.StringIO())
        ids = workflow.submit(queue="my-job-queue", engine=helper)
        assert workflow.monitor(interval=0.2).exit_code == 0, self.logs(ids)
        return self.logs(ids)

    def test_the_guides_workflow_runs_in_its_order(self, served: Any) -> None:
        names: dict[str, Any] = {}
        for text in GUIDE[:2]:
            run(text, names)
        assert self.finished(names["workflow"]) == {"job1": ["Job 1"], "job2": ["Job 2"]}

    @pytest.mark.parametrize("text", [GUIDE[0], EXAMPLES[1]], ids=["guide", "module"])
    def test_a_job_with_mounts_reads_and_writes_s3(self, served: Any, tmp_path: Path, text: str) -> None:
        """The container's /mnt is a folder here; the guide's job is given what it lacks to copy its mounts."""
        served.put_object(Bucket="my-bucket", Key="input/a.txt", Body=b"hello")
        names: dict[str, Any] = {}
        run(text.replace("/mnt/", f"{tmp_path}/mnt/"), names)
        copy = f" cp {tmp_path}/mnt/*/a.txt {tmp_path}/mnt/output/b.txt"
        job = replace(names["job"], command=f"{names['job'].command};{copy}".replace(";;", ";"), preloader=True)
        said = self.finished(EZBatchWorkflow("example", {"job": job}))["job"]
        assert "hello, world!" in said
        made = [item["Key"] for item in served.list_objects_v2(Bucket="my-bucket")["Contents"]]
        assert made == ["input/a.txt", "output/_SUCCESS", "output/b.txt"]
        workflow = EZBatchWorkflow("example", {"job": job})
        assert workflow.submit(queue="my-job-queue", engine=AWSBatchHelper()) == {"job": None}


def test_the_documented_mounts_become_s3mounts() -> None:
    names: dict[str, Any] = {}
    run(GUIDE[0], names)
    assert isinstance(names["job"].mounts, S3Mounts)
    assert [mount.source for mount in names["job"].mounts.reads] == ["s3://my-bucket/input"]
