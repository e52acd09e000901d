"""What would keep jobs from running on this machine, looked at before any of them is submitted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from batch_helpers.doctor.needs import Need, asked_by, distinct
from batch_helpers.engines.local.room import Room
from batch_helpers.finding import Finding, ok, problem
from batch_helpers.job import Job
from batch_helpers.uris import local_path


def preflight(directory: str, room: Room, jobs: Sequence[Job]) -> tuple[Finding, ...]:
    """Whether the engine's directory and the outputs' folders can be written, and what the jobs ask for is there."""
    needs = distinct(asked_by(job, None, None) for job in jobs if job.vcpus or job.memory)
    return (*_folders(directory, jobs), *(check_room(need, room) for need in needs))


def check_room(need: Need, room: Room) -> Finding:
    """Jobs that ask for more vCPUs than there are run alone; memory that is not there they will miss."""
    here = f"this machine has {room.vcpus:g} vCPUs and {room.memory:,} MiB for jobs"
    if need.memory > room.memory:
        advice = f"ask for {room.memory} MiB or less, or run it on a larger machine"
        return problem("room", f"{need.job} asks for {need.memory:,} MiB: {here}", advice)
    if need.vcpus > room.vcpus:
        return ok("room", f"{need.job} asks for {need.vcpus:g} vCPUs and will run alone: {here}")
    return ok("room", f"{need.job} ({need.size}) fits: {here}")


def check_folder(folder: str) -> Finding:
    """Whether files can be made in it, or in what is to hold it when it is not there yet."""
    there = folder
    while not os.path.lexists(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        return problem("directory", f"{folder}: {there} is no directory", f"mv {there} out of the way")
    if not os.access(there, os.W_OK | os.X_OK):
        return problem("directory", f"{folder}: {there} cannot be written", f"chmod u+wx {there}, or use another place")
    return ok("directory", f"{folder} can be written")


def _folders(directory: str, jobs: Iterable[Job]) -> Iterator[Finding]:
    """Folders that are well are said in one line."""
    paths = (local_path(uri) for job in jobs for uri in job.outputs)
    folders = dict.fromkeys([directory, *(os.path.dirname(path) for path in paths if path)])
    findings = [check_folder(folder) for folder in folders]
    bad = [item for item in findings if item.remedy]
    if len(bad) < len(findings):
        good = next(item for item in findings if not item.remedy)
        more = len(findings) - len(bad) - 1
        yield ok("directory", f"{good.text}{f', and {more} more' if more else ''}")
    yield from bad
