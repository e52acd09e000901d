"""Price files: what an hour costs, where, since when, and who says so."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

from batch_helpers.errors import InvalidInput

_NUMBERS = ("vcpu_hour", "gib_hour", "hour", "vcpus", "gib", "gpus", "least_seconds", "share")
_TEXTS = ("what", "region", "source")
_NEEDED = ("what", "region", "date", "source")


@dataclass(frozen=True, slots=True)
class Rate:
    """What running costs, by the hour: of a vCPU and a GiB, or of a whole instance that jobs share.

    vcpus, gib, gpus: the instance's size. least_seconds: what an attempt is charged at least. share: of the price, for
    spot capacity. An instance is charged by the largest share of it that a job takes, as if others took the rest.
    """

    name: str
    what: str
    region: str
    date: date
    source: str
    currency: str = "USD"
    vcpu_hour: float = 0.0
    gib_hour: float = 0.0
    hour: float = 0.0
    vcpus: float = 0.0
    gib: float = 0.0
    gpus: float = 0.0
    least_seconds: float = 0.0
    share: float = 1.0

    @property
    def label(self) -> str:
        """What stands beside every sum of money that was made with it."""
        return f"{self.what}, {self.region}, {self.currency}, {self.date:%Y-%m-%d} ({self.source})"

    def money(self, vcpus: float, gib: float, gpus: int, seconds: float) -> float:
        """What one attempt of a job of this size costs."""
        hours = max(seconds, self.least_seconds) / 3600
        if not self.hour:
            return (vcpus * self.vcpu_hour + gib * self.gib_hour) * hours * self.share
        taken = [vcpus / self.vcpus, gib / self.gib, gpus / self.gpus if self.gpus else 0.0]
        return self.hour * max(taken) * hours * self.share


@dataclass(frozen=True, slots=True)
class PriceBook:
    """The rates of one price file, by name."""

    path: str
    rates: Mapping[str, Rate]

    def rate(self, name: str) -> Rate:
        """The rate of this name; InvalidInput says which there are."""
        if name not in self.rates:
            known = ", ".join(self.rates) or "none"
            raise InvalidInput(f"{self.path} has no price for {name!r}; there are: {known}. Add it with its source")
        return self.rates[name]

    def chosen(self, choices: Iterable[str]) -> dict[str, Rate]:
        """Rates by queue, from `NAME` (for every queue that has none of its own, under "") and `QUEUE=NAME`."""
        found: dict[str, Rate] = {}
        for choice in choices:
            queue, separator, name = choice.rpartition("=")
            if (separator and not queue) or queue in found:
                raise InvalidInput(f"priced as {choice!r}: give NAME once, and QUEUE=NAME once for a queue")
            found[queue] = self.rate(name)
        currencies = {rate.currency for rate in found.values()}
        if len(currencies) > 1:
            raise InvalidInput(f"rates in {' and '.join(sorted(currencies))} cannot be added up; choose one currency")
        return found


def load_prices(path: str | None = None) -> PriceBook:
    """The prices of a TOML file; those that ship with this package when None.

    Each table is a rate: `what`, `region`, `date`, `source`, and either `vcpu_hour` and `gib_hour` or `hour`, `vcpus`
    and `gib`; optionally `gpus`, `least_seconds` and `share`. Raises InvalidInput with the file, the rate and the key.
    """
    where = path or "the price file of this package"
    try:
        text = files(__package__).joinpath("prices.toml").read_bytes() if path is None else _bytes(path)
        found = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"{where}: it is not TOML: {exc}") from exc
    currency = found.pop("currency", "USD")
    if not isinstance(currency, str):
        raise InvalidInput(f"{where}: currency={currency!r}: give a text, such as 'USD'")
    return PriceBook(where, {name: _rate(where, name, told, currency) for name, told in found.items()})


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as exc:
        raise InvalidInput(f"{path}: it cannot be read: {exc.strerror}") from exc


def _rate(where: str, name: str, told: object, currency: str) -> Rate:
    if not isinstance(told, Mapping):
        raise InvalidInput(f"{where}: {name} is {told!r}; a rate is a table, such as [{name}]")
    for key, value in told.items():
        if problem := _problem(key, value):
            raise InvalidInput(f"{where}: [{name}] {key} = {value!r}: {problem}")
    missing = [key for key in _NEEDED if key not in told]
    if missing:
        raise InvalidInput(f"{where}: [{name}] has no {missing[0]}: a price without its date and source is a guess")
    _check_kind(where, name, told)
    return Rate(name=name, currency=currency, **told)


def _problem(key: str, value: Any) -> str | None:
    if key in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            return "give a number, 0 or more"
        return "give a share of the price, from 0 to 1" if key == "share" and value > 1 else None
    if key in _TEXTS:
        return None if isinstance(value, str) and value.strip() else "give a text"
    if key == "date":
        return None if isinstance(value, date) else "give a date, such as 2026-06-17 without quotes"
    return f"there is no such key; there are: {', '.join((*_NEEDED, *_NUMBERS))}"


def _check_kind(where: str, name: str, told: Mapping[str, Any]) -> None:
    whole, parts = "hour" in told, "vcpu_hour" in told and "gib_hour" in told
    if whole == parts or (whole and not (told["hour"] and told.get("vcpus") and told.get("gib"))):
        raise InvalidInput(f"{where}: [{name}] needs vcpu_hour and gib_hour, or hour with vcpus and gib above 0")
