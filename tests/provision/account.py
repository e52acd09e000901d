"""An account on moto, what is in it, and what is asked of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from batch_helpers.aws_client import AWSAccess
from batch_helpers.provision import Choices, Setup, Step, Survey, Teardown

READS = ("Describe", "Get", "List", "Head")


class Account:
    """An account; `has` is all that setup could make, counted."""

    def __init__(self, access: AWSAccess) -> None:
        self.access = access
        self.iam, self.batch, self.ec2 = (access.client(service) for service in ("iam", "batch", "ec2"))
        self.slept: list[float] = []
        self.said: list[str] = []

    def setup(self, update: bool = False, **choices: Any) -> Survey:
        made = Setup(
            self.access,
            Choices(**{"name": "lab", **choices}),
            update=update,
            sleep=self.slept.append,
            tell=self.said.append,
        )
        return made.apply(made.survey())

    def teardown(self, name: str = "lab", **options: Any) -> tuple[Step, ...]:
        made = Teardown(self.access, name, sleep=self.slept.append, tell=self.said.append, **options)
        return made.apply(made.survey())

    def has(self) -> dict[str, list[str]]:
        """The names of all roles, profiles, policies, environments, queues and active definitions."""
        roles = [raw["RoleName"] for raw in self.iam.list_roles()["Roles"]]
        inline = [
            f"{role}/{name}" for role in roles for name in self.iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        definitions = self.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
        return {
            "roles": roles,
            "profiles": [raw["InstanceProfileName"] for raw in self.iam.list_instance_profiles()["InstanceProfiles"]],
            "policies": [raw["PolicyName"] for raw in self.iam.list_policies(Scope="Local")["Policies"]] + inline,
            "environments": [
                raw["computeEnvironmentName"]
                for raw in self.batch.describe_compute_environments()["computeEnvironments"]
            ],
            "queues": [raw["jobQueueName"] for raw in self.batch.describe_job_queues()["jobQueues"]],
            "definitions": [raw["jobDefinitionName"] for raw in definitions],
        }

    def make_role(self, name: str, principal: str, **more: Any) -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn: str = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
        return arn

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """The operations that change something, of all clients of this process."""
        from botocore.client import BaseClient

        asked: list[str] = []
        plain = BaseClient._make_api_call

        def noted(client: Any, operation: str, request: Any) -> Any:
            if not operation.startswith(READS):
                asked.append(operation)
            return plain(client, operation, request)

        BaseClient._make_api_call = noted  # type: ignore[method-assign]
        try:
            yield asked
        finally:
            BaseClient._make_api_call = plain  # type: ignore[method-assign]


NOTHING: dict[str, list[str]] = {
    "roles": [],
    "profiles": [],
    "policies": [],
    "environments": [],
    "queues": [],
    "definitions": [],
}
