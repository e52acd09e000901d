"""Importing costs nothing: no SDK, no pandas, no terminal library, no call, no region."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "boto3",
    "botocore",
    "pandas",
    "rich",
    "tabulate",
    "tenacity",
    "psutil",
    "textual",
    "sqlite3",
    "azure",
    "click",
)


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return set(run.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not loaded_by("import batch_helpers") & {*HEAVY, "dataclasses", "json"}


@pytest.mark.parametrize(
    "name", ["Job", "AzureBatchHelper", "AWSBatchHelper", "LocalBatchHelper", "connect", "read_samples", "jobs_from"]
)
def test_a_public_name_loads_nothing_heavy(name: str) -> None:
    assert not loaded_by(f"from batch_helpers import {name}") & set(HEAVY)


def test_making_helpers_makes_no_call_and_needs_no_region() -> None:
    made = "from batch_helpers import *\nAWSBatchHelper('q')\nAzureBatchHelper()\nLocalBatchHelper()"
    assert not loaded_by(made) & {"boto3", "pandas", "rich"}


def test_what_the_package_does_not_have_is_an_ordinary_attribute_error() -> None:
    import batch_helpers

    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        batch_helpers.nope  # noqa: B018
    assert "add_job" in dir(batch_helpers.AWSBatchHelper)
    assert "Job" in dir(batch_helpers)
