"""Environments, queues and definitions on our own endpoint, which keeps AWS Batch's rules and loses answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from batch_helpers.aws_client import AWSAccess
from batch_helpers.errors import InvalidInput, NotFound, ServiceError, TimedOut
from batch_helpers.job import Job
from batch_helpers.resources.aws import (
    ComputeEnvironment,
    ComputeEnvironments,
    JobDefinition,
    JobDefinitions,
    JobQueue,
    JobQueues,
    TimeLimit,
)
from batch_helpers.resources.aws.desk import Desk
from batch_helpers.serve import serve
from batch_helpers.serve.endpoint import Endpoint
from batch_helpers.serve.faults import Fault
from tests.servers import session

pytestmark = pytest.mark.slow

NETWORK: dict[str, Any] = {"subnets": ("subnet-1", "subnet-2"), "security_group_ids": ("sg-1",)}
STUCK = TimeLimit("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", 600)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with (
        pytest.MonkeyPatch.context() as patch,
        serve(tmp_path_factory.mktemp("serve"), instant=True, hold="RUNNING") as endpoint,
    ):
        for name, value in endpoint.environment.items():
            patch.setenv(name, value)
        yield endpoint


@pytest.fixture(scope="module")
def shared() -> boto3.Session:
    """One session, so that botocore's models are read once."""
    return session()


@pytest.fixture
def access(endpoint: Endpoint, shared: boto3.Session) -> Iterator[AWSAccess]:
    yield AWSAccess(session=shared)
    endpoint.faults.clear()


