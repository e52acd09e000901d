"""A parameter sweep: the same epidemic for every reproduction number and length of infection, as one table.

python workflows/sweep.py                                       # on this machine, buckets are folders
python workflows/sweep.py --engine aws --queue my-job-queue     # on AWS Batch, with a bucket of yours
batch-helpers run workflows/sweep.py --engine local             # the same without the table
"""

from __future__ import annotations

import argparse
import sys

from batch_helpers.errors import BatchHelpersError
from batch_helpers.s3 import S3Mounts
from batch_helpers.workflow import EZBatchJob, EZBatchWorkflow

BUCKET = "my-bucket"
MODEL = """
import json, math, sys
r0, days = float(sys.argv[1]), float(sys.argv[2])
infected = 0.5
for _ in range(200):  # the final size of an epidemic: z = 1 - exp(-R0 z)
    infected = 1 - math.exp(-r0 * infected)
peak_rate = (1 - (1 + math.log(r0)) / r0) / days if r0 > 1 else 0.0
print(json.dumps({"r0": r0, "days": days, "attack_rate": round(infected, 4), "peak_recoveries": round(peak_rate, 4)}))
"""

workflow = EZBatchWorkflow.sweep(
    EZBatchJob(
        image="public.ecr.aws/docker/library/python:3.12-slim",
        command='python3 -c "$MODEL" {r0} {days} > /tmp/sweep/{name}/result.json',
        environment={"MODEL": MODEL},
        mounts=S3Mounts(
            write=[
                {"source": "/tmp/sweep/{name}/result.json", "destination": f"s3://{BUCKET}/sweep/{{name}}.json"},
            ]
        ),
        platform="EC2",
        preloader=True,
    ),
    over={"r0": [1.2, 1.5, 2.5, 4.0], "days": [3, 5]},
    name="sweep",
)
workflow.local_buckets[BUCKET] = "results"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="local", help="local or aws")
    parser.add_argument("--queue", help="the job queue")
    given = parser.parse_args()
    try:
        workflow.submit(queue=given.queue, engine=given.engine)
        summary = workflow.monitor(interval=10)
        if summary.exit_code == 0:
            results = {name: uris[0] for name, uris in workflow.outputs(given.engine).items()}
            print(workflow.collect(results).drop(columns="uri").to_string(index=False))
    except BatchHelpersError as exc:
        sys.exit(f"sweep: {exc}")
    return summary.exit_code


if __name__ == "__main__":
    sys.exit(main())
