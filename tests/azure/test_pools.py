"""Pools are made once, compared, listed and deleted, through the unmodified resource manager's client."""

from __future__ import annotations

from typing import Any

import pytest

from batch_helpers.azure_client import AzureAccess
from batch_helpers.errors import CredentialsError, InvalidInput, NotFound
from batch_helpers.resources.azure import Mount, PoolManager, PoolSpec
from batch_helpers.resources.azure.body import differences, pool_body
from tests.azure.fake_batch import ACCOUNT, GROUP, SUBSCRIPTION, FakeBatch
from tests.azure.test_access import Token

IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
SETTINGS = {"batch_account": ACCOUNT, "subscription_id": SUBSCRIPTION, "resource_group": GROUP}


@pytest.fixture
def manager(fake: FakeBatch) -> PoolManager:
    given = {**SETTINGS, "management_endpoint": fake.url, "storage_account": "blobs", "storage_key": "a2V5"}
    return PoolManager(AzureAccess(given, credential=Token()), sleep=lambda seconds: None)


def properties(fake: FakeBatch, name: str) -> dict[str, Any]:
    return fake.service.pools[name].properties


def test_a_pool_is_made_and_the_second_time_it_exists(fake: FakeBatch, manager: PoolManager) -> None:
    spec = PoolSpec("new", vm_size="medium", slots=2)
    assert manager.create(spec) == "created"
    assert manager.create(spec) == "exists"
    assert properties(fake, "new")["vmSize"] == "Standard_D8ads_v5"
    assert fake.count("PUT ") == 1


def test_by_default_a_pool_grows_with_its_tasks_and_shrinks_to_nothing(fake: FakeBatch, manager: PoolManager) -> None:
    manager.create(PoolSpec("new", max_nodes=7, slots=4))
    scale = properties(fake, "new")["scaleSettings"]["autoScale"]
    assert "maxNodes = 7;" in scale["formula"]
    assert "slots = 4;" in scale["formula"]
    assert "$NodeDeallocationOption = taskcompletion;" in scale["formula"]
    assert scale["evaluationInterval"] == "PT5M"


def test_a_fixed_pool_has_dedicated_and_spot_nodes(fake: FakeBatch, manager: PoolManager) -> None:
    manager.create(PoolSpec("new", fixed=(1, 3)))
    assert properties(fake, "new")["scaleSettings"] == {
        "fixedScale": {"targetDedicatedNodes": 1, "targetLowPriorityNodes": 3}
    }


