"""What a job must be like to run on this machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping

from batch_helpers.errors import InvalidJob
from batch_helpers.job import Job
from batch_helpers.output import Output
from batch_helpers.uris import canonical_uri, local_path

_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def check(job: Job, containers: str | None) -> None:
    """Raise InvalidJob when this engine can never run the job; `containers` is the runtime for images, or None."""
    if not job.command:
        _check_no_command(job, containers)
    elif not job.command[0]:
        raise InvalidJob(job.name, "command", job.command, "its first word, the program, is empty")
    if job.image is not None and containers is not None and shutil.which(containers) is None:
        problem = f"{containers!r} is not on PATH: install it, or leave containers= out to run the command directly"
        raise InvalidJob(job.name, "image", job.image, problem)
    for name in job.environment:
        if "=" in name or name.startswith("AWS_BATCH_"):
            problem = f"the name {name!r} is reserved, or has a '=' in it"
            raise InvalidJob(job.name, "environment", name, problem)
    _check_files(job)
    _check_texts(job)


def substituted(command: Iterable[str], parameters: Mapping[str, str]) -> list[str]:
    """The command with each `Ref::name` replaced by that parameter; unknown names stay as they are.

    https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html#parameters
    """
    if not parameters:
        return list(command)
    return [_REFERENCE.sub(lambda match: parameters.get(match[1], match[0]), word) for word in command]


def _check_no_command(job: Job, containers: str | None) -> None:
    if job.job_definition is not None:
        problem = "the local engine cannot look job definitions up: give the job a command"
    elif job.image is None:
        problem = "the job has nothing to run: give it a command"
    elif containers is None:
        problem = "without containers= an image cannot be run: give the job a command"
    else:
        return
    raise InvalidJob(job.name, "command", job.command, problem)


def _check_files(job: Job) -> None:
    """Outputs are removed before each attempt, so none may be something that the job is to read."""
    for uri in job.outputs:
        if isinstance(uri, Output) and uri.least and (folder := local_path(uri)):
            _check_folder(job, uri, folder)
    if not job.outputs or not job.inputs:
        return
    inputs = {canonical_uri(uri) for uri in job.inputs}
    for uri in job.outputs:
        if canonical_uri(uri) in inputs:
            raise InvalidJob(job.name, "outputs", uri, "it is one of the job's inputs too: write to another file")


def _check_folder(job: Job, uri: str, folder: str) -> None:
    """All files below it are removed before each attempt, so it must be the job's own."""
    real = os.path.realpath(folder)
    for name, place in (("the current directory", os.getcwd()), ("your home", os.path.expanduser("~"))):
        if _is_within(os.path.realpath(place), real):
            problem = f"{name} lies in it, and all files below it are removed before the job runs: give one of its own"
            raise InvalidJob(job.name, "outputs", uri, problem)
    for given in job.inputs:
        if (path := local_path(given)) and _is_within(os.path.realpath(path), real):
            problem = f"the input {given} lies in it, and all files below it are removed before the job runs"
            raise InvalidJob(job.name, "outputs", uri, problem)


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _check_texts(job: Job) -> None:
    texts = {
        "command": substituted(job.command, job.parameters),
        "environment": [text for pair in job.environment.items() for text in pair],
        "outputs": job.outputs,
        "inputs": job.inputs,
    }
    for field, words in texts.items():
        for word in words:
            if not _is_passable(word):
                raise InvalidJob(job.name, field, word, "it has a character that no process can be given")
    for field, text in (("job_queue", job.job_queue), ("job_definition", job.job_definition)):
        if text is not None and not text.isprintable():
            raise InvalidJob(job.name, field, text, "it has a character that cannot be printed")


def _is_passable(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
