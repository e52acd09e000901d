"""The multi-container form: the user's image is left as it is, and the AWS CLI's own image copies around it."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from batch_helpers.engine_helpers import AWSBatchHelper
from batch_helpers.errors import InvalidJob
from batch_helpers.s3 import S3Mounts
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow
from batch_helpers.workflow.definitions import Roles, content
from tests.workflow.conftest import World
from tests.workflow.test_definitions import ROLES, valid

READ = {"source": "s3://bucket/in", "destination": "/mnt/in", "recursive": True}
AWS_CLI = "public.ecr.aws/aws-cli/aws-cli:latest"


def staged(root: str = "/mnt", **fields: Any) -> EZBatchJob:
    mounts = S3Mounts(
        read=[
            {"source": "s3://bucket/in", "destination": f"{root}/in", "recursive": True},
            {"source": "s3://bucket/ref.fa", "destination": f"{root}/in/ref/ref.fa"},
        ],
        write=[
            {"source": f"{root}/out", "destination": "s3://bucket/out", "recursive": True, "sse": "AES256"},
            {"source": f"{root}/log/run.log", "destination": "s3://bucket/run.log"},
        ],
    )
    given: dict[str, Any] = {"image": "tool", "command": ["--threads", "4"], "mounts": mounts, "stager": AWS_CLI}
    return EZBatchJob(**{**given, "platform": "EC2", **fields})


def task(job: EZBatchJob) -> Any:
    held = content(job, ROLES)
    assert valid(held)
    return held["ecsProperties"]["taskProperties"][0]


def test_each_container_starts_when_the_one_before_has_succeeded() -> None:
    containers = task(staged())["containers"]
    names = [item["name"] for item in containers]
    assert names == ["before0", "before1", "before2", "main", "after0", "after1", "after2", "after3"]
    for before, after in pairwise(containers):
        assert after["dependsOn"] == [{"containerName": before["name"], "condition": "SUCCESS"}]
    assert [item["essential"] for item in containers] == [False] * 7 + [True]


def test_the_image_gets_its_own_words_so_its_entrypoint_stays() -> None:
    main = next(item for item in task(staged(environment={"A": "1"}))["containers"] if item["name"] == "main")
    assert (main["image"], main["command"]) == ("tool", ["--threads", "4"])
    assert main["environment"] == [{"name": "A", "value": "1"}]


def test_the_copies_are_words_for_the_aws_clis_entrypoint() -> None:
    copies = [item["command"] for item in task(staged())["containers"] if item["name"] != "main"]
    assert copies[0] == ["s3", "ls", "s3://bucket/in/"]
    assert copies[1][:4] == ["s3", "cp", "s3://bucket/in", "/mnt/in"]
    assert copies[3] == ["s3", "rm", "s3://bucket/out/_SUCCESS"]
    assert copies[6] == [
        *["s3api", "put-object", "--bucket", "bucket", "--key", "out/_SUCCESS"],
        *["--server-side-encryption", "AES256"],
    ]


def test_all_containers_share_the_folders_of_the_mounts() -> None:
    made = task(staged())
    folders = [point["containerPath"] for point in made["containers"][0]["mountPoints"]]
    assert folders == ["/mnt/in", "/mnt/log", "/mnt/out"]
    assert [volume["name"] for volume in made["volumes"]] == ["mount0", "mount1", "mount2"]
    assert all(item["mountPoints"] == made["containers"][0]["mountPoints"] for item in made["containers"])


def test_on_fargate_the_whole_task_takes_what_the_job_asks_for() -> None:
    containers = task(staged(platform="FARGATE", vcpus=4, memory=8192))["containers"]
    needs = [{item["type"]: float(item["value"]) for item in each["resourceRequirements"]} for each in containers]
    assert sum(need["VCPU"] for need in needs) == 4
    assert sum(need["MEMORY"] for need in needs) == 8192


def test_a_fargate_job_too_small_to_share_is_refused() -> None:
    with pytest.raises(InvalidJob, match=r"7 copying containers take 1.75 vCPUs and 3584 MiB of it: give it more"):
        content(staged(platform="FARGATE"), ROLES)


def test_more_copies_than_a_task_takes_containers_are_refused() -> None:
    reads = [{"source": f"s3://bucket/{n}", "destination": f"/mnt/{n}/x"} for n in range(10)]
    with pytest.raises(InvalidJob, match="11 containers, and a task takes 10"):
        content(EZBatchJob("tool", ["x"], mounts=S3Mounts(read=reads), stager=AWS_CLI, platform="EC2"), Roles())


def test_a_mount_straight_under_the_root_is_refused() -> None:
    mounts = S3Mounts(read=[{"source": "s3://bucket/x", "destination": "/x"}])
    with pytest.raises(InvalidJob, match="containers cannot share /"):
        content(EZBatchJob("tool", ["x"], mounts=mounts, stager=AWS_CLI, platform="EC2"), Roles())


def test_on_an_engine_without_definitions_the_preloader_does_the_same(world: World) -> None:
    EZBatchWorkflow("w", {"a": staged()}).submit(engine=world.script())
    made = world.engine.submitted[0]
    assert "s3://bucket/out/_SUCCESS" in made.environment["EZBATCH_S3_MOUNTS"]
    assert made.outputs == ("s3://bucket/out/_SUCCESS", "s3://bucket/run.log")


def log_of(summary: Any) -> list[list[str]]:
    engine = AWSBatchHelper().engine
    return [list(engine.logs(item.job_id)) for item in summary.failed]


@pytest.mark.slow
class TestOnServe:
    """Containers as processes that share volumes, with the real AWS CLI, against an S3 on loopback."""

    @pytest.fixture(autouse=True)
    def _aws(self, served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        served.create_bucket(Bucket="bucket")
        served.put_object(Bucket="bucket", Key="in/a b", Body=b"hello")
        served.put_object(Bucket="bucket", Key="in/_SUCCESS")

    def job(self, command: str, name: str) -> EZBatchJob:
        mounts = S3Mounts(
            read=[{"source": "s3://bucket/in", "destination": "/mnt/in", "recursive": True}],
            write=[{"source": "/mnt/out", "destination": f"s3://bucket/{name}", "recursive": True}],
        )
        return EZBatchJob("tool", command, mounts=mounts, stager=AWS_CLI, vcpus=2, memory=4096)

    def run(self, workflow: EZBatchWorkflow) -> Any:
        workflow.submit(queue="my-job-queue", engine=AWSBatchHelper(stdout=io.StringIO()))
        return workflow.monitor(interval=0.2)

    def test_data_come_in_results_go_out_and_the_second_submit_runs_nothing(self, served: Any) -> None:
        job = self.job("test ! -e /mnt/in/_SUCCESS && tr a-z A-Z <'/mnt/in/a b' >/mnt/out/c", "out")
        workflow = EZBatchWorkflow("w", {"a": job})
        summary = self.run(workflow)
        assert summary.exit_code == 0, log_of(summary)
        assert served.get_object(Bucket="bucket", Key="out/c")["Body"].read() == b"HELLO"
        assert served.get_object(Bucket="bucket", Key="out/_SUCCESS")["Body"].read() == b""
        assert EZBatchWorkflow("w", {"a": job}).submit(queue="my-job-queue") == {"a": None}

    def test_what_fails_in_the_middle_leaves_nothing_and_says_so(self, served: Any) -> None:
        lost = self.job("true", "lost")
        lost = replace(lost, mounts=replace(lost.mounts, read=[{**READ, "source": "s3://bucket/nowhere"}]))
        summary = self.run(EZBatchWorkflow("w", {"bad": self.job("echo broken; exit 3", "bad"), "lost": lost}))
        assert summary.exit_code == 1
        made = {item["Key"] for item in served.list_objects_v2(Bucket="bucket")["Contents"]}
        assert made == {"in/a b", "in/_SUCCESS"}
        assert sorted((item.short_name, item.exit_code) for item in summary.failed) == [("w-bad", 3), ("w-lost", 1)]
        assert any("[main] broken" in lines for lines in log_of(summary))
