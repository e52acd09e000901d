"""The step of the demo: real epidemics, the same ones every time, in files that are whole or not there."""

from __future__ import annotations

import csv
import json
import math
import random
import statistics
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from workflows import epidemic

PEOPLE = 1_000_000


def curve_of(path: Path, state: str = "AL", people: int = PEOPLE) -> list[dict[str, int]]:
    epidemic.simulate(state, people, str(path))
    with path.open() as file:
        return [{name: int(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def test_a_state_has_the_same_epidemic_every_time_and_another_state_another_one(tmp_path: Path) -> None:
    first, again, other = (curve_of(tmp_path / "c.csv", state) for state in ("AL", "AL", "AK"))

    assert first == again
    assert first != other


def test_nobody_gets_lost_or_comes_back(tmp_path: Path) -> None:
    days = curve_of(tmp_path / "c.csv")

    assert [day.pop("day") for day in days] == list(range(len(days)))
    assert {sum(day.values()) for day in days} == {PEOPLE}
    assert min(min(day.values()) for day in days) == 0
    assert all(a["susceptible"] >= b["susceptible"] for a, b in pairwise(days))
    assert all(a["recovered"] <= b["recovered"] for a, b in pairwise(days))


def test_an_epidemic_ends_when_nobody_carries_it(tmp_path: Path) -> None:
    *days, last = curve_of(tmp_path / "c.csv")

    assert last["exposed"] == last["infectious"] == 0
    assert all(day["exposed"] + day["infectious"] > 0 for day in days)


def test_as_many_are_infected_as_the_theory_says(tmp_path: Path) -> None:
    share = 0.9
    for _ in range(50):  # the final size: share = 1 - exp(-R0 * share)
        share = 1 - math.exp(-epidemic.REPRODUCTION_NUMBER * share)

    attack_rates = [curve_of(tmp_path / "c.csv", str(seed))[-1]["recovered"] / PEOPLE for seed in range(5)]

    assert statistics.mean(attack_rates) == pytest.approx(share, abs=0.003)


@pytest.mark.parametrize(("n", "p"), [(40, 0.3), (10**7, 2e-6), (1000, 0.049), (10**6, 0.2), (400, 0.6)])
def test_draws_have_the_mean_and_the_spread_of_a_binomial(n: int, p: float) -> None:
    chance = random.Random(7)

    draws = [epidemic.draw(chance, n, p) for _ in range(4000)]

    spread = math.sqrt(n * p * (1 - p))
    assert statistics.mean(draws) == pytest.approx(n * p, abs=4 * spread / math.sqrt(4000))
    assert statistics.stdev(draws) == pytest.approx(spread, rel=0.06)
    assert min(draws) >= 0
    assert max(draws) <= n


def test_rare_events_are_drawn_exactly() -> None:
    chance = random.Random(7)

    never = sum(epidemic.draw(chance, 10**6, 6e-7) == 0 for _ in range(4000)) / 4000

    assert never == pytest.approx(math.exp(-0.6), abs=0.03)


@pytest.mark.parametrize(("n", "p"), [(0, 0.5), (100, 0.0), (0, 0.0)])
def test_nothing_happens_to_nobody_or_by_no_chance(n: int, p: float) -> None:
    assert epidemic.draw(random.Random(1), n, p) == 0


def test_a_summary_tells_size_and_peak(tmp_path: Path) -> None:
    days = curve_of(tmp_path / "c.csv")

    epidemic.summarise(str(tmp_path / "c.csv"), str(tmp_path / "s.json"))

    summary = json.loads((tmp_path / "s.json").read_text())
    peak = max(day["infectious"] for day in days)
    assert summary["population"] == PEOPLE
    assert summary["infected"] == days[-1]["recovered"]
    assert summary["attack_rate"] == round(days[-1]["recovered"] / PEOPLE, 4)
    assert summary["peak_infectious"] == peak == days[summary["peak_day"]]["infectious"]
    assert summary["days"] == len(days) - 1


def test_a_curve_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    curve = tmp_path / "c.csv"
    curve.write_text("day,susceptible,exposed,infectious,recovered\n0,90,0,10,0\n1,90,0,5,4\n")

    with pytest.raises(SystemExit, match="do not always add up to 100"):
        epidemic.summarise(str(curve), str(tmp_path / "s.json"))
    assert not (tmp_path / "s.json").exists()


def test_the_national_table_has_every_state_and_their_sum(tmp_path: Path) -> None:
    for state, people in (("AL", 5000), ("AK", 7000)):
        epidemic.simulate(state, people, str(tmp_path / "c.csv"))
        epidemic.summarise(str(tmp_path / "c.csv"), str(tmp_path / f"{state}.json"))

    epidemic.gather(str(tmp_path / "n.tsv"), str(tmp_path), ["AL=5000", "AK=7000"])

    with (tmp_path / "n.tsv").open() as file:
        al, ak, total = csv.DictReader(file, delimiter="\t")
    assert [row["state"] for row in (al, ak, total)] == ["AL", "AK", "all"]
    assert total["population"] == "12000"
    assert int(total["infected"]) == int(al["infected"]) + int(ak["infected"])
    assert float(total["attack_rate"]) == round(int(total["infected"]) / 12000, 4)


def test_a_summary_of_another_population_is_refused_by_name(tmp_path: Path) -> None:
    epidemic.simulate("AL", 5000, str(tmp_path / "c.csv"))
    epidemic.summarise(str(tmp_path / "c.csv"), str(tmp_path / "AL.json"))

    with pytest.raises(SystemExit, match=r"AL\.json is of 5000 people, not 5001"):
        epidemic.gather(str(tmp_path / "n.tsv"), str(tmp_path), ["AL=5001"])
    assert not (tmp_path / "n.tsv").exists()


def test_a_file_that_cannot_be_written_to_its_end_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "f.txt"
    epidemic.write(str(path), "before")
    assert [file.name for file in path.parent.iterdir()] == ["f.txt"]

    with pytest.raises(UnicodeEncodeError):
        epidemic.write(str(path), "after \ud800")

    assert path.read_text() == "before"


@pytest.mark.slow
def test_files_may_be_in_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3
    from moto import mock_aws

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="bucket")
        epidemic.simulate("AL", PEOPLE, "s3://bucket/x y/c.csv")
        epidemic.summarise("s3://bucket/x y/c.csv", "s3://bucket/s/AL.json")
        epidemic.gather("s3://bucket/n.tsv", "s3://bucket/s", [f"AL={PEOPLE}"])
        assert epidemic.read("s3://bucket/n.tsv").startswith("state\tpopulation\tinfected\t")
        assert len(boto3.client("s3").list_objects_v2(Bucket="bucket")["Contents"]) == 3


@pytest.mark.slow
def test_the_step_runs_from_anywhere_without_any_package(tmp_path: Path) -> None:
    step = [sys.executable, "-I", "-S", epidemic.__file__]

    subprocess.run([*step, "simulate", "AL", "5000", "c/AL.csv"], cwd=tmp_path, check=True)
    subprocess.run([*step, "summarise", "c/AL.csv", "s/AL.json"], cwd=tmp_path, check=True)
    subprocess.run([*step, "gather", "n.tsv", "s", "AL=5000"], cwd=tmp_path, check=True)

    assert (tmp_path / "n.tsv").read_text().splitlines()[-1].startswith("all\t5000\t")
