"""The causes of failures, and the reason strings that tell them.

AWS: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html and
https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
Azure: https://learn.microsoft.com/rest/api/batchservice/batch-status-and-error-codes
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What a failure comes from; each has its own remedy and its own way to recover."""

    SPOT_RECLAIM = "spot reclaim"
    HOST_LOST = "host lost"
    OUT_OF_MEMORY = "out of memory"
    DISK = "disk"
    ROLE = "role"
    IMAGE_PULL = "image pull"
    START = "failed to start"
    TIMEOUT = "timeout"
    LIMIT = "service limit"
    CAPACITY = "no capacity"
    CONFIGURATION = "misconfiguration"
    CANCELLED = "cancelled"
    UPSTREAM = "upstream"
    MISSING_OUTPUTS = "missing outputs"
    LOST = "lost"
    APPLICATION = "application exit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason that matches `pattern` means `cause`. passing: the same job may do well when it is tried again."""

    cause: Cause
    pattern: re.Pattern[str]
    remedy: str
    passing: bool = False


def _rule(cause: Cause, pattern: str, remedy: str, *, passing: bool = False) -> Rule:
    return Rule(cause, re.compile(pattern, re.IGNORECASE), remedy, passing)


# The first rule that matches wins: what a message says in particular stands before what it says in general.
RULES = (
    _rule(
        Cause.MISSING_OUTPUTS,
        r"^missing outputs",
        "the command exited 0 without leaving its outputs: compare the paths that it writes with the job's outputs",
    ),
    _rule(
        Cause.LOST,
        r"^lost: the service has forgotten",
        "run the same script again: what is missing is submitted again",
    ),
    _rule(
        Cause.UPSTREAM,
        r"dependent job failed|upstream failed|dependency .{0,60}failed",
        "mend the job that it waits for; this one then runs with it",
    ),
    _rule(
        Cause.OUT_OF_MEMORY,
        r"outofmemory|out of memory|killed due to memory usage|\boom[- ]?kill|cannot allocate memory",
        "raise memory, or pass memory_growth=2",
    ),
    _rule(
        Cause.DISK,
        r"no space left on device|disk ?full|disk quota exceeded|ephemeral storage.{0,40}(exceed|full)",
        "write less, or give the job a larger disk (ephemeralStorage, or the launch template's volume)",
    ),
    _rule(
        Cause.SPOT_RECLAIM,
        r"host ec2 .{0,80}terminated|spot (task|instance|capacity) was interrupted|spot interruption|\bpreempt",
        "give attempts, or a fallback_queue with on-demand capacity",
        passing=True,
    ),
    _rule(
        Cause.HOST_LOST,
        r"host (was )?terminated|node (was )?(lost|removed|unusable)|agent (was )?disconnected",
        "run the same script again: what is missing is submitted again",
        passing=True,
    ),
    _rule(
        Cause.TIMEOUT,
        r"job attempt duration exceeded timeout|max ?wall ?clock ?time|exceeded its timeout",
        "raise timeout, or find out from its log why the job takes so long",
    ),
    _rule(
        Cause.LIMIT,
        r"container overrides length must be|overrides? .{0,40}too (long|large)"
        r"|(too many|number of) tags|tags? .{0,20}exceed",
        "the request is too large for the service: move long commands, environments or tags into a file",
    ),
    _rule(
        Cause.CAPACITY,
        r"capacity:|insufficient.{0,20}capacity",
        "no such instance is to be had: allow more instance types, zones or an on-demand environment",
        passing=True,
    ),
    _rule(
        Cause.ROLE,
        r"misconfiguration:service_role_permissions",
        "the compute environment's service role lacks permissions: attach AWSBatchServiceRole to it",
    ),
    _rule(
        Cause.CONFIGURATION,
        r"misconfiguration:compute_environment_max_resource",
        "the job asks for more than maxvCpus of its compute environments: raise maxvCpus, or ask for less",
    ),
    _rule(
        Cause.CONFIGURATION,
        r"misconfiguration:job_resource_requirement",
        "no instance type of the queue fits what the job asks for: ask for less, or allow larger types",
    ),
    _rule(
        Cause.CONFIGURATION,
        r"misconfiguration:|action_required",
        "the queue or its compute environments need a change: batch-helpers doctor --queue says which",
    ),
    _rule(
        Cause.IMAGE_PULL,
        r"(pull|image|manifest).{0,200}(not found|unknown|does not exist|invalid reference|no match for platform)"
        r"|pull access denied|containerinvalidimage|containerinvalidregistry",
        "check the image's name, tag and architecture: the registry has no such image",
    ),
    _rule(
        Cause.ROLE,
        r"access ?denied|not authorized|unauthorized|unable to assume|assume.{0,20}role|blobaccessdenied"
        r"|no basic auth credentials|(execution|task) role",
        "the task or execution role may not do this: add the action named here to its policy",
    ),
    _rule(
        Cause.IMAGE_PULL,
        r"toomanyrequests|pull rate limit",
        "the registry limits pulls: log in to it, or mirror the image (ECR pull-through cache)",
        passing=True,
    ),
    _rule(
        Cause.IMAGE_PULL,
        r"cannotpullcontainer|cannot ?pull|pull ?image|image ?pull|pull registry auth|containerpullfailed",
        "the image could not be fetched: see whether the subnet has a route to the registry",
        passing=True,
    ),
    _rule(
        Cause.APPLICATION,
        r"container \[\S+\] exited with code",
        "a container of the task failed, and those behind it did not start: look at its log: batch-helpers logs",
    ),
    _rule(
        Cause.START,
        r"command ?program ?not ?found|executable file not found|exec format error|no such file or directory",
        "the image has no such program (or it is for another architecture): check the command and the image",
    ),
    _rule(
        Cause.START,
        r"task failed to start|cannotstartcontainer|cannotcreatecontainer|cannotinspectcontainer|cannotcreatevolume"
        r"|resourceinitializationerror|(container\w*|docker)timeouterror|commandlaunchfailed|failed to start",
        "the container could not be started: the reason names what it lacked (log driver, volume, secret, network)",
        passing=True,
    ),
    _rule(
        Cause.CANCELLED,
        r"\bcancell?ed\b|terminated by (the )?user|ended by user|user (request|initiated)|job (was )?terminated",
        "nothing is wrong with it: run the same script again to have it",
    ),
)

EXITED = re.compile(
    r"essential container in task exited|failureexitcode|exited with (an exit )?code|^exit(ed)?\b", re.I
)
"""Reasons that only say that the command ended: the exit code says how."""

UNDETERMINED = re.compile(r"\bundetermined\b", re.IGNORECASE)
