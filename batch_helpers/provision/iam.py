"""Roles and instance profiles, of which some are setup's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from batch_helpers.aws_client import AWSAccess
from batch_helpers.doctor.gathering.roles import trusted
from batch_helpers.engines.aws.api import API
from batch_helpers.errors import NotFound, ServiceError
from batch_helpers.provision.blueprint import TAG, RoleSpec
from batch_helpers.resources.aws.checks import short

Raw = Mapping[str, Any]

_ABOUT = "Made by batch-helpers setup; batch-helpers teardown removes it."


@dataclass(frozen=True, slots=True)
class Found:
    """A role or a profile that is there. setup: the setup that made it, or None. roles: those in a profile."""

    name: str
    arn: str
    setup: str | None
    trusted: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()


class IAM:
    """The roles and profiles of an account. Making one makes no call."""

    def __init__(self, access: AWSAccess, sleep: Callable[[float], None]) -> None:
        self._api = API(access, "iam", sleep=sleep, connections=1)

    def role(self, name: str) -> Found | None:
        """A role, by name or ARN."""
        try:
            raw = self._api.ask("get_role", f"look up role {name}", "Role", RoleName=short(name))["Role"]
        except NotFound:
            return None
        return Found(raw["RoleName"], raw["Arn"], _setup(raw), trusted(raw.get("AssumeRolePolicyDocument")))

    def profile(self, name: str) -> Found | None:
        """An instance profile, by name or ARN."""
        doing = f"look up instance profile {name}"
        try:
            raw = self._api.ask("get_instance_profile", doing, "InstanceProfile", InstanceProfileName=short(name))
        except NotFound:
            return None
        profile = raw["InstanceProfile"]
        roles = tuple(item["RoleName"] for item in profile.get("Roles") or ())
        return Found(profile["InstanceProfileName"], profile["Arn"], _setup(profile), roles=roles)

    def differences(self, spec: RoleSpec) -> Iterator[str]:
        """What a role that is there lacks or has otherwise, in words."""
        attached = self._attached(spec.name)
        yield from (f"lacks policy {short(arn)}" for arn in spec.managed if arn not in attached)
        there = self._inline(spec.name)
        for name, policy in spec.inline.items():
            if there.get(name) != policy:
                yield f"policy {name} {'differs' if name in there else 'is not there'}"
        yield from (f"policy {name} is no longer wanted" for name in there if name not in spec.inline)

    def make_role(self, spec: RoleSpec, tags: Mapping[str, str]) -> None:
        """Create it with all that it may do."""
        trust, doing = json.dumps(spec.trust), f"create role {spec.name}"
        given = {"RoleName": spec.name, "AssumeRolePolicyDocument": trust, "Description": _ABOUT, "Tags": _tags(tags)}
        try:
            self._api.once("create_role", doing, **given)
        except ServiceError:
            if not _is_made(self.role(spec.name), tags):
                raise
        self.allow(spec)

    def allow(self, spec: RoleSpec) -> None:
        """Give a role what it may do, and take from it what it no longer may."""
        for arn in spec.managed:
            self._do("attach_role_policy", f"attach {short(arn)} to {spec.name}", RoleName=spec.name, PolicyArn=arn)
        for name, policy in spec.inline.items():
            given = {"RoleName": spec.name, "PolicyName": name, "PolicyDocument": json.dumps(policy)}
            self._do("put_role_policy", f"put policy {name} on {spec.name}", **given)
        for name in self._inline(spec.name):
            if name not in spec.inline:
                self._do("delete_role_policy", f"delete policy {name}", RoleName=spec.name, PolicyName=name)

    def make_profile(self, name: str, tags: Mapping[str, str]) -> None:
        """Create an instance profile with the role of its name."""
        doing = f"create instance profile {name}"
        try:
            self._api.once("create_instance_profile", doing, InstanceProfileName=name, Tags=_tags(tags))
        except ServiceError:
            if not _is_made(self.profile(name), tags):
                raise
        self.fill_profile(name)

    def fill_profile(self, name: str) -> None:
        """Put the role of its name into a profile, unless it is there."""
        doing = f"put role {name} into its instance profile"
        found = self.profile(name)
        if found is None or name not in found.roles:
            self._do("add_role_to_instance_profile", doing, InstanceProfileName=name, RoleName=name)

    def remove_profile(self, found: Found) -> None:
        """Delete it; its roles stay."""
        for role in found.roles:
            doing = f"take role {role} out of instance profile {found.name}"
            self._do("remove_role_from_instance_profile", doing, InstanceProfileName=found.name, RoleName=role)
        self._do("delete_instance_profile", f"delete instance profile {found.name}", InstanceProfileName=found.name)

    def remove_role(self, name: str) -> None:
        """Delete it with its policies."""
        for arn in self._attached(name):
            self._do("detach_role_policy", f"detach {short(arn)} from {name}", RoleName=name, PolicyArn=arn)
        for policy in self._inline_names(name):
            self._do("delete_role_policy", f"delete policy {policy} of {name}", RoleName=name, PolicyName=policy)
        self._do("delete_role", f"delete role {name}", RoleName=name)

    def _do(self, operation: str, doing: str, **request: Any) -> None:
        """What may be done any number of times."""
        self._api.ask(operation, doing, **request)

    def _attached(self, name: str) -> list[str]:
        doing = f"list the policies of {name}"
        answer = self._api.ask("list_attached_role_policies", doing, "AttachedPolicies", RoleName=name)
        return [item["PolicyArn"] for item in answer["AttachedPolicies"]]

    def _inline_names(self, name: str) -> list[str]:
        answer = self._api.ask("list_role_policies", f"list the policies of {name}", "PolicyNames", RoleName=name)
        return list(answer["PolicyNames"])

    def _inline(self, name: str) -> dict[str, Any]:
        return {policy: self._document(name, policy) for policy in self._inline_names(name)}

    def _document(self, role: str, policy: str) -> Any:
        doing = f"read policy {policy} of {role}"
        answer = self._api.ask("get_role_policy", doing, "PolicyDocument", RoleName=role, PolicyName=policy)
        document = answer["PolicyDocument"]
        return json.loads(unquote(document)) if isinstance(document, str) else document


def _is_made(found: Found | None, tags: Mapping[str, str]) -> bool:
    """Whether it is there after all: another setup was faster, or an answer was lost."""
    return found is not None and found.setup == tags[TAG]


def _setup(raw: Raw) -> str | None:
    return next((item["Value"] for item in raw.get("Tags") or () if item["Key"] == TAG), None)


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
