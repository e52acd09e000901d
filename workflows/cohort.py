"""An epidemic in every state of samples.csv: two jobs per sample, and one job that gathers them all.

Run it, and run it again: only what is missing runs.

    python workflows/cohort.py
    python workflows/cohort.py --engine aws --queue my-queue --image my-image --outputs s3://my-bucket/epidemic
    python workflows/cohort.py --engine azure --pool my-pool --image my-image --outputs az://my-container/epidemic

The image needs this repository as its working directory (or --script), and boto3 to read and write S3, or
azure-storage-blob and azure-identity to read and write Blob Storage.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from batch_helpers import Job, connect, jobs_from, read_samples
from batch_helpers.errors import BatchHelpersError
from batch_helpers.helper import BatchHelper

HERE = Path(__file__).resolve().parent
PLACES = {"local": "", "aws": "s3://bucket/prefix", "azure": "az://container/prefix"}
"""Where the jobs of each engine can leave their outputs."""


def cohort(samples: list[dict[str, str]], outputs: str, step: list[str], **where: Any) -> list[Job]:
    """Simulate and summarise every sample, then gather; `step` starts epidemic.py, `where` holds it."""
    rows = [
        row | {"curve": f"{outputs}/curves/{row['sample']}.csv", "summary": f"{outputs}/summaries/{row['sample']}.json"}
        for row in samples
    ]
    simulate = jobs_from(
        rows,
        name="simulate-{sample}",
        stage="simulate",
        command=[*step, "simulate", "{sample}", "{population}", "{curve}"],
        outputs=["{curve}"],
        **where,
    )
    summarise = jobs_from(
        rows,
        name="summarise-{sample}",
        stage="summarise",
        command=[*step, "summarise", "{curve}", "{summary}"],
        inputs=["{curve}"],
        outputs=["{summary}"],
        each_depends_on=simulate,
        **where,
    )
    national, states = f"{outputs}/national.tsv", [f"{row['sample']}={row['population']}" for row in rows]
    gather = Job(
        name="gather",
        stage="gather",
        command=[*step, "gather", national, f"{outputs}/summaries", *states],
        inputs=[row["summary"] for row in rows],
        outputs=[national],
        depends_on=summarise,
        **where,
    )
    return [*simulate, *summarise, gather]


def connected(args: argparse.Namespace) -> BatchHelper:
    if args.engine == "local":
        return connect("local", directory=args.directory, dry_run=args.dry_run)
    if args.engine == "azure":
        return connect("azure", job_queue=args.queue, pool=args.pool, dry_run=args.dry_run)
    return connect(
        "aws",
        job_queue=args.queue,
        region=args.region,
        profile=args.profile,
        endpoint_url=args.endpoint_url,
        dry_run=args.dry_run,
    )


def run(args: argparse.Namespace) -> int:
    """Plan the cohort, submit what is missing and watch it to its end; returns the exit code."""
    samples = read_samples(args.samples, required=["population"])
    local = args.engine == "local"
    step = [sys.executable, str(HERE / "epidemic.py")] if local else ["python3", args.script]
    outputs = args.outputs if "://" in args.outputs else os.path.abspath(args.outputs)
    jobs = cohort(samples, outputs.rstrip("/"), step, job_definition=args.job_definition, image=args.image)
    helper = connected(args)
    helper.add_jobs(jobs)
    return helper.monitor(interval=args.interval).exit_code


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--engine", choices=list(PLACES), default="local", help="where the jobs run (default: this machine)")
    option("--samples", default=HERE.parent / "samples.csv", help="CSV or TSV with the columns sample and population")
    option("--outputs", default="results", metavar="PLACE", help="a folder, s3://… or az://… (default: results)")
    option("--directory", default=".batch", help="local: state and logs of the engine (default: .batch)")
    option("--queue", help="aws: the job queue; azure: the Azure job (default: the pool's name)")
    option("--job-definition", help="aws: name, name:revision or ARN")
    option("--image", help="aws, azure: a container image, instead of a definition or of the pool's")
    option("--script", default="workflows/epidemic.py", help="aws, azure: where epidemic.py is in the image")
    option("--pool", help="azure: the pool that runs the jobs")
    option("--region", help="aws: instead of the profile's")
    option("--profile", help="aws: a profile of ~/.aws/config")
    option("--endpoint-url", metavar="URL", help="aws: another endpoint")
    option("--interval", type=float, default=30, metavar="SECONDS", help="between two polls, at the most (default: 30)")
    option("--dry-run", action="store_true", help="say what would happen and why; submit nothing")
    args = parser.parse_args()
    if not args.interval > 0:
        parser.error("--interval must be positive")
    place = PLACES[args.engine]
    if not args.outputs.startswith(place[: place.find("//") + 2]):
        parser.error(f"--engine {args.engine} needs --outputs {place}: its jobs cannot write to this machine")
    if args.engine == "azure" and not (args.pool or args.queue):
        parser.error("--engine azure needs --pool, or the --queue of an Azure job that exists")
    return args


def main() -> int:
    try:
        return run(arguments())
    except BatchHelpersError as error:
        print(f"cohort.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
