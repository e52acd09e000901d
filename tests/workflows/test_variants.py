"""workflows/variants.py end to end: real tools on the real reads of Debian's bowtie2-examples."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from batch_helpers import read_samples
from tests.servers import tool
from tests.workflows.scripts import ROOT, Script, script
from workflows.variants import TOOLS

pytestmark = pytest.mark.slow

EXAMPLES = Path("/usr/share/doc/bowtie2/examples")
PAIRS, LONG = [f"pairs-{number}" for number in (1, 2, 3, 4)], ["long-1", "long-2"]

IN_PAIRS = [(1104, "C", "A"), (2143, "C", "G"), (12512, "G", "A"), (25563, "A", "G"), (40311, "T", "A")]
IN_LONG = [(267, "G", "C"), (8722, "C", "A"), (15206, "G", "C"), (31929, "C", "T"), (44190, "T", "G")]
"""Sites of the two phages whose reads bowtie2-examples has: each in every share of the one, in none of the other."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Script:
    """The script, run once to its end."""
    for name in TOOLS:
        tool(name, f"apt-get install {name}")
    if not (EXAMPLES / "reads").exists():
        message = f"{EXAMPLES} is not there: apt-get install bowtie2-examples"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    variants = script("variants.py", tmp_path_factory.mktemp("variants"))
    first = variants.run()
    assert (first.code, first.counts) == (0, (0, 0, 32, 32, 0)), first
    return variants


@pytest.fixture
def results(finished: Script) -> Path:
    return finished.folder / "results" / "variants"


def sites(results: Path) -> dict[tuple[int, str, str], list[str]]:
    with (results / "report" / "sites.tsv").open() as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {(int(row["position"]), row["ref"], row["alt"]): row["samples"].split(" ") for row in rows}


def output_of(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_variants_of_each_phage_are_found_in_its_samples_and_in_no_other(results: Path) -> None:
    found = sites(results)

    assert 150 < len(found) < 220
    assert [found.get(site) for site in IN_PAIRS] == [PAIRS] * 5
    assert [found.get(site) for site in IN_LONG] == [LONG] * 5
    assert not any(set(samples) & set(PAIRS) and set(samples) & set(LONG) for samples in found.values())


def test_the_merged_calls_are_valid_and_agree_with_the_reference(results: Path) -> None:
    merged, reference = results / "report" / "variants.vcf.gz", results / "reference" / "lambda.fa"

    assert output_of("bcftools", "query", "-l", merged).split() == [*PAIRS, *LONG]
    records = output_of("bcftools", "norm", "--check-ref", "e", "--fasta-ref", reference, "--no-version", merged)
    count = sum(not line.startswith("#") for line in records.splitlines())
    assert count == len(sites(results))
    assert f"number of records:\t{count}\n" in (results / "report" / "stats.txt").read_text()


def test_every_read_of_every_share_is_looked_at_once(results: Path) -> None:
    shares = {row["sample"]: row for row in read_samples(ROOT / "workflows/variants.csv", optional=["reads_2"])}

    for name, share in shares.items():
        quality = json.loads((results / "trimmed" / f"{name}.json").read_text())
        mates = 2 if share["reads_2"] else 1
        reads = mates * (int(share["last"]) - int(share["first"]) + 1)
        assert quality["summary"]["before_filtering"]["total_reads"] == reads
        assert 0 < quality["summary"]["after_filtering"]["total_reads"] <= reads
    assert sum(int(share["last"]) - int(share["first"]) + 1 for share in shares.values()) == 10_000 + 6_000


def test_alignments_are_sorted_indexed_and_nearly_all_mapped(results: Path) -> None:
    for name in (*PAIRS, *LONG):
        bam = results / "sorted" / f"{name}.bam"
        output_of("samtools", "quickcheck", bam)
        flags = json.loads(output_of("samtools", "flagstat", "-O", "json", bam))["QC-passed reads"]
        assert flags["primary mapped %"] > 95
        _, length, mapped, _ = output_of("samtools", "idxstats", bam).splitlines()[0].split("\t")
        assert (length, int(mapped)) == ("48502", flags["mapped"])


def test_a_second_run_submits_nothing_though_the_intermediates_are_gone(finished: Script, results: Path) -> None:
    shutil.rmtree(results / "reads", ignore_errors=True)
    shutil.rmtree(results / "aligned", ignore_errors=True)

    again = finished.run()

    assert (again.code, again.counts) == (0, (32, 0, 0, 0, 0)), again
    assert not (results / "aligned").exists()


def test_a_result_that_is_lost_is_made_again_with_the_intermediate_it_needs(finished: Script, results: Path) -> None:
    shutil.rmtree(results / "aligned", ignore_errors=True)
    before = sites(results)
    (results / "sorted" / "pairs-2.bam").unlink()

    again = finished.run()

    assert (again.code, again.counts) == (0, (28, 0, 4, 4, 0)), again
    assert [path.name for path in (results / "aligned").iterdir()] == ["pairs-2.sam"]
    assert sites(results) == before


def test_tools_that_are_not_installed_are_named_with_their_packages(tmp_path: Path) -> None:
    ended = script("variants.py", tmp_path, PATH="/nowhere").run("--data", "/nowhere")

    assert ended.code == 2
    assert "bwa, samtools, bcftools, fastp, /nowhere/reference/lambda_virus.fa.gz not found" in ended.stderr
    assert "apt-get install bwa samtools bcftools fastp bowtie2-examples" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / ".batch").exists()
