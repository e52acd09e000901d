"""The examples of docs/workflows.md."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow
from batch_helpers.workflow.document import from_document
from tests.workflow.conftest import Account

TEXT = (Path(__file__).parents[2] / "docs/workflows.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_python_blocks_do_what_the_text_says(account: Account) -> None:
    account.s3.create_bucket(Bucket="my-bucket")
    first, with_stager, sweep = blocks("python")
    names: dict[str, Any] = {}
    with redirect_stdout(io.StringIO()):
        exec(first, names)
        assert names["align"].expected == ("s3://my-bucket/aligned/s1/_SUCCESS",)
        assert len(account.jobs()) == 1
        exec(with_stager, names)
        for trees in (10, 50, 100):
            for depth in (None, 5):
                key = f"sweep/n_estimators-{trees}-max_depth-{depth}.json"
                account.s3.put_object(Bucket="my-bucket", Key=key, Body=json.dumps({"accuracy": trees}).encode())
        exec(sweep, names)
    assert len(account.jobs()) == 1
    assert names["best"]["job"].startswith("n_estimators-100")


def test_the_json_block_is_a_workflow() -> None:
    call = EZBatchJob("ubuntu:22.04", ["echo", "call"])
    align = EZBatchJob("ubuntu:22.04", "echo align", vcpus=2, memory=4096)
    made = from_document(json.loads(blocks("json")[0]))
    assert made == EZBatchWorkflow("example", {"align": align, "call": call}, {"call": ["align"]})
