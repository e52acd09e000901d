"""The same work with batch_helpers: `python ours.py JOBS`."""

from __future__ import annotations

import sys

from batch_helpers import AWSBatchHelper, Job

helper = AWSBatchHelper(job_queue="local")
helper.add_jobs(
    Job(
        f"work-{number}",
        job_definition="work",
        parameters={"out": f"bucket/out/{number}.txt"},
        outputs=[f"s3://bucket/out/{number}.txt"],
    )
    for number in range(int(sys.argv[1]))
)
sys.exit(helper.monitor(interval=1).exit_code)
