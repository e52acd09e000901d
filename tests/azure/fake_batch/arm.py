"""Pools by the resource manager, and as the Batch account shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.azure.fake_batch.service import Pool, Service, now

SUBSCRIPTION, GROUP, ACCOUNT = "00000000-0000-4000-8000-000000000001", "fake-group", "fakeaccount"
_BASE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Batch/batchAccounts/{ACCOUNT}"
_POOL = re.compile(rf"{_BASE}/pools/([^/]+)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

Result = tuple[int, Any, Mapping[str, str]]


def handle(service: Service, base: str, method: str, path: str, body: Any) -> Result:
    with service.lock:
        if path.lower() == f"{_BASE}/pools".lower() and method == "GET":
            return 200, {"value": [_shown(pool) for pool in service.pools.values()]}, {}
        if path.endswith("/operationResults/done"):
            return 200, None, {}
        match = _POOL.fullmatch(path)
        if match is None:
            return _error(404, "ResourceNotFound", f"{path} was not found.")
        if method == "PUT":
            return _put(service, match[1], body)
        if match[1].lower() not in service.pools:
            gone = method == "DELETE"
            return (204, None, {}) if gone else _error(404, "PoolNotFound", "The specified pool does not exist.")
        if method == "DELETE":
            service.pools.pop(match[1].lower()).deleting = True
            return 202, None, {"Location": f"{base}/subscriptions/operationResults/done?api-version=2025-06-01"}
        return 200, _shown(service.pools[match[1].lower()]), {}


def data_plane(pool: Pool) -> dict[str, Any]:
    """https://learn.microsoft.com/rest/api/batchservice/pools/get-pool"""
    properties = pool.properties
    machine = dict(properties.get("deploymentConfiguration", {}).get("virtualMachineConfiguration", {}))
    scale = properties.get("scaleSettings", {})
    return {
        "id": pool.name,
        "state": "active",
        "allocationState": "steady",
        "creationTime": pool.created,
        "vmSize": properties.get("vmSize"),
        "taskSlotsPerNode": properties.get("taskSlotsPerNode", 1),
        "currentDedicatedNodes": 1 if pool.slots else 0,
        "currentLowPriorityNodes": 0,
        "enableAutoScale": "autoScale" in scale,
        "virtualMachineConfiguration": machine,
        "mountConfiguration": properties.get("mountConfiguration") or [],
    }


def _put(service: Service, name: str, body: Any) -> Result:
    properties = (body or {}).get("properties") or {}
    if not _NAME.fullmatch(name) or not properties.get("vmSize"):
        return _error(400, "InvalidRequestBody", "The pool's name or its vmSize is not valid.")
    machine = properties.get("deploymentConfiguration", {}).get("virtualMachineConfiguration", {})
    if not machine.get("imageReference") or not machine.get("nodeAgentSkuId"):
        return _error(400, "InvalidPropertyValue", "virtualMachineConfiguration is not whole.")
    scale = properties.get("scaleSettings") or {}
    if ("autoScale" in scale) == ("fixedScale" in scale):
        return _error(400, "InvalidPropertyValue", "scaleSettings needs exactly one of autoScale and fixedScale.")
    pool = Pool(name, {**properties, "identity": body.get("identity")}, properties.get("taskSlotsPerNode") or 1)
    service.pools[name.lower()] = pool
    return 200, _shown(pool), {}


def _shown(pool: Pool) -> dict[str, Any]:
    properties = {name: value for name, value in pool.properties.items() if name != "identity"}
    state = {"provisioningState": "Succeeded", "allocationState": "Steady", "creationTime": now()}
    shown = {"id": f"{_BASE}/pools/{pool.name}", "name": pool.name, "type": "Microsoft.Batch/batchAccounts/pools"}
    whole: dict[str, Any] = {**shown, "properties": {**properties, **state}}
    if pool.properties.get("identity"):
        whole["identity"] = pool.properties["identity"]
    return whole


def _error(status: int, code: str, message: str) -> Result:
    return status, {"error": {"code": code, "message": message}}, {}
