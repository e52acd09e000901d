"""Folders that are outputs belong to one job: whoever else writes below one is in conflict with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from batch_helpers.job import Job
from batch_helpers.uris import claimed_uri


def folder_conflicts(jobs: Sequence[Job], claimed: Mapping[str, Job]) -> dict[int, str]:
    """Positions of distinct jobs that write into each other's folders, or into those of jobs added before, and why.

    claimed: outputs of jobs added before, by claimed_uri.
    """
    folders = {claimed_uri(uri): place for place, job in enumerate(jobs) for uri in job.outputs if uri[-1] == "/"}
    found: dict[int, str] = {}
    if not folders and not claimed:
        return found
    for place, job in enumerate(jobs):
        for claim in map(claimed_uri, job.outputs):
            for folder in _folders_above(claim):
                other = folders.get(folder, place)
                if other != place:
                    found[place] = found[other] = _said(job.name, claim, folder, jobs[other].name)
                elif (earlier := claimed.get(folder)) is not None and earlier.fingerprint != job.fingerprint:
                    found[place] = _said(job.name, claim, folder, f"{earlier.name} (added before)")
    if folders:
        _find_earlier(jobs, folders, claimed, found)
    return found


def _find_earlier(
    jobs: Sequence[Job], folders: Mapping[str, int], claimed: Mapping[str, Job], found: dict[int, str]
) -> None:
    for claim, earlier in claimed.items():
        for folder in _folders_above(claim):
            place = folders.get(folder)
            if place is not None and jobs[place].fingerprint != earlier.fingerprint:
                found[place] = _said(f"{earlier.name} (added before)", claim, folder, jobs[place].name)


def _said(writer: str, claim: str, folder: str, owner: str) -> str:
    return f"{writer} writes {claim} into {folder}, which is an output of {owner}"


def _folders_above(claim: str) -> Iterator[str]:
    """The folders in which it lies, itself left out."""
    end = claim.rfind("/", 0, len(claim) - 1)
    while end > 0:
        yield claim[: end + 1]
        end = claim.rfind("/", 0, end)
