"""How times and other people's texts are put."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def duration(seconds: float) -> str:
    """Seconds as a person says them: `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def roughly(seconds: float) -> str:
    """Seconds as a person guesses them: `20 s`, `13 min`, `2 h 5 min`."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def printable(text: str) -> str:
    """Text of somebody else's, with what could steer a terminal made visible."""
    return "".join(char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def ago(seconds: float) -> str:
    """How long ago, roughly: `just now`, `5 min ago`, `2 h ago`, `3 days ago`."""
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 2 * 86400:
        return f"{seconds // 3600:.0f} h ago"
    return f"{seconds // 86400:.0f} days ago"


def nearest(name: str, known: Collection[str]) -> str:
    """`; did you mean 'x'?`, or the names there are, for a message about a name that is unknown."""
    by_case = {item.lower(): item for item in known}
    close = get_close_matches(name.lower(), by_case, n=1)
    if close:
        return f"; did you mean {by_case[close[0]]!r}?"
    shown = ", ".join(sorted(known)[:10])
    return f"; there are: {shown}" if shown else "; there are none yet"
