"""Variants of phage lambda: trim, align, sort and call every sample of variants.csv, and one report of them all.

    apt-get install bwa samtools bcftools fastp bowtie2-examples
    python workflows/variants.py

The reads are those of Debian's bowtie2-examples, short pairs of one phage and long reads of another. A sample is a
share of them: from its file's read `first` to its read `last`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from batch_helpers import Job, connect, read_samples
from batch_helpers.errors import BatchHelpersError, NotFound

HERE = Path(__file__).resolve().parent
TOOLS = ("bwa", "samtools", "bcftools", "fastp")
REFERENCE = "reference/lambda_virus.fa.gz"


def variants(samples: list[dict[str, str]], data: str, outputs: str) -> list[Job]:
    """One index, five stages for each sample, one report; every stage reads what those before it leave."""
    indexed = index(f"{data}/{REFERENCE}", f"{outputs}/reference")
    stages, calls = [], []
    for sample in samples:
        name = sample["sample"]
        reads = extract(sample, f"{data}/reads", f"{outputs}/reads")
        trimmed = trim(name, reads, f"{outputs}/trimmed")
        aligned = align(name, trimmed, indexed, f"{outputs}/aligned")
        ordered = sort(name, aligned, f"{outputs}/sorted")
        called = call(name, ordered, indexed, f"{outputs}/calls")
        stages += [reads, trimmed, aligned, ordered, called]
        calls.append(called)
    return [indexed, *stages, report(calls, f"{outputs}/report")]


def index(packed: str, place: str) -> Job:
    """The reference as FASTA, with what samtools and bwa look things up in."""
    fasta = f"{place}/lambda.fa"
    return Job(
        name="index",
        command=bash('gzip -cd "$1" > "$2"; samtools faidx "$2"; bwa index "$2"', packed, fasta),
        inputs=[packed],
        outputs=[fasta, *(f"{fasta}.{suffix}" for suffix in ("fai", "amb", "ann", "bwt", "pac", "sa"))],
    )


def extract(sample: dict[str, str], source: str, place: str) -> Job:
    """The sample's share of one file of single reads, or of two files of pairs."""
    name = sample["sample"]
    files = [f"{source}/{sample[column]}" for column in ("reads_1", "reads_2") if sample[column]]
    shares = [f"{place}/{name}_{mate}.fq.gz" for mate, _ in enumerate(files, start=1)]
    script = """
        lines="$((4 * $1 - 3)),$((4 * $2))p"; shift 2
        while (($#)); do gzip -cd "$1" | sed -n "$lines" | gzip -n > "$2"; shift 2; done
    """
    return Job(
        name=f"extract-{name}",
        command=bash(script, sample["first"], sample["last"], *in_turn(files, shares)),
        inputs=files,
        outputs=shares,
        intermediate=True,
    )


def trim(name: str, reads: Job, place: str) -> Job:
    """The reads that are good enough, without adapters, and a report on their quality."""
    trimmed, quality = [f"{place}/{os.path.basename(file)}" for file in reads.outputs], f"{place}/{name}.json"
    files = [*in_turn(["-i", "-I"], reads.outputs), *in_turn(["-o", "-O"], trimmed)]
    options = ["--qualified_quality_phred", "10", "--thread", "1", "--json", quality, "--html", "/dev/null"]
    return Job(
        name=f"trim-{name}",
        command=["fastp", *files, *options],
        inputs=reads.outputs,
        outputs=[*trimmed, quality],
        depends_on=[reads],
    )


def align(name: str, trimmed: Job, indexed: Job, place: str) -> Job:
    *reads, _quality = trimmed.outputs
    sam = f"{place}/{name}.sam"
    return Job(
        name=f"align-{name}",
        command=["bwa", "mem", "-R", rf"@RG\tID:{name}\tSM:{name}", "-o", sam, indexed.outputs[0], *reads],
        inputs=[*reads, *indexed.outputs],
        outputs=[sam],
        depends_on=[trimmed, indexed],
        intermediate=True,
    )


