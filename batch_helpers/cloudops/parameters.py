"""Commands from a YAML file of parameters: one for each combination. Pure, but for reading the file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from batch_helpers.errors import InvalidInput, MissingExtra

FLAG = "(flag)"


def commands(base: str, path: str) -> list[str]:
    """The commands that `path` makes of `base`, each with its parameters as `--name value`.

    The file is a list of mappings, one for each command; or a mapping with `parameters`, each of which is
    `{fix: value}` or `{vary: [values]}`, and may have `if: {equals: {other: value}}`. A name that ends in `(flag)`
    becomes `--name` alone. Raises InvalidInput that names the file and what is wrong with it.
    """
    content = _load(path)
    if isinstance(content, Mapping):
        sets = list(_combinations(path, content.get("parameters")))
    elif isinstance(content, list) and all(isinstance(item, Mapping) for item in content):
        sets = [dict(item) for item in content]
    else:
        raise InvalidInput(f"{path}: write a list of mappings, or a mapping with `parameters`")
    if not sets:
        raise InvalidInput(f"{path}: there is no set of parameters in it")
    return [" ".join([base, *_words(values)]) for values in sets]


def _load(path: str) -> Any:
    try:
        import yaml
    except ImportError as exc:
        raise MissingExtra("reading YAML", "azure") from exc
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.safe_load(file)
    except OSError as exc:
        raise InvalidInput(f"{path}: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"{path} is no YAML: {' '.join(str(exc).split())}") from exc


def _combinations(path: str, parameters: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(parameters, Mapping):
        raise InvalidInput(f"{path}: `parameters` must be a mapping of names")
    choices = {name: _choices(path, name, rule) for name, rule in parameters.items()}
    seen = set()
    for values in product(*choices.values()):
        chosen = dict(zip(choices, values, strict=True))
        kept = {name: value for name, value in chosen.items() if _applies(parameters[name], chosen)}
        if (text := repr(kept)) not in seen:
            seen.add(text)
            yield kept


def _choices(path: str, name: Any, rule: Any) -> list[Any]:
    if isinstance(rule, Mapping) and "fix" in rule and "vary" not in rule:
        return [rule["fix"]]
    if isinstance(rule, Mapping) and isinstance(rule.get("vary"), list) and rule["vary"] and "fix" not in rule:
        return list(rule["vary"])
    raise InvalidInput(f"{path}: parameter {name!r}: write {{fix: value}} or {{vary: [value, …]}}")


def _applies(rule: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool:
    wanted = (rule.get("if") or {}).get("equals") or {}
    return all(chosen.get(name) == value for name, value in wanted.items())


def _words(values: Mapping[Any, Any]) -> Iterator[str]:
    for name, value in values.items():
        option = f"--{str(name).removesuffix(FLAG)}"
        if str(name).endswith(FLAG):
            if value not in (None, "", False):
                yield option
        else:
            yield f"{option} {shlex.quote(str(value))}"
