"""Every error that batch_helpers raises.

BatchHelpersError                     catch this to catch everything of ours
├── InvalidInput (ValueError)         the caller can mend it; nothing has been submitted
│   ├── InvalidJob                    one field of one job
│   ├── InvalidSamples                one cell of a metadata table
│   ├── CycleError                    jobs that wait for each other
│   ├── UnknownDependency             a dependency that is neither a job of the call nor a jobId
│   ├── OutputConflict                different jobs that write one output
│   └── MissingExtra                  a feature whose optional packages are not installed
└── ServiceError                      the world said no
    ├── CredentialsError              no credentials, or refused ones: never retried
    ├── AccessDenied                  known to the service, but not allowed
    ├── NotFound                      a queue, definition, bucket or job that does not exist
    ├── Throttled                     certainly refused for its rate; safe to send again
    ├── Unreachable                   no connection, or no answer in time
    ├── TimedOut                      waiting took longer than was allowed; the jobs go on
    ├── AmbiguousAnswer               the request may or may not have been carried out
    └── SubmitFailed                  a submission stopped on the way; carries what was accepted
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class BatchHelpersError(Exception):
    """The root of the tree; its text says what, where, and what to do next."""


class InvalidInput(BatchHelpersError, ValueError):
    """Something that the caller gave is wrong; nothing was submitted."""


class InvalidJob(InvalidInput):
    """A job's field has a value that cannot work.

    Attributes: `job` is the job's name, `field` the argument's name, `value` what was given.
    """

    def __init__(self, job: str, field: str, value: Any, problem: str) -> None:
        self.job, self.field, self.value = job, field, value
        super().__init__(f"job {job!r}: {field}={_shown(value)}: {problem}")


class InvalidSamples(InvalidInput):
    """A metadata table cannot be used as it is; the text names the file, row and column."""


class CycleError(InvalidInput):
    """Jobs depend on each other in a circle; `cycle` holds their names, the first one repeated at the end."""

    def __init__(self, cycle: Sequence[str]) -> None:
        self.cycle = tuple(cycle)
        names = list(self.cycle)
        if len(names) > 12:
            names[6:-5] = [f"… {len(names) - 11} more …"]
        super().__init__(f"these jobs wait for each other: {' -> '.join(names)}; remove one of these dependencies")


class UnknownDependency(InvalidInput):
    """A job depends on something that nobody knows."""


class OutputConflict(InvalidInput):
    """Two different jobs claim one output."""


class MissingExtra(InvalidInput):
    """A feature needs packages that are not installed; `extra` names the group that brings them."""

    def __init__(self, what: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{what} needs packages that are not installed: pip install 'batch_helpers[{extra}]'")


class ServiceError(BatchHelpersError):
    """A service, a file system or a process answered with an error."""


class CredentialsError(ServiceError):
    """There are no credentials, or the service refused them."""


class AccessDenied(ServiceError):
    """The credentials are good, but not allowed to do this."""


class NotFound(ServiceError):
    """A named resource does not exist."""


class Throttled(ServiceError):
    """The service refused the request for its rate: it was not carried out."""


class Unreachable(ServiceError):
    """No connection could be made, or no answer came in time."""


class TimedOut(ServiceError):
    """Waiting took longer than was allowed; the jobs go on."""


class AmbiguousAnswer(ServiceError):
    """The answer was lost or cut short: the request may or may not have been carried out."""


class SubmitFailed(ServiceError):
    """A submission stopped on the way.

    Attributes: `submitted` maps positions in the sequence given to `Engine.submit` to the jobIds accepted until then.
    """

    def __init__(self, message: str, submitted: dict[int, str]) -> None:
        self.submitted = submitted
        super().__init__(message)


def _shown(value: Any, longest: int = 120) -> str:
    text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"
