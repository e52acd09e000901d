"""What a look at the world has found: one line, a verdict and a remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

from batch_helpers.words import printable


class Verdict(StrEnum):
    """Whether something is as it must be; `unknown` is for what could not be looked at, and the line says why."""

    OK = "ok"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check.

    check: what was looked at, in a word. remedy: a command that mends it, or else advice; empty when nothing is wrong.
    """

    check: str
    verdict: Verdict
    text: str
    remedy: str = ""

    def to_dict(self) -> dict[str, str]:
        """Plain data for JSON."""
        return asdict(self)


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, text)


def problem(check: str, text: str, remedy: str) -> Finding:
    """Something will go wrong."""
    return Finding(check, Verdict.PROBLEM, text, remedy)


def unknown(check: str, text: str, remedy: str = "") -> Finding:
    """It could not be found out; the text says why."""
    return Finding(check, Verdict.UNKNOWN, text, remedy)


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """Those that say that something will go wrong."""
    return [item for item in findings if item.verdict is Verdict.PROBLEM]


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """A line for each finding, and one below it for its remedy; harmless to a terminal."""
    lines = []
    for item in findings:
        lines.append(printable(f"{item.verdict:<8} {item.check:<12} {item.text}"))
        if item.remedy:
            lines.append(printable(f"{'':<8} {'':<12} -> {item.remedy}"))
    return lines
