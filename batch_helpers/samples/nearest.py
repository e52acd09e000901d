"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known word that is most like this one, or nothing."""
    by_case = {item.casefold(): item for item in known}
    close = get_close_matches(word.casefold(), by_case, n=1)
    return f"; did you mean {by_case[close[0]]!r}?" if close else ""


def listed(words: Iterable[str], most: int = 20) -> str:
    """The words in quotes, with commas; a long list is cut short."""
    shown = [repr(word) for word in words]
    rest = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {rest} more" if rest > 0 else "")
