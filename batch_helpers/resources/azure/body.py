"""PoolSpec -> the resource manager's pool, and how two of them differ. Pure.

https://learn.microsoft.com/rest/api/batchmanagement/pool/create
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batch_helpers.resources.azure.spec import Mount, PoolSpec

_FORMULA = """\
maxNodes = {most};
slots = {slots};
window = TimeInterval_Minute * 15;
now = max(0, $PendingTasks.GetSample(1));
tasks = $PendingTasks.GetSamplePercent(window) < 70 ? now : max(now, avg($PendingTasks.GetSample(window)));
$TargetDedicatedNodes = min(maxNodes, ceil(tasks / slots));
$NodeDeallocationOption = taskcompletion;
"""
"""As many nodes as the tasks of the last quarter of an hour fill, and none when there are none."""

_IMAGE = {"publisher": "microsoft-dsvm", "offer": "ubuntu-hpc", "sku": "2204", "version": "latest"}
_AGENT = "batch.node.ubuntu 22.04"
_SECRET = frozenset({"accountKey", "sasKey", "password"})


def pool_body(spec: PoolSpec, account: str | None, key: str | None = None) -> dict[str, Any]:
    """The pool to create. account, key: the storage account of the mounts; the pool's identity is used before a key."""
    properties: dict[str, Any] = {
        "vmSize": spec.size,
        "taskSlotsPerNode": spec.slots,
        "deploymentConfiguration": {"virtualMachineConfiguration": _machine(spec)},
        "scaleSettings": _scale(spec),
    }
    if spec.mounts:
        properties["mountConfiguration"] = [_mounted(spec, mount, account, key) for mount in spec.mounts]
    if spec.subnet:
        properties["networkConfiguration"] = {"subnetId": spec.subnet}
    body: dict[str, Any] = {"properties": properties}
    if spec.identity:
        body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {spec.identity: {}}}
    return body


def differences(wanted: Any, there: Any, where: str = "") -> Iterator[str]:
    """What is wanted and is otherwise there, as `path: x there, y wanted`; what is not mentioned does not count."""
    if isinstance(wanted, Mapping):
        for name, value in wanted.items():
            if name not in _SECRET:
                path = f"{where}.{name}" if where else name
                yield from differences(value, there.get(name) if isinstance(there, Mapping) else None, path)
    elif isinstance(wanted, list):
        if not isinstance(there, list) or len(there) != len(wanted):
            yield _difference(where, wanted, there)
            return
        for place, (mine, theirs) in enumerate(zip(wanted, there, strict=True)):
            yield from differences(mine, theirs, f"{where}[{place}]")
    elif _folded(wanted) != _folded(there):
        yield _difference(where, wanted, there)


def _machine(spec: PoolSpec) -> dict[str, Any]:
    placement = {"policy": spec.zones.capitalize()}
    machine: dict[str, Any] = {
        "imageReference": dict(_IMAGE),
        "nodeAgentSkuId": _AGENT,
        "nodePlacementConfiguration": placement,
    }
    if spec.container_image:
        containers: dict[str, Any] = {"type": "DockerCompatible", "containerImageNames": [spec.container_image]}
        if spec.registry:
            registry: dict[str, Any] = {"registryServer": spec.registry}
            if spec.identity:
                registry["identityReference"] = {"resourceId": spec.identity}
            containers["containerRegistries"] = [registry]
        machine["containerConfiguration"] = containers
    return machine


def _scale(spec: PoolSpec) -> dict[str, Any]:
    if spec.fixed is not None:
        dedicated, spot = spec.fixed
        return {"fixedScale": {"targetDedicatedNodes": dedicated, "targetLowPriorityNodes": spot}}
    formula = spec.formula or _FORMULA.format(most=spec.max_nodes, slots=spec.slots)
    return {"autoScale": {"formula": formula, "evaluationInterval": "PT5M"}}


def _mounted(spec: PoolSpec, mount: Mount, account: str | None, key: str | None) -> dict[str, Any]:
    options = "-o allow_other" if spec.cache else "-o allow_other -o direct_io"
    mounted: dict[str, Any] = {
        "accountName": account,
        "containerName": mount.source,
        "relativeMountPath": mount.target,
        "blobfuseOptions": options,
    }
    if spec.identity:
        mounted["identityReference"] = {"resourceId": spec.identity}
    else:
        mounted["accountKey"] = key
    return {"azureBlobFileSystemConfiguration": mounted}


def _difference(where: str, wanted: Any, there: Any) -> str:
    return f"{where.removeprefix('properties.')}: {_shown(there)} there, {_shown(wanted)} wanted"


def _shown(value: Any, longest: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def _folded(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value