def sort(name: str, aligned: Job, place: str) -> Job:
    bam = f"{place}/{name}.bam"
    return Job(
        name=f"sort-{name}",
        command=["samtools", "sort", "--write-index", "-o", f"{bam}##idx##{bam}.bai", *aligned.outputs],
        inputs=aligned.outputs,
        outputs=[bam, f"{bam}.bai"],
        depends_on=[aligned],
    )


def call(name: str, ordered: Job, indexed: Job, place: str) -> Job:
    """The sites where the phage, which is haploid, differs from the reference."""
    calls = f"{place}/{name}.vcf.gz"
    script = """
        bcftools mpileup -Ou --fasta-ref "$1" "$2" |
            bcftools call --multiallelic-caller --variants-only --ploidy 1 -Oz -o "$3"
        bcftools index --tbi "$3"
    """
    return Job(
        name=f"call-{name}",
        command=bash(script, indexed.outputs[0], ordered.outputs[0], calls),
        inputs=[*ordered.outputs, *indexed.outputs],
        outputs=[calls, f"{calls}.tbi"],
        depends_on=[ordered, indexed],
    )


def report(calls: list[Job], place: str) -> Job:
    """All calls side by side: as VCF, as counts, and as one line per site with the samples that have it."""
    merged, counts, sites = f"{place}/variants.vcf.gz", f"{place}/stats.txt", f"{place}/sites.tsv"
    script = r"""
        merged=$1 counts=$2 sites=$3; shift 3
        bcftools merge -Oz -o "$merged" "$@"
        bcftools stats --samples - "$merged" > "$counts"
        (printf 'position\tref\talt\tsamples\n'
         bcftools query -i 'GT="alt"' -f '%POS\t%REF\t%ALT\t[%SAMPLE ]\n' "$merged" | sed 's/ $//') > "$sites"
    """
    return Job(
        name="report",
        command=bash(script, merged, counts, sites, *(job.outputs[0] for job in calls)),
        inputs=[uri for job in calls for uri in job.outputs],
        outputs=[merged, counts, sites],
        depends_on=calls,
    )


def bash(script: str, *arguments: str) -> list[str]:
    """The command that runs a script which calls its arguments $1, $2, … and stops at the first error."""
    return ["bash", "-euo", "pipefail", "-c", script, "bash", *arguments]


def in_turn(first: Iterable[str], second: Iterable[str]) -> list[str]:
    """One of each in turn, as long as there are both."""
    return [word for pair in zip(first, second, strict=False) for word in pair]


def check_machine(data: str) -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if not os.path.exists(f"{data}/{REFERENCE}"):
        missing.append(f"{data}/{REFERENCE}")
    if missing:
        raise NotFound(f"{', '.join(missing)} not found: apt-get install {' '.join(TOOLS)} bowtie2-examples")


def run(args: argparse.Namespace) -> int:
    """Plan the samples, submit what is missing and watch it to its end; returns the exit code."""
    samples = read_samples(args.samples, required=["reads_1", "first", "last"], optional=["reads_2"])
    check_machine(args.data)
    jobs = variants(samples, os.path.abspath(args.data), os.path.abspath(args.outputs))
    helper = connect("local", directory=args.directory, dry_run=args.dry_run)
    helper.add_jobs(jobs)
    return helper.monitor(interval=args.interval).exit_code


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--samples", default=HERE / "variants.csv", help="CSV or TSV: sample, reads_1, reads_2, first, last")
    option("--data", default="/usr/share/doc/bowtie2/examples", help="the folder that holds reads/ and reference/")
    option("--outputs", default="results/variants", metavar="FOLDER", help="(default: results/variants)")
    option("--directory", default=".batch", help="state and logs of the engine (default: .batch)")
    option("--interval", type=float, default=30, metavar="SECONDS", help="between two polls, at the most (default: 30)")
    option("--dry-run", action="store_true", help="say what would happen and why; submit nothing")
    args = parser.parse_args()
    if not args.interval > 0:
        parser.error("--interval must be positive")
    return args


def main() -> int:
    try:
        return run(arguments())
    except BatchHelpersError as error:
        print(f"variants.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
