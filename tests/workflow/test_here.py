"""A workflow on this machine: no container, no S3 unless one is wanted, and jobs that never meet in /mnt."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.engine_helpers import LocalBatchHelper
from batch_helpers.errors import InvalidJob
from batch_helpers.job import Status
from batch_helpers.s3 import S3Mounts
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow
from batch_helpers.workflow.here import on_this_machine

BUCKETS = {"my-bucket": "buckets/mine"}


def job(command: str | list[str], **fields: Any) -> EZBatchJob:
    mounts = S3Mounts(
        read=[{"source": "s3://my-bucket/in", "destination": "/mnt/data", "recursive": True}],
        write=[{"source": "/mnt/out", "destination": "s3://my-bucket/out", "recursive": True}],
    )
    return EZBatchJob("ubuntu", command, **{"mounts": mounts, "preloader": True, **fields})


def placed(made: EZBatchJob) -> dict[str, Any]:
    return on_this_machine(made, {}, "/scratch", {"my-bucket": "/buckets"})


def folder(made: EZBatchJob) -> str:
    scratch: str = placed(made)["environment"]["EZBATCH_SCRATCH"]
    return scratch


@pytest.mark.parametrize(
    "command",
    [
        "ls /mnt/data",
        "ls '/mnt/data/a b' | sort >/mnt/out/x;cat /mnt/out",
        "tool --in=/mnt/data --out=/mnt/out,/mnt/data/",
        'cd "/mnt/data"',
        "(cd /mnt/data)",
    ],
)
def test_the_containers_paths_lie_in_the_jobs_own_folder(command: str) -> None:
    made = job(command)
    here = folder(made)
    expected = command.replace("/mnt/", f"{here}/mnt/")
    assert placed(made)["environment"]["EZBATCH_COMMAND"] == expected


@pytest.mark.parametrize(
    "text", ["/mnt/data2", "/mnt/data-old", "/mnt/data.csv", "x/mnt/data", "/a/mnt/data", "/mnt", "mnt/data"]
)
def test_other_paths_stay_as_they_are(text: str) -> None:
    assert placed(job(f"ls {text}"))["environment"]["EZBATCH_COMMAND"] == f"ls {text}"


def test_environment_and_words_of_a_list_too() -> None:
    made = job(["cat", "/mnt/data/it's"], environment={"OUT": "/mnt/out", "N": "1"})
    environment = placed(made)["environment"]
    assert environment["OUT"] == f"{folder(made)}/mnt/out"
    assert environment["EZBATCH_COMMAND"] == f"""cat '{folder(made)}/mnt/data/it'"'"'s'"""


def test_a_file_mount_brings_its_folder_but_not_one_of_the_systems() -> None:
    mounts = S3Mounts(
        read=[
            {"source": "s3://my-bucket/a", "destination": "/mnt/ref/a.fa"},
            {"source": "s3://my-bucket/t", "destination": "/usr/bin/tool"},
            {"source": "s3://my-bucket/r", "destination": "/root.txt"},
        ]
    )
    made = job("cd /mnt/ref; /usr/bin/tool; /usr/bin/env; cat /root.txt", mounts=mounts)
    here = folder(made)
    expected = f"cd {here}/mnt/ref; {here}/usr/bin/tool; /usr/bin/env; cat {here}/root.txt"
    assert placed(made)["environment"]["EZBATCH_COMMAND"] == expected


def test_the_root_itself_is_refused_here() -> None:
    mounts = S3Mounts(read=[{"source": "s3://my-bucket/a", "destination": "/", "recursive": True}])
    with pytest.raises(InvalidJob, match="only a container can mount on /"):
        placed(job("ls", mounts=mounts))


def test_a_folder_that_needs_quotes_is_not_put_into_commands() -> None:
    made = on_this_machine(job("ls /mnt/data"), {}, "/home/it's me/.batch/mounts", {})
    assert "it's me" not in made["environment"]["EZBATCH_COMMAND"]


def test_without_the_preloader_the_command_stays_as_it_is() -> None:
    made = placed(job("ls /mnt/data", preloader=False))
    assert made["command"] == ["/bin/sh", "-c", "ls /mnt/data"]
    assert made["environment"] == {}


def test_a_bucket_that_is_a_folder_here_and_one_that_is_not() -> None:
    made = placed(job("x", outputs=["s3://other/x", "s3://my-bucket/deep/y"]))
    assert made["outputs"] == ["s3://other/x", "/buckets/deep/y"]
    assert made["inputs"] == ["/buckets/in"]


@pytest.mark.slow
class TestForReal:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("buckets/mine/in").mkdir(parents=True)
        Path("buckets/mine/in/a.txt").write_text("hello")

    def run(self, **jobs: EZBatchJob) -> tuple[EZBatchWorkflow, Any]:
        workflow = EZBatchWorkflow("w", jobs, local_buckets=BUCKETS)
        workflow.submit(engine=LocalBatchHelper(stdout=io.StringIO()))
        return workflow, workflow.monitor(interval=0.2)

    def test_mounts_are_copied_and_the_second_submit_runs_nothing(self) -> None:
        workflow, summary = self.run(a=job("cat /mnt/data/a.txt >/mnt/out/b.txt"))
        assert summary.exit_code == 0
        assert Path("buckets/mine/out/b.txt").read_text() == "hello"
        assert workflow.submit(engine=LocalBatchHelper()) == {"a": None}
        assert os.listdir(".batch/mounts") == []

    def test_jobs_that_use_one_path_do_not_meet_there(self) -> None:
        sweep = EZBatchWorkflow.sweep(
            EZBatchJob(
                "python",
                "test -z $(ls /mnt/model) && echo {n} >/mnt/model/{n} && sleep 0.3 && ls /mnt/model >/mnt/model/all",
                mounts=S3Mounts(
                    write=[{"source": "/mnt/model", "destination": "s3://my-bucket/{name}", "recursive": True}]
                ),
                preloader=True,
            ),
            over={"n": [1, 2, 3]},
        )
        sweep.local_buckets.update(BUCKETS)
        sweep.submit(engine=LocalBatchHelper(stdout=io.StringIO(), vcpus=3))
        assert sweep.monitor(interval=0.2).exit_code == 0
        for number in (1, 2, 3):
            found = sorted(os.listdir(f"buckets/mine/n-{number}"))
            assert found == sorted([str(number), "all", "_SUCCESS"])

    def test_a_job_that_is_cancelled_leaves_nothing_that_looks_complete(self) -> None:
        workflow = EZBatchWorkflow("w", {"a": job("touch /mnt/out/half started; sleep 600")}, local_buckets=BUCKETS)
        helper = LocalBatchHelper(stdout=io.StringIO())
        ids = workflow.submit(engine=helper)
        deadline = time.monotonic() + 30
        while not Path("started").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert workflow.cancel() == list(ids.values())
        assert workflow.monitor(interval=0.2).counts[Status.FAILED] == 1
        assert os.listdir("buckets/mine/out") == []
        assert os.listdir(".batch/mounts") == []

    def test_a_job_that_fails_says_why_in_its_log_and_uploads_nothing(self) -> None:
        _, summary = self.run(a=job("echo oops >&2; touch /mnt/out/x; exit 9", keep_failed="s3://my-bucket/failed"))
        assert summary.exit_code == 1
        detail = summary.failed[0]
        assert detail.exit_code == 9
        assert os.listdir("buckets/mine/out") == []
        kept = Path("buckets/mine/failed") / detail.job_id / "1"
        assert sorted(os.listdir(kept)) == ["log.txt", "out"]
        assert (kept / "log.txt").read_text() == "oops\n"

    def test_missing_input_fails_before_the_command(self) -> None:
        Path("buckets/mine/in/a.txt").unlink()
        _, summary = self.run(a=job("touch ran"))
        assert summary.failed[0].exit_code == 101
        assert not Path("ran").exists()

    def test_a_chain_passes_its_data_on(self) -> None:
        first = job("cp /mnt/data/a.txt /mnt/out/b.txt")
        second = EZBatchJob(
            "ubuntu",
            "tr a-z A-Z </mnt/b.txt >/mnt/c.txt",
            mounts=S3Mounts(
                read=[{"source": "s3://my-bucket/out/b.txt", "destination": "/mnt/b.txt"}],
                write=[{"source": "/mnt/c.txt", "destination": "s3://my-bucket/"}],
            ),
            preloader=True,
        )
        workflow = EZBatchWorkflow("w", {"first": first, "second": second}, {"second": ["first"]}, BUCKETS)
        workflow.submit(engine=LocalBatchHelper(stdout=io.StringIO()))
        assert workflow.monitor(interval=0.2).exit_code == 0
        assert Path("buckets/mine/c.txt").read_text() == "HELLO"
