"""The small results of many jobs as one table."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from batch_helpers.errors import InvalidInput, NotFound
from batch_helpers.stores.base import Store

if TYPE_CHECKING:
    import pandas as pd

_AT_ONCE = 16
_MOST_NAMED = 10


def collect(
    uris: Iterable[str] | Mapping[str, str], *, store: Store | None = None, missing_ok: bool = False
) -> pd.DataFrame:
    """Read JSON (`.json`), JSON lines (`.jsonl`, `.ndjson`), CSV (`.csv`) and TSV (`.tsv`) results into one table.

    uris: objects or files; or by jobs' names, which then fill a column `job`. The first column, `uri`, tells where a
    row is from. A JSON object is one row, a list of objects one row each; objects inside become columns as `a.b`.
    store: where to read; by default by the URIs' schemes. missing_ok: leave out what does not exist.

    Raises NotFound with what is missing, InvalidInput for what cannot be read as its name says.
    """
    import pandas as pd

    named = dict(uris) if isinstance(uris, Mapping) else {uri: uri for uri in uris}
    if isinstance(uris, str) or not named:
        raise InvalidInput(f"uris={uris!r}: give a list of URIs, or a mapping of jobs' names to URIs")
    store = store or _default_store()
    present = _present(store, list(named.values()), missing_ok=missing_ok)
    with ThreadPoolExecutor(_AT_ONCE) as crew:
        texts = dict(zip(present, crew.map(store.read, present), strict=True))
    tables = []
    for name, uri in named.items():
        if uri in texts:
            table = _table(uri, texts[uri])
            first = {"uri": uri} if not isinstance(uris, Mapping) else {"job": name, "uri": uri}
            tables.append(table.assign(**first)[[*first, *(column for column in table if column not in first)]])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["uri"])


def _default_store() -> Store:
    from batch_helpers.stores import StoreRouter

    return StoreRouter()


def _present(store: Store, uris: list[str], *, missing_ok: bool) -> list[str]:
    found = store.find(uris)
    missing = [uri for uri in uris if uri not in found]
    if missing and not missing_ok:
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        raise NotFound(f"{len(missing)} of {len(uris)} results do not exist: {', '.join(missing[:_MOST_NAMED])}{more}")
    return [uri for uri in dict.fromkeys(uris) if uri in found]


def _table(uri: str, data: bytes) -> pd.DataFrame:
    kind = uri.rpartition(".")[2].lower()
    if kind not in _READERS:
        raise InvalidInput(f"{uri}: only {', '.join(_READERS)} can be collected")
    try:
        return _READERS[kind](data.decode("utf-8"))
    except (ValueError, TypeError) as exc:
        raise InvalidInput(f"{uri}: cannot be read as {kind}: {exc}") from exc


def _json(text: str) -> pd.DataFrame:
    return _rows(json.loads(text))


def _json_lines(text: str) -> pd.DataFrame:
    return _rows([json.loads(line) for line in text.splitlines() if line.strip()])


def _rows(value: Any) -> pd.DataFrame:
    import pandas as pd

    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("it must hold an object, or a list of objects")
    return pd.json_normalize(rows)


def _separated(separator: str) -> Callable[[str], pd.DataFrame]:
    def read(text: str) -> pd.DataFrame:
        import pandas as pd

        return pd.read_csv(io.StringIO(text), sep=separator)

    return read


_READERS: Mapping[str, Callable[[str], pd.DataFrame]] = {
    "json": _json,
    "jsonl": _json_lines,
    "ndjson": _json_lines,
    "csv": _separated(","),
    "tsv": _separated("\t"),
}
