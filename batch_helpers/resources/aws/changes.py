"""How what is wanted differs from what is there. Pure.

Both are in the words of AWS Batch's own requests; what is not wanted in particular does not count. Objects within
computeResources, such as the launch template, are updated as a whole, so they differ as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from batch_helpers.resources.aws.checks import short

_REFERENCES = frozenset(
    {"serviceRole", "instanceRole", "spotIamFleetRole", "computeEnvironment", "jobRoleArn", "executionRoleArn"}
)
_SETS = frozenset({"subnets", "securityGroupIds", "instanceTypes", "environment", "resourceRequirements"})
_IN_ORDER = frozenset({"BEST_FIT_PROGRESSIVE_ORDERED", "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED"})
_LONGEST = 80


class Change(NamedTuple):
    """One member that differs. path: of its names, from the outside in."""

    path: tuple[str, ...]
    there: Any
    wanted: Any

    def __str__(self) -> str:
        name = f"tag {self.path[1]}" if self.path[0] == "tags" else self.path[-1]
        return f"{name} {_shown(self.there)} -> {_shown(self.wanted)}"


def changes(wanted: Mapping[str, Any], there: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[Change]:
    """The members of `wanted` that are otherwise, or not, in `there`."""
    ordered = wanted.get("allocationStrategy") in _IN_ORDER
    for name, value in wanted.items():
        other = there.get(name)
        if isinstance(value, Mapping):
            inner = list(changes(value, other if isinstance(other, Mapping) else {}, (*path, name)))
            whole = Change((*path, name), other, {**(other or {}), **value} if name == "tags" else value)
            yield from [whole] if path and inner else inner
        elif _folded(name, value, ordered=ordered) != _folded(name, _mentioned(value, other), ordered=ordered):
            yield Change((*path, name), other, value)


def _mentioned(wanted: Any, there: Any) -> Any:
    """Of objects in a list, what those that are wanted have too; AWS Batch adds what was not asked for."""
    if isinstance(wanted, list) and isinstance(there, list) and all(isinstance(item, Mapping) for item in wanted):
        names = {name for item in wanted for name in item}
        return [{name: value for name, value in item.items() if name in names} for item in there]
    return there


def _folded(name: str, value: Any, *, ordered: bool) -> Any:
    """The value so that two that mean the same are equal: names for ARNs, and no order where none counts."""
    if isinstance(value, Mapping):
        return {key: _folded(key, item, ordered=ordered) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [_folded(name, item, ordered=ordered) for item in value]
        unordered = name in _SETS and not (ordered and name == "instanceTypes")
        return (sorted(items, key=_order) if unordered else items) or None
    if name in _REFERENCES and isinstance(value, str):
        return short(value)
    return value


def _shown_members(value: Mapping[str, Any]) -> str:
    if value.keys() == {"name", "value"}:
        return f"{value['name']}=…"  # a variable of a job's environment may be a secret
    if "computeEnvironment" in value:
        return short(value["computeEnvironment"])
    return " ".join(f"{key}={_shown(item)}" for key, item in value.items())


def _order(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        text = ", ".join(_shown(item) for item in value)
    elif isinstance(value, Mapping):
        text = _shown_members(value)
    else:
        text = short(value) if isinstance(value, str) and value.startswith("arn:") else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
