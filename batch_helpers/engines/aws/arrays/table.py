"""An array's table: a line for each child, in the language of the shell that runs it. Pure."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from batch_helpers.engines.aws import limits
from batch_helpers.engines.aws.definition import Definition
from batch_helpers.engines.aws.spill import check_words
from batch_helpers.errors import InvalidJob, ServiceError
from batch_helpers.job import NAME_LIMIT, Job, sanitized

DIGITS = 32
BLOCK = 100
"""Children whose lines are fetched together, so that a child reads some kilobytes, whatever the array's size."""

_MARK = "-array-"
_NAMED = re.compile(rf".+{_MARK}([0-9a-f]{{{DIGITS}}})")
_EXPORTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELLS_OWN = frozenset({"_", "BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})


@dataclass(frozen=True)
class Table:
    """What each child of an array runs, and whose name, and so whose fingerprint, it bears.

    content: lines in the order of the indexes: `<index> <full name> <shell code> #<index>`.
    """

    content: bytes

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:DIGITS]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The children's full names, by index. Raises ServiceError for what is no table."""
        try:
            return tuple(line.split(b" ", 2)[1].decode() for line in self._lines)
        except (IndexError, UnicodeDecodeError) as exc:
            raise ServiceError("it is malformed") from exc

    @cached_property
    def blocks(self) -> tuple[int, ...]:
        """Where each block of lines begins, in bytes, and where the last one ends."""
        places = [0]
        for first in range(0, len(self._lines), BLOCK):
            places.append(places[-1] + sum(len(line) + 1 for line in self._lines[first : first + BLOCK]))
        return tuple(places)

    @property
    def _lines(self) -> list[bytes]:
        return self.content.split(b"\n")[:-1]


def table_of(jobs: Sequence[Job], definition: Definition) -> Table:
    """The table of jobs that have commands of their own or of their definition. Raises InvalidJob for one too long."""
    return Table(b"".join(_line(index, job, definition) for index, job in enumerate(jobs)))


def array_name(stage: str, table: Table) -> str:
    """The name of an array's parent: `<stage>-array-<32 hex digits of its table>`; it is no job's full name."""
    return f"{sanitized(stage)[: NAME_LIMIT - DIGITS - len(_MARK)]}{_MARK}{table.digest}"


def digest_in(name: str) -> str | None:
    """The digest of the table in the name of an array of ours; None for any other name."""
    match = _NAMED.fullmatch(name)
    return match[1] if match else None


def _line(index: int, job: Job, definition: Definition) -> bytes:
    line = f"{index} {job.full_name} {_code(job, definition)} #{index}\n"
    try:
        return line.encode(errors="surrogateescape")
    except UnicodeEncodeError as exc:
        raise InvalidJob(job.name, "command", job.command, "it is not Unicode text") from exc


def _code(job: Job, definition: Definition) -> str:
    """Shell code on one line that sets a job's environment, and its command as the shell's arguments."""
    parameters = {**definition.parameters, **job.parameters}
    words = [limits.substituted(word, parameters) for word in job.command or definition.command]
    exported = {name for name in job.environment if _EXPORTED.fullmatch(name) and name not in _SHELLS_OWN}
    others = [f"{name}={value}" for name, value in job.environment.items() if name not in exported]
    words = ["env", *others, *words] if others else words
    check_words(job, words)
    exports = [f"export {name}={_quoted(job.environment[name])}; " for name in job.environment if name in exported]
    return "".join(exports) + f"set -- {' '.join(map(_quoted, words))}"


def _quoted(word: str) -> str:
    """For the shell, on one line: the scripts of the carriers keep a newline in _bh_n."""
    return shlex.quote(word).replace("\n", "'\"$_bh_n\"'")
