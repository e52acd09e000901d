"""The command line: a thin face, which loads a command only when it is called for."""

from __future__ import annotations

from importlib import import_module

import click

from batch_helpers import __version__
from batch_helpers.cli.where import outer_options

_COMMANDS = {
    "cancel": "End jobs, or all that is active of a workflow.",
    "compute-environment": "Make, list, switch and delete compute environments of AWS Batch.",
    "config": "Show the settings, and where each came from.",
    "definitions": "Deregister old job definitions that batch_helpers has made by itself.",
    "doctor": "Find out why jobs do not start, and what mends it.",
    "interactive": "Look at queues and jobs in the terminal.",
    "job-definition": "Make, list, describe and deregister job definitions of AWS Batch.",
    "job-queue": "Make, list, switch and delete job queues of AWS Batch.",
    "jobs": "Submit, list and describe single jobs.",
    "logs": "Print what a job has written.",
    "monitor": "Watch what is active.",
    "plan": "Say what would happen to each job of a workflow, and why.",
    "report": "Make a report from a run's events.",
    "retry": "Submit again what has failed.",
    "run": "Submit what is missing of a workflow, and watch it.",
    "samples": "Check metadata tables.",
    "serve": "An AWS Batch endpoint on this machine.",
    "setup": "Make an account ready for jobs: roles, compute environments, a queue.",
    "status": "Tell which jobs of a workflow are done, active or missing.",
    "teardown": "Remove what setup made.",
    "workflow": "Show a workflow as text or as a diagram.",
}
"""Each command's name, and the line that --help shows for it; the command lies in the module of the same name."""


class _Commands(click.Group):
    """A group whose commands are imported one by one, so that --help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"{__name__}.{name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))


_CODES = "Exit codes: 0 done, 1 a job failed, 2 wrong call or input, 3 still active, 4 a service said no, 130 Ctrl-C."


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_CODES)
@click.version_option(__version__, "--version", "-v")
@click.option("--config-profile", metavar="NAME", help="Profile of the settings; see batch-helpers config --help.")
@outer_options
def main(config_profile: str | None, **where: str | None) -> None:
    """Idempotent, output-aware batch jobs.

    The options that say where jobs run may stand before the command or after it.
    """
