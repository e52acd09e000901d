"""From a CloudClient's arguments to its cloud, and to its pools."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from batch_helpers.azure_client import AzureAccess
from batch_helpers.azure_client.settings import VARIABLES
from batch_helpers.cloudops.cloud import Cloud
from batch_helpers.errors import InvalidInput
from batch_helpers.resources.azure import Mount, PoolSpec

ENGINES = ("azure", "local")


def make_cloud(
    engine: str,
    access: AzureAccess,
    *,
    directory: str,
    containers: str | None,
    sleep: Callable[[float], None] = time.sleep,
) -> Cloud:
    if engine == "azure":
        from batch_helpers.cloudops.azure import AzureCloud

        return AzureCloud(access, sleep=sleep)
    if engine == "local":
        from batch_helpers.cloudops.local import LocalCloud

        return LocalCloud(directory, containers=containers, sleep=sleep)
    raise InvalidInput(f"engine {engine!r} is not known; there are: {', '.join(ENGINES)}")


def make_access(dotenv_path: str | None, *, use_sp: bool, use_federated: bool, given: Mapping[str, Any]) -> AzureAccess:
    """given: settings by the names of their variables in lower case, such as azure_tenant_id."""
    if use_sp and use_federated:
        raise InvalidInput("use_sp and use_federated: give one or the other")
    method = "service_principal" if use_sp else "workload_identity" if use_federated else "auto"
    names = {variable.lower(): name for name, variable in VARIABLES.items()}
    unknown = [name for name in given if name not in names]
    if unknown:
        raise InvalidInput(f"{unknown[0]!r} is no setting; there are: {', '.join(sorted(names))}")
    return AzureAccess({names[name]: value for name, value in given.items()}, dotenv_path, method=method)


def mounts(given: Any) -> tuple[Mount, ...]:
    """Containers as names, as pairs of container and path, or as {'source': …, 'target': …}."""
    if given is None:
        return ()
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidInput(f"mounts={given!r}: give a list of containers, or of {{'source': …, 'target': …}}")
    return tuple(map(_mount, given))


def pool_spec(name: str, access: AzureAccess | None, **fields: Any) -> PoolSpec:
    """A pool with the identity, subnet and registry of the settings."""
    if access is not None:
        settings = access.settings
        fields |= {"identity": settings.identity, "subnet": settings.subnet}
        if settings.registry and fields.get("container_image"):
            server = settings.registry if "." in settings.registry else f"{settings.registry}.azurecr.io"
            fields["registry"] = server
    return PoolSpec(name, **fields)


def _mount(given: Any) -> Mount:
    if isinstance(given, str):
        return Mount(given, given)
    if isinstance(given, Mapping) and {"source", "target"} == given.keys():
        return Mount(str(given["source"]), str(given["target"]))
    if isinstance(given, tuple | list) and len(given) == 2:
        return Mount(str(given[0]), str(given[1]))
    raise InvalidInput(f"mounts: {given!r}: give a container's name, or {{'source': …, 'target': …}}")
