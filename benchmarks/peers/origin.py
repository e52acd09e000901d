"""The origin's algorithm, as FACTS.md tells it, in the fewest lines: `python origin.py JOBS`.

It lists folders once and compares basenames, knows jobs by a name with Python's own hash in it, looks at the jobs of
every status once, and then asks about each job by itself, once a second, until all have ended. Its outputs are looked
for again at each poll.
"""

from __future__ import annotations

import sys
import time

import boto3

BUCKET, QUEUE, INTERVAL = "bucket", "local", 1.0
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")

batch, s3 = boto3.client("batch"), boto3.client("s3")


def listed(folder: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=folder)
    return [item["Key"].split("/")[-1] for page in pages for item in page.get("Contents", [])]


def known() -> dict[str, str]:
    found = {}
    for status in STATUSES:
        for page in batch.get_paginator("list_jobs").paginate(jobQueue=QUEUE, jobStatus=status):
            found.update({job["jobName"]: job["jobId"] for job in page["jobSummaryList"]})
    return found


def main(jobs: int) -> None:
    there, active, ids = listed("out"), known(), []
    for number in range(jobs):
        output = f"out/{number}.txt"
        if output.split("/")[-1] in there:
            continue
        name = f"work-{hash(output) & 0xFFFFFFFF}"
        if name not in active:
            parameters = {"out": f"{BUCKET}/{output}"}
            active[name] = batch.submit_job(jobName=name, jobQueue=QUEUE, jobDefinition="work", parameters=parameters)[
                "jobId"
            ]
        ids.append(active[name])
    while ids:
        details = [batch.describe_jobs(jobs=[job_id])["jobs"][0] for job_id in ids]
        ids = [job["jobId"] for job in details if job["status"] not in ("SUCCEEDED", "FAILED")]
        listed("out")
        if ids:
            time.sleep(INTERVAL)


main(int(sys.argv[1]))
