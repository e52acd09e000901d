"""No price without its date and source."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from batch_helpers.cost import PriceBook, load_prices
from batch_helpers.errors import InvalidInput

GOOD = """
currency = "EUR"
[mine]
what = "our cluster"
region = "cellar"
vcpu_hour = 0.01
gib_hour = 0.002
date = 2026-01-31
source = "the invoice"
[box]
what = "a box"
region = "cellar"
hour = 1.0
vcpus = 4
gib = 16
gpus = 2
share = 0.5
date = 2026-01-31
source = "the invoice"
"""


@pytest.fixture
def own(tmp_path: Path) -> PriceBook:
    return load_prices(written(tmp_path, GOOD))


def written(folder: Path, text: str) -> str:
    path = folder / "prices.toml"
    path.write_text(text)
    return str(path)


def test_what_ships_is_dated_and_says_where_it_is_from() -> None:
    book = load_prices()
    assert {"fargate", "fargate-spot"} <= set(book.rates)
    for rate in book.rates.values():
        assert rate.source.startswith("https://")
        assert rate.date >= date(2026, 1, 1)
        assert f"{rate.date:%Y-%m-%d}" in rate.label
        assert rate.source in rate.label


def test_fargate_is_charged_by_vcpu_and_gibibyte_for_a_minute_at_least() -> None:
    fargate = load_prices().rate("fargate")
    assert fargate.money(1, 4, 0, 3600) == pytest.approx(0.04048 + 4 * 0.004445)
    assert fargate.money(1, 4, 0, 1) == fargate.money(1, 4, 0, 60)


def test_spot_is_a_share_of_the_price() -> None:
    book = load_prices()
    assert book.rate("fargate-spot").money(2, 8, 0, 600) == pytest.approx(
        0.3 * book.rate("fargate").money(2, 8, 0, 600)
    )


@pytest.mark.parametrize(
    ("vcpus", "gib", "gpus", "share"), [(1, 1, 0, 1 / 4), (1, 8, 0, 1 / 2), (4, 1, 0, 1), (1, 1, 1, 1 / 2)]
)
def test_an_instance_is_charged_by_the_largest_share_of_it(
    own: PriceBook, vcpus: float, gib: float, gpus: int, share: float
) -> None:
    assert own.rate("box").money(vcpus, gib, gpus, 3600) == pytest.approx(0.5 * share)


def test_a_price_that_is_not_there_is_an_error_that_names_those_that_are(own: PriceBook) -> None:
    with pytest.raises(InvalidInput, match=r"no price for 'c7i.large'; there are: mine, box"):
        own.rate("c7i.large")


def test_rates_are_chosen_for_all_queues_or_for_one(own: PriceBook) -> None:
    chosen = own.chosen(["mine", "gpu=box"])
    assert {queue: rate.name for queue, rate in chosen.items()} == {"": "mine", "gpu": "box"}
    assert own.chosen([]) == {}


@pytest.mark.parametrize("choices", [["mine", "box"], ["q=mine", "q=box"], ["=mine"], ["q="], ["nothing"]])
def test_a_choice_that_makes_no_sense_is_refused(own: PriceBook, choices: list[str]) -> None:
    with pytest.raises(InvalidInput):
        own.chosen(choices)


def test_the_currency_is_the_file_s(own: PriceBook) -> None:
    assert {rate.currency for rate in own.rates.values()} == {"EUR"}


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("date = 2026-01-31", "", "[mine] has no date"),
        ('source = "the invoice"', "", "[mine] has no source"),
        ("date = 2026-01-31", 'date = "2026-01-31"', "[mine] date"),
        ("vcpu_hour = 0.01", "vcpu_hour = -1", "[mine] vcpu_hour = -1"),
        ("vcpu_hour = 0.01", "vcpu_hour = nan", "[mine] vcpu_hour = nan"),
        ("vcpu_hour = 0.01", "vcpu_hour = true", "[mine] vcpu_hour = True"),
        ("vcpu_hour = 0.01", "vcpu_hours = 1", "[mine] vcpu_hours = 1: there is no such key"),
        ("vcpu_hour = 0.01", "", "[mine] needs vcpu_hour and gib_hour"),
        ("vcpus = 4", "vcpus = 0", "[box] needs"),
        ("hour = 1.0", "hour = 1.0\nvcpu_hour = 1\ngib_hour = 1", "[box] needs"),
        ("share = 0.5", "share = 30", "[box] share = 30: give a share"),
        ('what = "a box"', 'what = ""', "[box] what"),
        ('currency = "EUR"', "currency = 5", "currency=5"),
        ('currency = "EUR"', "fargate = 5", "a rate is a table"),
        ("[mine]", "[mine", "it is not TOML"),
    ],
)
def test_a_mistake_is_told_with_the_file_the_rate_and_the_key(
    tmp_path: Path, was: str, becomes: str, told: str
) -> None:
    path = written(tmp_path, GOOD.replace(was, becomes, 1))
    with pytest.raises(InvalidInput) as caught:
        load_prices(path)
    assert path in str(caught.value)
    assert told in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_prices(str(tmp_path / "none.toml"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="not TOML"):
        load_prices(str(tmp_path / "binary.toml"))


def test_two_currencies_are_never_added_up(own: PriceBook) -> None:
    mixed = PriceBook("both", {**own.rates, **load_prices().rates})
    with pytest.raises(InvalidInput, match="EUR and USD"):
        mixed.chosen(["mine", "q=fargate"])
