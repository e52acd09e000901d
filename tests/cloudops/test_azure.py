"""What holds on Azure Batch alone."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest

from batch_helpers.azure_client import AzureAccess, azure_code
from batch_helpers.cloudops import CloudClient
from batch_helpers.errors import CredentialsError, InvalidInput, MissingExtra, NotFound, ServiceError, UnknownDependency
from batch_helpers.job import Status
from tests.azure.fake_batch import FakeBatch
from tests.azure.fixtures import lost, refused

pytestmark = pytest.mark.slow

FAST = 0.05


@pytest.fixture
def client(azure: FakeBatch) -> CloudClient:
    client = CloudClient(stdout=io.StringIO(), sleep=lambda seconds: time.sleep(min(seconds, 0.02)))
    client._finish.detach()
    return client


def test_a_managed_identity_is_enough(azure: FakeBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_BATCH_ACCESS_KEY")
    with CloudClient(stdout=io.StringIO()) as client:
        client.create_job("job", "pool")
        client.add_task("job", "true")
        assert client.monitor_job("job", interval=FAST).exit_code == 0


def test_a_job_that_exists_is_told_with_the_services_code(client: CloudClient) -> None:
    client.create_job("job", "pool")
    with pytest.raises(InvalidInput, match="exists already") as caught:
        client.create_job("job", "pool")
    assert caught.value.__cause__ is not None
    assert azure_code(caught.value.__cause__) == "JobExists"


def test_a_job_whose_creation_was_not_answered_is_no_other_ones(azure: FakeBatch, client: CloudClient) -> None:
    azure.fail("POST /jobs$", lost)
    assert client.create_job("job", "pool") == "job"
    assert azure.count("POST /jobs$") == 2


def test_tasks_whose_addition_was_not_answered_are_added_once(azure: FakeBatch, client: CloudClient) -> None:
    client.create_job("job", "pool")
    azure.fail("POST /jobs/job/addtaskcollection", lost)
    assert client.add_tasks("job", ["true"] * 5) == [f"task-{number}" for number in range(1, 6)]
    assert len(azure.service.tasks["job"]) == 5


def test_a_completed_job_takes_no_tasks(azure: FakeBatch, client: CloudClient) -> None:
    client.create_job("job", "pool")
    client.add_task("job", "true")
    azure.service.end_job("job", "by hand")
    with pytest.raises(ServiceError, match="JobCompleted"):
        client.add_task("job", "true")


def test_ten_thousand_tasks_are_added_in_a_hundred_calls_and_waited_for_by_one(azure: FakeBatch) -> None:
    client = CloudClient()
    client.create_job("job", "empty", task_id_ints=True)
    client.add_tasks("job", ["true"] * 10_000)
    assert len(azure.calls) <= 110
    last = client.add_task("job", "true", depends_on_range=(1, 10_000))
    assert azure.service.tasks["job"]["10001"]["dependsOn"]["taskIdRanges"] == [{"start": 1, "end": 10_000}]
    assert last == "10001"
    client._finish.detach()


def test_more_dependencies_than_a_task_may_name_are_held_until_they_fit(azure: FakeBatch, client: CloudClient) -> None:
    azure.service.add_pool("wide", slots=16)
    client.create_job("job", "wide")
    ids = client.add_tasks("job", [{"command_line": "true", "name_suffix": "x" * 50} for _ in range(1_100)])
    last = client.add_task("job", "true", depends_on=ids)
    assert client.get_task_status("job", last or "") is Status.PENDING
    assert last not in client._cloud.task_ids("job")
    summary = client.monitor_job("job", interval=0.2)
    assert (summary.exit_code, summary.counts[Status.SUCCEEDED]) == (0, 1_101)


def test_a_held_task_of_too_many_dependencies_never_runs_when_one_fails(azure: FakeBatch, client: CloudClient) -> None:
    azure.service.add_pool("wide", slots=16)
    client.create_job("job", "wide")
    commands = ["exit 1"] + ["true"] * 1_100
    ids = client.add_tasks("job", [{"command_line": line, "name_suffix": "x" * 50} for line in commands])
    client.add_task("job", "true", depends_on=ids)
    summary = client.monitor_job("job", interval=0.2)
    assert [detail.reason.partition(":")[0] for detail in summary.failed][-1] == "Dependent Job failed"
    assert len(summary.failed) == 2


def test_unknown_names_are_answered_with_the_nearest(client: CloudClient) -> None:
    client.create_job("modelling", "pool")
    with pytest.raises(NotFound, match="job 'modeling' does not exist; did you mean 'modelling'"):
        client.add_task("modeling", "true")
    with pytest.raises(NotFound, match="pool 'poool' does not exist; did you mean 'pool'"):
        client.create_job("x", "poool")
    with pytest.raises(UnknownDependency):
        client.add_task("modelling", "true", depends_on=["nobody"])


def test_logs_need_a_container_that_is_there(client: CloudClient, blobs: AzureAccess) -> None:
    with pytest.raises(NotFound, match=r"look up container 'nowhere'.*ContainerNotFound"):
        client.create_job("job", "pool", save_logs_to_blob="nowhere")


def test_logs_settings_live_with_the_job(azure: FakeBatch, client: CloudClient, blobs: AzureAccess) -> None:
    client.create_blob_container("logs-box")
    client.create_job("job", "pool", save_logs_to_blob="logs-box", logs_folder="/a/b/")
    other = CloudClient(stdout=io.StringIO())
    other.add_task("job", "echo from another process; exit 1")
    other.monitor_job("job", interval=FAST)
    assert other.list_blob_files("logs-box") == ["a/b/job/task-1/stderr.txt", "a/b/job/task-1/stdout.txt"]


def test_a_pools_identity_writes_the_logs_where_there_is_one(
    azure: FakeBatch, blobs: AzureAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_USER_ASSIGNED_IDENTITY", "/identities/i")
    client = CloudClient()
    client.create_blob_container("identity-box")
    client.create_job("job", "empty", save_logs_to_blob="identity-box")
    client.add_task("job", "true")
    target = azure.service.tasks["job"]["task-1"]["outputFiles"][0]["destination"]["container"]
    assert target["identityReference"] == {"resourceId": "/identities/i"}
    assert "sig=" not in target["containerUrl"]
    client._finish.detach()


def test_pools_are_created_with_the_settings_identity_and_subnet(
    azure: FakeBatch, client: CloudClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AZURE_USER_ASSIGNED_IDENTITY": "/identities/i",
        "AZURE_SUBNET_ID": "/subnets/s",
        "AZURE_CONTAINER_REGISTRY_ACCOUNT": "mine",
        "AZURE_BLOB_STORAGE_ACCOUNT": "blobs",
    }.items():
        monkeypatch.setenv(name, value)
    mounts = [{"source": "input-test", "target": "input"}, "output-test", ("third", "3")]
    said = client.create_pool(
        "my pool", mounts, "mine.azurecr.io/model:1", max_autoscale_nodes=10, cache_blobfuse=False
    )
    assert said == "created"
    made = azure.service.pools["my_pool"].properties
    assert made["networkConfiguration"] == {"subnetId": "/subnets/s"}
    machine = made["deploymentConfiguration"]["virtualMachineConfiguration"]
    assert machine["containerConfiguration"]["containerRegistries"][0]["registryServer"] == "mine.azurecr.io"
    assert "maxNodes = 10;" in made["scaleSettings"]["autoScale"]["formula"]
    client.create_job("job", "my_pool")
    client.add_task("job", "true")
    settings = azure.service.tasks["job"]["task-1"]["containerSettings"]
    assert "source=$AZ_BATCH_NODE_MOUNTS_DIR/input,target=/input" in settings["containerRunOptions"]
    client.delete_pool("my pool")
    assert "my_pool" not in azure.service.pools


def test_a_fixed_pool_and_a_second_pool_of_its_name(azure: FakeBatch, client: CloudClient) -> None:
    client.create_pool("p", vm_size="medium", autoscale=False, low_priority_nodes=3, task_slots_per_node=2)
    assert azure.service.pools["p"].properties["scaleSettings"]["fixedScale"] == {
        "targetDedicatedNodes": 0,
        "targetLowPriorityNodes": 3,
    }
    with pytest.raises(InvalidInput, match="exists and differs: vmSize"):
        client.create_pool("p", vm_size="large", autoscale=False, low_priority_nodes=3, task_slots_per_node=2)
    assert client.create_pool("p", replace_existing_pool=True) == "replaced"
    with pytest.raises(InvalidInput, match="mounts='one': give a list"):
        client.create_pool("q", mounts="one")


def test_a_container_image_of_a_task_comes_before_the_pools(azure: FakeBatch, client: CloudClient) -> None:
    azure.service.add_pool("boxes", slots=0, images=["python:3.12"])
    client.create_job("job", "boxes")
    client.add_task("job", "true", container_image_name="r:4")
    assert azure.service.tasks["job"]["task-1"]["containerSettings"]["imageName"] == "r:4"


def test_missing_credentials_say_which_variables_were_looked_at(no_account: None) -> None:
    with pytest.raises(CredentialsError, match="AZURE_BATCH_ACCOUNT"):
        CloudClient().check_job_status("job")


def test_a_dotenv_file_is_enough(azure: FakeBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    for name in ("AZURE_BATCH_ACCOUNT", "AZURE_BATCH_ACCESS_KEY", "AZURE_BATCH_ENDPOINT"):
        lines.append(f"{name}={__import__('os').environ[name]}")
        monkeypatch.delenv(name)
    Path("my_azure.env").write_text("\n".join(lines))
    assert CloudClient(dotenv_path="my_azure.env").check_job_status("job") == "does not exist"


def test_settings_may_be_given_as_arguments_of_their_names(azure: FakeBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_BATCH_ACCESS_KEY", "d3Jvbmc=")
    with pytest.raises(CredentialsError):
        CloudClient().check_job_status("job")
    from tests.azure.fake_batch import KEY

    assert CloudClient(azure_batch_access_key=KEY).check_job_status("job") == "does not exist"


def test_a_quota_of_active_jobs_is_waited_for_and_then_an_error(azure: FakeBatch, client: CloudClient) -> None:
    azure.service.quota = 0
    with pytest.raises(ServiceError, match="ActiveJobAndScheduleQuotaReached"):
        client.create_job("job", "pool")
    assert azure.count("POST /jobs$") == 21


def test_a_poll_that_fails_for_a_moment_does_not_end_the_monitor(azure: FakeBatch, client: CloudClient) -> None:
    client.create_job("job", "pool")
    client.add_task("job", "sleep 0.3")
    for _ in range(3):
        azure.fail("GET /jobs/job/tasks", refused(500, "InternalError"))
    assert client.monitor_job("job", interval=FAST).exit_code == 0


def test_without_yaml_the_message_says_what_to_install(client: CloudClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    with pytest.raises(MissingExtra, match=r"pip install 'batch_helpers\[azure\]'"):
        client.add_tasks_from_yaml("job", "run", "x.yaml")
