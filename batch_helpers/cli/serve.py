"""`batch-helpers serve`: an AWS Batch endpoint on this machine."""

from __future__ import annotations

import gc
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import click

from batch_helpers.errors import BatchHelpersError

_EPILOG = """
Jobs are processes of this machine, each in a folder of its own, with the environment in which serve was started. A new
endpoint has a job queue and a compute environment called `local`. Whoever can reach the port can run commands as you.
"""


@click.command("serve", epilog=_EPILOG)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default="any free one", help="Port to listen on.")
@click.option("--directory", default=".batch/serve", show_default=True, help="Where the state is kept.")
@click.option("--vcpus", type=float, show_default="all", help="vCPUs that jobs may take together.")
@click.option("--memory", type=int, show_default="all", help="MiB that jobs may take together.")
@click.option("--containers", metavar="RUNTIME", help="Run images with docker, podman or apptainer.")
@click.option(
    "--entrypoint",
    "entrypoints",
    multiple=True,
    callback=lambda *given: dict(_entrypoint(text) for text in given[-1]),
    metavar="IMAGE=WORDS",
    help="Words that an image puts before a command; repeatable.",
)
@click.option("--instant", is_flag=True, help="Jobs finish without running.")
@click.option("--retention", type=float, default=7 * 86400.0, help="Seconds for which ended jobs are known.")
@click.option("--region", default="us-east-1", show_default=True, help="The region in ARNs.")
@click.option("--rate", type=float, help="Requests per second; beyond, the answer is 429.")
@click.option("--latency", type=float, default=0.0, help="Seconds before each answer.")
@click.option("--seed", type=int, default=0, help="Of the faults that are left to chance.")
@click.option("--control", is_flag=True, help="Serve the control call /_control, for tests.")
@click.option("--until-eof", is_flag=True, hidden=True, help="End when standard input does, as whoever started it.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON instead of export lines.")
def command(as_json: bool, until_eof: bool, **options: Any) -> None:
    """Serve the protocol of AWS Batch over processes of this machine, until Ctrl-C."""
    from batch_helpers.serve.guards import is_loopback
    from batch_helpers.serve.server import Server
    from batch_helpers.serve.settings import Settings

    if not is_loopback(options["host"]):
        click.echo(f"warning: {options['host']} is reachable from other machines: they can run commands here", err=True)
    try:
        server = Server(Settings(**options))
    except BatchHelpersError as exc:
        click.echo(f"batch-helpers serve: {exc}", err=True)
        sys.exit(2)
    # Before uvicorn takes signals, and after, when it raises the one that ended it once more.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    if until_eof:
        threading.Thread(target=_wait_for_end_of_input, args=(server.stop,), daemon=True).start()
    gc.freeze()  # the SDK's models live as long as the process: collections need not look at them
    server.run(lambda: _announce(server.url, options["directory"], as_json=as_json))


def _wait_for_end_of_input(then: Callable[[], None]) -> None:
    sys.stdin.buffer.read()
    then()


def _entrypoint(text: str) -> tuple[str, list[str]]:
    image, equals, words = text.partition("=")
    if not (image and equals):
        raise click.BadParameter(
            f"{text!r}: give an image without its tag, and words, as tool=tool", param_hint="--entrypoint"
        )
    return image, shlex.split(words)


def _announce(url: str, directory: str, *, as_json: bool) -> None:
    from batch_helpers.serve.endpoint import environment

    variables = environment(url)
    if as_json:
        click.echo(json.dumps({"url": url, "pid": os.getpid(), "directory": directory, "environment": variables}))
    else:
        click.echo("\n".join(f"export {name}={value}" for name, value in variables.items()))
        click.echo(f"Serving {directory}. Ctrl-C stops the endpoint; what it knows stays, and jobs go on.", err=True)
