"""The work of one job: simulate an epidemic, summarise its curve, gather the summaries. Needs nothing but Python.

python epidemic.py simulate AL 5024279 results/curves/AL.csv
python epidemic.py summarise results/curves/AL.csv results/summaries/AL.json
python epidemic.py gather results/national.tsv results/summaries AL=5024279 AK=733391 …

Files may be paths, s3:// URIs (those need boto3, and credentials and endpoint as it finds them) or az:// URIs (those
need azure-storage-blob, and AZURE_STORAGE_CONNECTION_STRING, or azure-identity and AZURE_BLOB_STORAGE_ACCOUNT).
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import os
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

LATENT_DAYS, INFECTIOUS_DAYS, REPRODUCTION_NUMBER = 3.0, 5.0, 2.5
FIRST_INFECTIONS = 10


class Day(NamedTuple):
    day: int
    susceptible: int
    exposed: int
    infectious: int
    recovered: int


def simulate(state: str, population: int, curve: str) -> None:
    """Write one stochastic SEIR epidemic, day by day until it is over; the state's code is the seed."""
    days = epidemic(random.Random(state), population)
    write(curve, table(Day._fields, days, ","))


def summarise(curve: str, summary: str) -> None:
    """Write the attack rate and the peak of a curve, after checking that nobody got lost on the way."""
    days = [Day(**{name: int(cell) for name, cell in row.items()}) for row in csv.DictReader(io.StringIO(read(curve)))]
    population = sum(days[0][1:])
    if any(sum(day[1:]) != population for day in days):
        sys.exit(f"{curve}: the compartments do not always add up to {population}")
    peak = max(days, key=lambda day: day.infectious)
    figures = {
        "population": population,
        "infected": days[-1].recovered,
        "attack_rate": round(days[-1].recovered / population, 4),
        "peak_day": peak.day,
        "peak_infectious": peak.infectious,
        "days": days[-1].day,
    }
    write(summary, json.dumps(figures, indent=2) + "\n")


def gather(national: str, summaries: str, states: list[str]) -> None:
    """Write one table of all states and their total, after checking each state's population."""
    rows = []
    for state, _, population in (given.partition("=") for given in states):
        summary = f"{summaries}/{state}.json"
        rows.append({"state": state, **json.loads(read(summary))})
        if rows[-1]["population"] != int(population):
            sys.exit(f"{summary} is of {rows[-1]['population']} people, not {population}: delete it and its curve")
    everybody, infected = sum(row["population"] for row in rows), sum(row["infected"] for row in rows)
    total = ["all", everybody, infected, round(infected / everybody, 4), "", "", ""]
    write(national, table(rows[0], [*(row.values() for row in rows), total], "\t"))


def epidemic(chance: random.Random, population: int) -> Iterator[Day]:
    """Susceptible, exposed, infectious, recovered: the days of one chain-binomial epidemic."""
    onset, recovery = 1 - math.exp(-1 / LATENT_DAYS), 1 - math.exp(-1 / INFECTIOUS_DAYS)
    day, susceptible, exposed, infectious = 0, population - FIRST_INFECTIONS, 0, FIRST_INFECTIONS
    while True:
        yield Day(day, susceptible, exposed, infectious, population - susceptible - exposed - infectious)
        if not exposed + infectious:
            return
        infected = draw(chance, susceptible, 1 - math.exp(-REPRODUCTION_NUMBER * recovery * infectious / population))
        fallen_ill, recovered = draw(chance, exposed, onset), draw(chance, infectious, recovery)
        day, susceptible = day + 1, susceptible - infected
        exposed, infectious = exposed + infected - fallen_ill, infectious + fallen_ill - recovered


def draw(chance: random.Random, n: int, p: float) -> int:
    """How many of n events of probability p happen: exact when few are expected, by the normal approximation else."""
    if p <= 0:
        return 0
    if n * p > 50:
        return min(n, max(0, round(chance.gauss(n * p, math.sqrt(n * p * (1 - p))))))
    happened, place = -1, 0
    while place <= n:
        happened += 1
        place += 1 + int(math.log(1 - chance.random()) / math.log1p(-p))
    return happened


def table(header: Iterable[str], rows: Iterable[Iterable[Any]], separator: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def read(uri: str) -> str:
    if uri.startswith("s3://"):
        body: bytes = s3().get_object(**place(uri))["Body"].read()
        return body.decode()
    if uri.startswith("az://"):
        blob: bytes = azure_blob(uri).download_blob().readall()
        return blob.decode()
    return Path(uri).read_text(encoding="utf-8")


def write(uri: str, text: str) -> None:
    """Write the file whole or not at all."""
    if uri.startswith("s3://"):
        s3().put_object(**place(uri), Body=text.encode())
        return
    if uri.startswith("az://"):
        azure_blob(uri).upload_blob(text.encode(), overwrite=True)
        return
    path = Path(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def s3() -> Any:
    import boto3

    return boto3.client("s3")


def azure_blob(uri: str) -> Any:
    from azure.storage.blob import BlobServiceClient

    container, _, name = uri.removeprefix("az://").partition("/")
    if connection := os.environ.get("AZURE_STORAGE_CONNECTION_STRING"):
        return BlobServiceClient.from_connection_string(connection).get_blob_client(container, name)
    from azure.identity import DefaultAzureCredential

    account = f"https://{os.environ['AZURE_BLOB_STORAGE_ACCOUNT']}.blob.core.windows.net"
    return BlobServiceClient(account, DefaultAzureCredential()).get_blob_client(container, name)


def place(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(required=True)
    step = steps.add_parser("simulate", help="the epidemic of one state, as CSV")
    step.add_argument("state")
    step.add_argument("population", type=int)
    step.add_argument("curve")
    step.set_defaults(run=simulate)
    step = steps.add_parser("summarise", help="its attack rate and peak, as JSON")
    step.add_argument("curve")
    step.add_argument("summary")
    step.set_defaults(run=summarise)
    step = steps.add_parser("gather", help="all summaries of a folder, as TSV")
    step.add_argument("national")
    step.add_argument("summaries", help="the folder or prefix that holds <state>.json")
    step.add_argument("states", nargs="+", metavar="state=population")
    step.set_defaults(run=gather)
    given = vars(parser.parse_args())
    given.pop("run")(**given)


if __name__ == "__main__":
    main()
