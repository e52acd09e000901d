"""What can be set: the names, as the files of ezbatch spell them, and what a value must be. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from batch_helpers.samples.nearest import did_you_mean, listed

ENGINES = ("aws", "local", "azure")
ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. read: its value from what a file or the environment says; raises ValueError with what to give."""

    name: str
    read: Callable[[Any], Any]
    about: str
    default: Any = None

    @property
    def variable(self) -> str:
        """The variable of the environment that sets it: `BATCH_HELPERS_MAX_VCPUS` for `maxvCpus`."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name.replace("vCpus", "Vcpus"))
        return f"BATCH_HELPERS_{words.upper()}"


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("give a text, in quotes")  # noqa: TRY004
    return given


def _texts(given: Any) -> tuple[str, ...]:
    items = [item.strip() for item in given.split(",")] if isinstance(given, str) else given
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError('give a list of texts, as ["a", "b"], or a,b in the environment')
    return tuple(filter(None, items))


def _whole(given: Any) -> int:
    number = int(given) if isinstance(given, str) and given.isascii() and given.isdigit() else given
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError("give a whole number, 1 or more")
    return number


def _rate(given: Any) -> float:
    try:
        number = float(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError("give requests per second, a number above 0")
    return number


def _switch(given: Any) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    switch = words.get(given.strip().lower()) if isinstance(given, str) else given
    if not isinstance(switch, bool):
        raise ValueError("give true or false")  # noqa: TRY004
    return switch


def _one_of(*known: str) -> Callable[[Any], str]:
    def read(given: Any) -> str:
        if given not in known:
            raise ValueError(f"give one of {listed(known)}{did_you_mean(str(given), known)}")
        return str(given)

    return read


_ALL = (
    Key("engine", _one_of(*ENGINES), "where jobs run", "aws"),
    Key("queue", _text, "the job queue of jobs that name none"),
    Key("outputs", _text, "where outputs go, as s3://bucket/prefix"),
    Key("rate", _rate, "the most requests to AWS Batch per second"),
    Key("array", _switch, "whether jobs that are alike are submitted as array jobs on AWS"),
    Key("spill", _text, "where commands and tables go that are too long for AWS Batch, as s3://bucket/prefix"),
    Key("executionRoleArn", _text, "the role with which Fargate starts jobs"),
    Key("taskRoleArn", _text, "the role of the jobs' own calls to AWS"),
    Key("serviceRole", _text, "the role of compute environments"),
    Key("instanceRole", _text, "the instance profile of compute environments with instances"),
    Key("maxvCpus", _whole, "the most vCPUs of a compute environment", 256),
    Key("subnets", _texts, "the subnets of compute environments"),
    Key("securityGroupIds", _texts, "the security groups of compute environments"),
    Key("sse", _one_of(*ENCRYPTIONS), "how S3 encrypts what scripts upload"),
    Key("sseKmsKeyId", _text, "the key for the latter"),
)

KEYS: Mapping[str, Key] = MappingProxyType({key.name: key for key in _ALL})
"""All settings by name."""