class Patience:
    """A clock that goes on only when somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.told = 1000.0, list[str]()

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def options(self, patience: float = 900) -> dict[str, Any]:
        return {"sleep": self.sleep, "clock": lambda: self.now, "tell": self.told.append, "patience": patience}


@pytest.fixture
def patience() -> Patience:
    return Patience()


@pytest.fixture
def environments(access: AWSAccess, patience: Patience) -> ComputeEnvironments:
    return ComputeEnvironments(access, **patience.options())


@pytest.fixture
def queues(access: AWSAccess, patience: Patience) -> JobQueues:
    return JobQueues(access, **patience.options())


def fargate(name: str, **more: Any) -> ComputeEnvironment:
    return ComputeEnvironment(name, **{**NETWORK, **more})


def spot(name: str, **more: Any) -> ComputeEnvironment:
    return fargate(name, type="SPOT", instance_role="ecsInstanceRole", **more)


def scripted(desk: Desk, operation: str, *answers: Callable[[list[dict[str, Any]]], None]) -> None:
    """Let each of these change what one answer after the other tells; the last one changes all that follow."""
    left = list(answers)

    def change(parsed: dict[str, Any], **_: Any) -> None:
        [items] = [value for name, value in parsed.items() if name in ("computeEnvironments", "jobQueues")]
        (left.pop(0) if len(left) > 1 else left[0])(items)

    desk.api._client.meta.events.register(f"after-call.batch.{operation}", change)


def status(word: str, reason: str = "") -> Callable[[list[dict[str, Any]]], None]:
    def change(items: list[dict[str, Any]]) -> None:
        for item in items:
            item |= {"status": word, "statusReason": reason}

    return change


def as_it_is(items: list[dict[str, Any]]) -> None:
    pass


def test_an_environment_is_made_and_the_second_time_it_exists(environments: ComputeEnvironments) -> None:
    for spec in (fargate("once"), spot("once-spot", instance_types=("m5", "c5"), tags={"a": "b"})):
        assert environments.create(spec).said == "created"
        assert environments.create(replace(spec, subnets=spec.subnets[::-1])) == ("exists", ())


def test_one_that_differs_is_told_and_is_changed_only_on_request(environments: ComputeEnvironments) -> None:
    environments.create(fargate("grows", max_vcpus=16, tags={"a": "1"}))
    bigger = fargate("grows", max_vcpus=32, subnets=("subnet-3",), tags={"a": "2"})
    with pytest.raises(
        InvalidInput, match=r"'grows' exists and differs: .*maxvCpus 16 -> 32.*tag a 1 -> 2: use --update"
    ):
        environments.create(bigger)
    assert environments.get("grows")["computeResources"]["maxvCpus"] == 16
    outcome = environments.create(bigger, update=True)
    assert (outcome.said, set(outcome.changed)) == (
        "updated",
        {"maxvCpus 16 -> 32", "subnets subnet-1, subnet-2 -> subnet-3", "tag a 1 -> 2"},
    )
    assert environments.create(bigger).said == "exists"


def test_what_no_update_changes_is_told_before_anything_is_sent(environments: ComputeEnvironments) -> None:
    environments.create(fargate("fixed"))
    with pytest.raises(InvalidInput, match="type FARGATE -> SPOT, which no update changes: delete it first"):
        environments.create(spot("fixed"), update=True)
    assert environments.create(fargate("fixed", type="FARGATE_SPOT"), update=True).changed == (
        "type FARGATE -> FARGATE_SPOT",
    )


def test_a_disabled_one_is_enabled_by_an_update(environments: ComputeEnvironments) -> None:
    environments.create(fargate("asleep"))
    environments.set_state("asleep", "DISABLED")
    with pytest.raises(InvalidInput, match="state DISABLED -> ENABLED"):
        environments.create(fargate("asleep"))
    environments.create(fargate("asleep"), update=True)
    assert environments.get("asleep")["state"] == "ENABLED"


def test_toggle_tells_the_new_state_and_to_enable_twice_changes_nothing(environments: ComputeEnvironments) -> None:
    environments.create(fargate("light"))
    assert [environments.toggle("light"), environments.toggle("light")] == ["DISABLED", "ENABLED"]
    assert environments.set_state("light", "ENABLED") is False
    assert environments.set_state("light", "DISABLED") is True
    assert environments.get("light")["state"] == "DISABLED"


def test_an_unknown_one_is_told_with_the_nearest(environments: ComputeEnvironments, queues: JobQueues) -> None:
    environments.create(fargate("familiar"))
    for ask in (environments.get, environments.delete, environments.toggle):
        with pytest.raises(NotFound, match=r"compute environment 'familar' does not exist; did you mean 'familiar'\?"):
            ask("familar")
    with pytest.raises(NotFound, match="job queue 'q': compute environment 'familar' does not exist; did you mean"):
        queues.create(JobQueue("q", ("familar",)))
    with pytest.raises(NotFound, match="job queue 'locl' does not exist; did you mean 'local'"):
        queues.delete("locl")


def test_creating_is_waited_for_with_a_line_for_each_state(
    environments: ComputeEnvironments, patience: Patience
) -> None:
    creating = status("CREATING", "on its way")
    scripted(environments, "DescribeComputeEnvironments", as_it_is, *[creating] * 20, as_it_is)
    assert environments.create(fargate("slow")).said == "created"
    assert patience.told == [
        "compute environment 'slow': CREATING on its way (0 s)",
        "compute environment 'slow': CREATING on its way (30 s)",
    ]
    assert patience.now == 1000 + 20 * 2


def test_invalid_is_an_error_with_aws_s_reason(environments: ComputeEnvironments) -> None:
    reason = "CLIENT_ERROR - Not authorized to perform sts:AssumeRole"
    scripted(environments, "DescribeComputeEnvironments", as_it_is, status("CREATING"), status("INVALID", reason))
    with pytest.raises(ServiceError, match=f"compute environment 'broken' is INVALID: {reason}"):
        environments.create(fargate("broken"))
    with pytest.raises(ServiceError, match="is INVALID"):
        environments.create(fargate("broken"))


def test_waiting_ends_with_an_error_that_says_what_is_waited_for(access: AWSAccess, patience: Patience) -> None:
    environments = ComputeEnvironments(access, **patience.options(60))
    scripted(environments, "DescribeComputeEnvironments", as_it_is, status("CREATING", "still"))
    told = r"'stuck' is not settled after 60 s \(CREATING still\); `batch-helpers compute-environment describe stuck`"
    with pytest.raises(TimedOut, match=told):
        environments.create(fargate("stuck"))


def test_one_that_is_being_deleted_is_waited_for_and_made_anew(
    environments: ComputeEnvironments, patience: Patience
) -> None:
    environments.create(fargate("again"))
    scripted(environments, "DescribeComputeEnvironments", *[status("DELETING")] * 2, list.clear, as_it_is)
    assert environments.create(fargate("again")).said == "exists"  # it never went: the endpoint refuses another one
    assert patience.told == ["compute environment 'again': DELETING (0 s)"]


def test_a_lost_answer_makes_nothing_twice(environments: ComputeEnvironments, endpoint: Endpoint) -> None:
    endpoint.faults.add(Fault("drop", "CreateComputeEnvironment", after_work=True))
    assert environments.create(fargate("lost")).said == "exists"
    assert [raw["status"] for raw in environments.list() if environments.name_of(raw) == "lost"] == ["VALID"]


def test_what_aws_batch_is_busy_with_is_sent_again(environments: ComputeEnvironments, patience: Patience) -> None:
    environments.create(fargate("tired"))
    refusals = ["Cannot delete, resource is being modified.", "Cannot delete, found existing JobQueue relationship"]

    def refuse(**_: Any) -> tuple[SimpleNamespace, dict[str, Any]] | None:
        if not refusals:
            return None
        return SimpleNamespace(status_code=400), {"Error": {"Code": "ClientException", "Message": refusals.pop()}}

    environments.api._client.meta.events.register("before-call.batch.DeleteComputeEnvironment", refuse)
    environments.delete("tired")
    assert (environments.find("tired"), patience.now) == (None, 1004.0)
    environments.create(fargate("tired"))
    refusals.extend(["Cannot delete, resource is being modified."] * 100)
    with pytest.raises(ServiceError, match=r"could not delete compute environment 'tired': .*being modified"):
        environments.delete("tired")


def test_two_who_make_the_same_at_once_both_succeed(access: AWSAccess) -> None:
    def create(_: int) -> str:
        return ComputeEnvironments(access, sleep=lambda _: None).create(fargate("twins")).said

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(create, range(4)))
    assert said.count("created") == 1
    assert set(said) <= {"created", "exists"}


def test_lists_read_every_page(environments: ComputeEnvironments, queues: JobQueues) -> None:
    for number in range(3):
        environments.create(fargate(f"page-{number}"))
        queues.create(JobQueue(f"page-{number}", (f"page-{number}",)))

    def one_a_page(params: dict[str, Any], **_: Any) -> None:
        params["maxResults"] = 1

    for desk, operation in ((environments, "DescribeComputeEnvironments"), (queues, "DescribeJobQueues")):
        desk.api._client.meta.events.register(f"before-parameter-build.batch.{operation}", one_a_page)
        names = [desk.name_of(raw) for raw in desk.list()]
        assert [name for name in names if name.startswith("page-")] == ["page-0", "page-1", "page-2"]
        assert names == sorted(names)


def test_a_queue_is_made_with_its_environments_in_order_and_changed_on_request(
    environments: ComputeEnvironments, queues: JobQueues
) -> None:
    environments.create(spot("order-a"))
    environments.create(spot("order-b"))
    spec = JobQueue("order", ("order-b", "order-a"), priority=5, time_limits=(STUCK,), tags={"a": "b"})
    assert queues.create(spec).said == "created"
    assert queues.create(spec).said == "exists"
    turned = replace(spec, compute_environments=("order-a", "order-b"), priority=6, time_limits=())
    with pytest.raises(
        InvalidInput, match="priority 5 -> 6; computeEnvironmentOrder order-b, order-a -> order-a, order-b"
    ):
        queues.create(turned)
    assert queues.create(turned, update=True).said == "updated"
    found = queues.get("order")
    assert (found["priority"], found["jobStateTimeLimitActions"]) == (6, [])
    assert [item["computeEnvironment"].rsplit("/")[-1] for item in found["computeEnvironmentOrder"]] == [
        "order-a",
        "order-b",
    ]


def test_fargate_and_instances_in_one_queue_are_told_before_it_is_made(
    environments: ComputeEnvironments, queues: JobQueues
) -> None:
    environments.create(fargate("mixed-f"))
    environments.create(spot("mixed-s"))
    with pytest.raises(InvalidInput, match=r"compute_environments=\('mixed-f', 'mixed-s'\): .*make two queues"):
        queues.create(JobQueue("mixed", ("mixed-f", "mixed-s")))


def test_an_environment_is_taken_out_of_its_queues_and_deleted(
    environments: ComputeEnvironments, queues: JobQueues
) -> None:
    for name in ("leave", "stay"):
        environments.create(fargate(name))
    queues.create(JobQueue("left", ("leave", "stay")))
    assert environments.delete("leave") == ["left"]
    assert environments.find("leave") is None
    assert len(queues.get("left")["computeEnvironmentOrder"]) == 1
    with pytest.raises(InvalidInput, match=r"'stay' is the only one of job queue 'left': .*job-queue delete left"):
        environments.delete("stay")
    assert environments.get("stay")["state"] == "ENABLED"
    queues.delete("left")
    assert environments.delete(environments.get("stay")["computeEnvironmentArn"]) == []


def test_a_queue_with_active_jobs_is_deleted_only_by_force(
    access: AWSAccess, environments: ComputeEnvironments, queues: JobQueues
) -> None:
    from batch_helpers.engines.aws import AWSEngine

    environments.create(spot("busy"))
    queues.create(JobQueue("busy", ("busy",)))
    engine = AWSEngine(access)
    ids = engine.submit([Job(f"j{n}", image="busybox", command="true").bound("busy", ()) for n in range(3)])
    with pytest.raises(
        InvalidInput, match=r"job queue 'busy' has 3 active jobs \(.*\), which would be terminated: .*--force"
    ):
        queues.delete("busy")
    assert queues.get("busy")["state"] == "ENABLED"
    assert sum(queues.delete("busy", force=True).values()) == 3
    assert queues.find("busy") is None
    assert {str(job.status) for job in engine.describe(ids).values()} <= {"FAILED", "RUNNING"}


def test_a_job_that_comes_while_its_queue_is_being_deleted_keeps_it(
    access: AWSAccess, environments: ComputeEnvironments, queues: JobQueues
) -> None:
    from batch_helpers.engines.aws import AWSEngine

    environments.create(spot("late"))
    queues.create(JobQueue("late", ("late",)))

    def submit(**_: Any) -> None:
        queues.api._client.meta.events.unregister("before-call.batch.UpdateJobQueue", submit)
        AWSEngine(access).submit([Job("late", image="busybox", command="true").bound("late", ())])

    queues.api._client.meta.events.register("before-call.batch.UpdateJobQueue", submit)
    with pytest.raises(InvalidInput, match="job queue 'late' has 1 active job "):
        queues.delete("late")
    assert queues.get("late")["state"] == "ENABLED"


def test_a_definition_is_registered_once_for_a_content(access: AWSAccess) -> None:
    definitions = JobDefinitions(access)
    spec = JobDefinition("once", "busybox", ("echo", "hi"), platform="EC2", environment={"A": "secret"}, attempts=2)
    assert definitions.create(spec) == ("created", ())
    assert definitions.create(spec) == ("exists", ())
    other = replace(spec, command=(), environment={"A": "another"}, attempts=1, timeout=60)
    with pytest.raises(InvalidInput, match=r"job definition once:1 exists and differs: .*--update") as told:
        definitions.create(other)
    assert "secret" not in str(told.value)
    assert definitions.create(other, update=True).said == "updated"
    assert definitions.create(other) == ("exists", ())
    assert [raw["revision"] for raw in definitions.list("once")] == [1, 2]
    assert definitions.get("once")["revision"] == 2
    assert definitions.get("once:1")["containerProperties"]["command"] == ["echo", "hi"]


def test_a_fargate_definition_says_where_and_how_it_runs(access: AWSAccess) -> None:
    definitions = JobDefinitions(access)
    spec = JobDefinition(
        "far", "busybox", execution_role="exec", task_role="task", arch="ARM64", assign_public_ip=True, storage=30
    )
    assert definitions.create(spec).said == "created"
    assert definitions.create(spec).said == "exists"
    container = definitions.get("far")["containerProperties"]
    assert container["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert container["networkConfiguration"] == {"assignPublicIp": "ENABLED"}
    assert container["ephemeralStorage"] == {"sizeInGiB": 30}
    assert (container["executionRoleArn"], container["jobRoleArn"]) == ("exec", "task")
    with pytest.raises(InvalidInput, match="ephemeralStorage sizeInGiB=30 -> none"):
        definitions.create(replace(spec, storage=None))


def test_revisions_are_deregistered_one_by_one_or_all(access: AWSAccess) -> None:
    definitions = JobDefinitions(access)
    for memory in (64, 128, 256):
        definitions.create(JobDefinition("old", "busybox", platform="EC2", memory=memory), update=True)
    with pytest.raises(InvalidInput, match="'old': which revision\\? give old:3"):
        definitions.revisions("old")
    definitions.deregister("old:1")
    with pytest.raises(NotFound, match="job definition 'old:1' does not exist, or is not active; other revisions"):
        definitions.revisions("old:1")
    assert definitions.revisions("old", every=True) == ["old:2", "old:3"]
    assert len(definitions.list("old", inactive=True)) == 3
    with pytest.raises(NotFound, match="'odl' does not exist, or is not active; did you mean 'old'"):
        definitions.get("odl")


def test_a_lost_answer_registers_no_second_revision(access: AWSAccess, endpoint: Endpoint) -> None:
    endpoint.faults.add(Fault("drop", "RegisterJobDefinition", after_work=True))
    definitions = JobDefinitions(access)
    assert definitions.create(JobDefinition("lost", "busybox", platform="EC2")).said == "created"
    assert len(definitions.list("lost")) == 1
