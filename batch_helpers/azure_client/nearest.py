"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


def nearest(name: str, known: Sequence[str]) -> str:
    """`; did you mean 'x'?`, or the names there are, for a message about a name that is unknown."""
    by_case = {item.lower(): item for item in known}
    close = get_close_matches(name.lower(), by_case, n=1)
    if close:
        return f"; did you mean {by_case[close[0]]!r}?"
    shown = ", ".join(sorted(known)[:10])
    return f"; there are: {shown}" if shown else "; there are none yet"
