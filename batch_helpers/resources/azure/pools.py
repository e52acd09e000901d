"""Creating, comparing, listing and deleting pools."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from batch_helpers.azure_client import AzureAccess, azure_errors
from batch_helpers.azure_client.patience import patience
from batch_helpers.errors import CredentialsError, InvalidInput, NotFound, ServiceError
from batch_helpers.resources.azure.body import differences, pool_body
from batch_helpers.resources.azure.spec import PoolSpec
from batch_helpers.words import nearest

_PATIENCE, _PAUSE = 600.0, 2.0


class PoolLine(NamedTuple):
    """A pool in a list. nodes: dedicated and spot ones that there are at this moment."""

    name: str
    vm_size: str
    nodes: int
    slots: int
    state: str


class PoolManager:
    """The pools of an account.

    Needs AZURE_SUBSCRIPTION_ID and AZURE_RESOURCE_GROUP_NAME, and a credential for Azure's resource manager: a key of
    the Batch account is not enough. sleep: how it waits.
    """

    def __init__(self, access: AzureAccess | None = None, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._access, self._sleep = access or AzureAccess(), sleep
        self._retrying = patience(sleep)

    def create(self, spec: PoolSpec, *, replace: bool = False) -> str:
        """Make a pool: `created`, `exists` when there is one that is like it, or `replaced`.

        Raises InvalidInput, with what differs, when there is another one of this name and it is not to be replaced.
        """
        body = self._body(spec)
        there = self._get(spec.name)
        if there is None:
            self._put(spec.name, body)
            return "created"
        differing = list(differences(body, there))
        if not differing:
            return "exists"
        if not replace:
            raise InvalidInput(
                f"pool {spec.name!r} exists and differs: {'; '.join(differing)}: replace it, or rename this"
            )
        self.delete(spec.name)
        self._put(spec.name, body)
        return "replaced"

    def delete(self, name: str) -> None:
        """Delete a pool, and wait until it is gone; NotFound, with the nearest name, when there is none."""
        if self._get(name) is None:
            raise NotFound(f"pool {name!r} does not exist{nearest(name, [pool.name for pool in self.list()])}")
        self._ask(f"delete pool {name!r}", "begin_delete", name, polling=False)
        waited = 0.0
        while self._get(name) is not None:
            if waited >= _PATIENCE:
                raise ServiceError(
                    f"pool {name!r} is being deleted, but is still there after {waited:.0f} s: look later"
                )
            self._sleep(_PAUSE)
            waited += _PAUSE

    def list(self) -> Sequence[PoolLine]:
        """The account's pools by name."""
        raws = self._ask("list the pools", "list_by_batch_account")
        return sorted(_line(raw) for raw in raws)

    def _body(self, spec: PoolSpec) -> dict[str, Any]:
        settings = self._access.settings
        if spec.mounts:
            doing = f"mount containers in pool {spec.name!r}"
            settings.require("storage_account", doing)
            if not spec.identity and not settings.storage_key:
                settings.require("identity", f"{doing} (AZURE_STORAGE_KEY is not set either)")
        return pool_body(spec, settings.storage_account, settings.storage_key)

    def _get(self, name: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._ask(f"look up pool {name!r}", "get", name)
        except NotFound:
            return None
        return found

    def _put(self, name: str, body: Mapping[str, Any]) -> None:
        self._ask(f"create pool {name!r}", "create", name, body)

    def _ask(self, doing: str, operation: str, *args: Any, **options: Any) -> Any:
        return self._retrying(self._call, doing, operation, args, options)

    def _call(self, doing: str, operation: str, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
        settings = self._access.settings
        try:
            group = settings.require("resource_group", doing)
            account = settings.require("batch_account", doing)
            client = self._access.management
        except CredentialsError as exc:
            raise CredentialsError(
                f"{exc}; pools are made by Azure's resource manager, for which a key is not enough"
            ) from exc
        with azure_errors(doing):
            answer = getattr(client.pool, operation)(group, account, *args, **options)
            return list(answer) if operation == "list_by_batch_account" else answer


def _line(raw: Mapping[str, Any]) -> PoolLine:
    properties = raw.get("properties") or {}
    nodes = (properties.get("currentDedicatedNodes") or 0) + (properties.get("currentLowPriorityNodes") or 0)
    state = str(properties.get("allocationState") or properties.get("provisioningState") or "")
    return PoolLine(raw["name"], properties.get("vmSize") or "", nodes, properties.get("taskSlotsPerNode") or 1, state)
