"""Context managers around an endpoint: in a thread of this process, or in a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from batch_helpers.errors import ServiceError
from batch_helpers.serve.endpoint import Endpoint
from batch_helpers.serve.server import Server
from batch_helpers.serve.settings import Settings

_STOP_SECONDS = 20.0


@contextmanager
def in_thread(settings: Settings) -> Iterator[Endpoint]:
    """Serve in a thread of this process."""
    server = Server(settings)
    started, failures = threading.Event(), []

    def run() -> None:
        try:
            server.run(started.set)
        except BaseException as exc:
            failures.append(exc)
        finally:
            started.set()

    thread = threading.Thread(target=run, name="batch-helpers serve", daemon=True)
    thread.start()
    started.wait()
    try:
        if not failures:
            yield Endpoint(server.url)
    finally:
        server.stop()
        thread.join(_STOP_SECONDS)
    if failures:
        raise failures[0]


@contextmanager
def in_process(settings: Settings) -> Iterator[Endpoint]:
    """Serve in a process of its own, so that this one's CPU time is the client's alone; it ends with this one."""
    command = [sys.executable, "-m", "batch_helpers", "serve", *_options(settings), "--until-eof"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise ServiceError(f"the endpoint could not be started: exit code {process.wait(_STOP_SECONDS)}, see above")
        endpoint = Endpoint(json.loads(line)["url"])
        if settings.outcomes:
            endpoint.script(settings.outcomes)
        yield endpoint
    finally:
        _ended(process)


def _ended(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _options(settings: Settings) -> list[str]:
    """The command line that asks for these settings; outcomes go over the control call."""
    given: dict[str, Any] = {
        name: getattr(settings, name)
        for name in ("directory", "host", "port", "vcpus", "memory", "containers", "retention", "region")
    }
    given |= {"rate": settings.rate, "latency": settings.latency, "seed": settings.seed}
    words = [
        word for name, value in given.items() if value is not None for word in (f"--{name}", os.fspath(str(value)))
    ]
    for image, before in settings.entrypoints.items():
        words += ["--entrypoint", f"{image}={shlex.join(before)}"]
    flags = ["--json"] + (["--instant"] if settings.instant else []) + (["--control"] if settings.control else [])
    return [*words, *flags]
