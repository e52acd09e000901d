"""How a command ends: the exit codes, and errors as one clear line.

0    everything that was asked for is done
1    a job failed; of `status`, a job is neither done nor active
2    the call or what it was given is wrong; nothing was submitted
3    jobs are still active
4    a service, a file system or a process said no
130  Ctrl-C: jobs that were submitted go on
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from batch_helpers.errors import BatchHelpersError, InvalidInput

DONE, FAILED, INVALID, ACTIVE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def ending(function: Callable[..., int]) -> Callable[..., None]:
    """A command whose result is its exit code, and whose errors of ours are told without a traceback."""

    @wraps(function)
    def command(*arguments: Any, **options: Any) -> None:
        try:
            code = function(*arguments, **options)
        except BatchHelpersError as exc:
            click.echo(f"batch-helpers: {exc}", err=True)
            code = INVALID if isinstance(exc, InvalidInput) else REFUSED
        except UnicodeEncodeError as exc:  # an argument, or a name in a file, that is no text
            click.echo(f"batch-helpers: {exc.object!r} is not text in UTF-8", err=True)
            code = INVALID
        except KeyboardInterrupt:
            click.echo("batch-helpers: interrupted; what was submitted goes on", err=True)
            code = INTERRUPTED
        sys.exit(code)

    return command