def test_a_pool_of_containers_has_its_image_registry_identity_mounts_subnet_and_zones(
    fake: FakeBatch, manager: PoolManager
) -> None:
    manager.create(
        PoolSpec(
            "new",
            container_image="me.azurecr.io/model:1",
            registry="me.azurecr.io",
            mounts=(Mount("input-test", "input"), Mount("output-test", "results")),
            zones="zonal",
            cache=False,
            identity=IDENTITY,
            subnet="/subnets/one",
        )
    )
    made = properties(fake, "new")
    machine = made["deploymentConfiguration"]["virtualMachineConfiguration"]
    assert machine["containerConfiguration"] == {
        "type": "DockerCompatible",
        "containerImageNames": ["me.azurecr.io/model:1"],
        "containerRegistries": [
            {"registryServer": "me.azurecr.io", "identityReference": {"resourceId": IDENTITY}},
        ],
    }
    assert machine["nodePlacementConfiguration"] == {"policy": "Zonal"}
    assert made["networkConfiguration"] == {"subnetId": "/subnets/one"}
    assert made["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}
    mounted = [item["azureBlobFileSystemConfiguration"] for item in made["mountConfiguration"]]
    assert [(item["containerName"], item["relativeMountPath"]) for item in mounted] == [
        ("input-test", "input"),
        ("output-test", "results"),
    ]
    assert mounted[0]["identityReference"] == {"resourceId": IDENTITY}
    assert "direct_io" in mounted[0]["blobfuseOptions"]
    assert "accountKey" not in mounted[0]


def test_without_an_identity_mounts_use_the_accounts_key(fake: FakeBatch, manager: PoolManager) -> None:
    spec = PoolSpec("new", mounts=(Mount("input-test", "input"),))
    assert manager.create(spec) == "created"
    mounted = properties(fake, "new")["mountConfiguration"][0]["azureBlobFileSystemConfiguration"]
    assert (mounted["accountName"], mounted["accountKey"]) == ("blobs", "a2V5")
    assert manager.create(spec) == "exists"


def test_a_pool_that_is_otherwise_is_told_with_what_differs_and_replaced_only_when_asked(
    fake: FakeBatch, manager: PoolManager
) -> None:
    manager.create(PoolSpec("new"))
    other = PoolSpec("new", vm_size="large", slots=2)
    with pytest.raises(InvalidInput, match=r"exists and differs: vmSize: 'Standard_D4ads_v5' there") as caught:
        manager.create(other)
    assert "taskSlotsPerNode: 1 there, 2 wanted" in str(caught.value)
    assert manager.create(other, replace=True) == "replaced"
    assert properties(fake, "new")["vmSize"] == "Standard_D16ads_v5"


def test_a_deleted_pool_is_gone_when_deleting_returns(fake: FakeBatch, manager: PoolManager) -> None:
    manager.create(PoolSpec("new"))
    manager.delete("new")
    assert [pool.name for pool in manager.list()] == ["empty", "pool"]
    with pytest.raises(NotFound, match="'pol' does not exist; did you mean 'pool'"):
        manager.delete("pol")


def test_the_list_tells_size_nodes_slots_and_state(fake: FakeBatch, manager: PoolManager) -> None:
    pool = next(pool for pool in manager.list() if pool.name == "pool")
    assert (pool.vm_size, pool.slots, pool.state) == ("Standard_D4s_v5", 4, "Steady")


@pytest.mark.parametrize("missing", ["subscription_id", "resource_group", "batch_account"])
def test_what_the_resource_manager_needs_is_asked_for_by_name(fake: FakeBatch, missing: str) -> None:
    given = {name: value for name, value in SETTINGS.items() if name != missing}
    manager = PoolManager(AzureAccess(given, credential=Token()))
    with pytest.raises(CredentialsError, match=rf"{missing} is not known.*for which a key is not enough"):
        manager.create(PoolSpec("new"))


def test_mounts_need_a_storage_account_and_a_way_in(fake: FakeBatch) -> None:
    spec = PoolSpec("new", mounts=(Mount("input-test", "input"),))
    for more, missing in (({}, "storage_account"), ({"storage_account": "blobs"}, "AZURE_STORAGE_KEY")):
        given = {**SETTINGS, "management_endpoint": fake.url, **more}
        with pytest.raises(CredentialsError, match=missing):
            PoolManager(AzureAccess(given, credential=Token())).create(spec)


def test_a_refused_token_is_said_so(fake: FakeBatch) -> None:
    access = AzureAccess({**SETTINGS, "management_endpoint": fake.url}, credential=Token("wrong"))
    with pytest.raises(CredentialsError, match="could not list the pools"):
        PoolManager(access, sleep=lambda seconds: None).list()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": "no such"}, "letters, digits"),
        ({"name": "x" * 65}, "1 to 64"),
        ({"vm_size": " "}, "give a VM size"),
        ({"slots": 0}, "from 1 to 256"),
        ({"slots": 257}, "from 1 to 256"),
        ({"slots": True}, "whole number"),
        ({"zones": "everywhere"}, "'regional' or 'zonal'"),
        ({"fixed": (-1, 0)}, "0 or more"),
        ({"max_nodes": 0}, "1 or more"),
        ({"formula": " "}, "autoscale formula"),
        ({"formula": "x" * 8193}, "8192 characters"),
        ({"mounts": (Mount("Not_A_Container", "x"),)}, "no name of a blob container"),
        ({"mounts": (Mount("input", "/abs"),)}, "give a relative one"),
        ({"mounts": (Mount("input", "a/../b"),)}, "give a relative one"),
        ({"mounts": (Mount("one", "x"), Mount("two", "x"))}, "at one place"),
    ],
)
def test_what_cannot_be_a_pool_is_refused_with_the_field(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        PoolSpec(**{"name": "pool", **fields})


def test_what_is_there_beyond_what_is_wanted_is_no_difference() -> None:
    wanted = pool_body(PoolSpec("p", mounts=(Mount("input", "x"),)), "blobs", "key")
    there = pool_body(PoolSpec("p", mounts=(Mount("input", "x"),)), "BLOBS")
    there["properties"]["provisioningState"] = "Succeeded"
    assert list(differences(wanted, there)) == []
    there["properties"]["mountConfiguration"] = []
    assert len(list(differences(wanted, there))) == 1
