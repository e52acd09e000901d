"""`batch-helpers pool create|list|delete`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from batch_helpers.cli.pool import command
from tests.azure.fake_batch import ACCOUNT, GROUP, IDENTITY, SUBSCRIPTION, FakeBatch


@pytest.fixture
def account(fake: FakeBatch, monkeypatch: pytest.MonkeyPatch) -> FakeBatch:
    for name, value in {
        "AZURE_BATCH_ACCOUNT": ACCOUNT,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "AZURE_RESOURCE_GROUP_NAME": GROUP,
        "AZURE_RESOURCE_MANAGER_ENDPOINT": fake.url,
        "AZURE_BLOB_STORAGE_ACCOUNT": "blobs",
        "AZURE_USER_ASSIGNED_IDENTITY": "/identities/i",
        "IDENTITY_ENDPOINT": f"{fake.url}/identity",
        "IDENTITY_HEADER": IDENTITY,
    }.items():
        monkeypatch.setenv(name, value)
    return fake


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_a_pool_is_created_once_listed_and_deleted(account: FakeBatch) -> None:
    options = ["--vm-size", "medium", "--image", "python:3.12", "--mount", "input-test=input", "--mount", "output-test"]
    assert run("create", "new", *options).output == "pool new: created\n"
    assert run("create", "new", *options).output == "pool new: exists\n"
    made = account.service.pools["new"].properties
    mounted = [item["azureBlobFileSystemConfiguration"] for item in made["mountConfiguration"]]
    assert [item["relativeMountPath"] for item in mounted] == ["input", "output-test"]
    assert mounted[0]["identityReference"] == {"resourceId": "/identities/i"}
    listed = run("list")
    assert [line.split()[0] for line in listed.output.splitlines()[2:]] == ["empty", "new", "pool"]
    assert {"name": "new", "vm_size": "Standard_D8ads_v5"}.items() <= json.loads(run("list", "--json").output)[
        1
    ].items()
    assert run("delete", "new", "--yes").output == "pool new: deleted\n"
    assert "new" not in account.service.pools


def test_a_fixed_pool_and_a_formula_of_ones_own(account: FakeBatch, tmp_path: Path) -> None:
    run("create", "fixed", "--spot", "3", "--slots", "2", "--zonal")
    assert account.service.pools["fixed"].properties["scaleSettings"]["fixedScale"]["targetLowPriorityNodes"] == 3
    (tmp_path / "formula").write_text("$TargetDedicatedNodes = 1;")
    run("create", "own", "--formula", str(tmp_path / "formula"))
    assert (
        account.service.pools["own"].properties["scaleSettings"]["autoScale"]["formula"] == "$TargetDedicatedNodes = 1;"
    )


def test_errors_are_one_line_and_exit_2(account: FakeBatch) -> None:
    run("create", "new")
    other = run("create", "new", "--vm-size", "large")
    assert other.exit_code == 2
    assert other.output.startswith("batch-helpers pool: pool 'new' exists and differs: vmSize:")
    assert run("create", "new", "--vm-size", "large", "--replace").output == "pool new: replaced\n"
    gone = run("delete", "nwe", "--yes")
    assert (gone.exit_code, gone.output) == (2, "batch-helpers pool: pool 'nwe' does not exist; did you mean 'new'?\n")
    assert run("create", "bad name").exit_code == 2


def test_deleting_asks_first(account: FakeBatch) -> None:
    assert CliRunner().invoke(command, ["delete", "pool"], input="n\n").exit_code == 1
    assert "pool" in account.service.pools


def test_help_needs_no_account() -> None:
    for arguments in (["--help"], ["create", "--help"], ["list", "--help"], ["delete", "--help"]):
        assert run(*arguments).exit_code == 0
    assert run("list").output.startswith("batch-helpers pool: could not list the pools: resource_group is not known")
