"""What argparse's nargs="+" took is taken, and NAME=VALUE is read at its first `=`."""

from __future__ import annotations

import pytest

from batch_helpers.cli.pairs import pairs, spread
from batch_helpers.errors import InvalidInput


@pytest.mark.parametrize(
    ("line", "spread_out"),
    [
        ("--tags a=1 b=2 --name x", "--tags a=1 --tags b=2 --name x"),
        ("--tags a=1 --tags b=2 c=3", "--tags a=1 --tags b=2 --tags c=3"),
        ("name --tags a=1", "name --tags a=1"),
        ("--name x y --tags a", "--name x y --tags a"),
        ("--tags a -- b c", "--tags a -- b c"),
        ("--tags a - b", "--tags a --tags - --tags b"),
        ("--tags=a b", "--tags=a b"),
        ("--tags", "--tags"),
        ("", ""),
    ],
)
def test_an_option_is_repeated_before_each_of_its_values(line: str, spread_out: str) -> None:
    assert spread(line.split(), {"--tags"}) == spread_out.split()


def test_a_value_may_hold_further_signs_and_may_be_empty() -> None:
    assert pairs("--tags", ["a=b=c", "d=", "a=b=c"]) == {"a": "b=c", "d": ""}


@pytest.mark.parametrize("text", ["a", "", "=a", "="])
def test_what_is_no_pair_is_told_as_it_was_given(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"^--tags {text}: write NAME=VALUE$"):
        pairs("--tags", ["x=y", text])


def test_a_name_that_is_given_two_values_is_told_with_both() -> None:
    with pytest.raises(InvalidInput, match="--tags a=2: 'a' is given twice, as '1' too"):
        pairs("--tags", ["a=1", "a=2"])
