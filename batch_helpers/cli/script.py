"""Python scripts as targets: one that makes a workflow at its top level, or one that adds jobs to a helper itself."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import path
from typing import TYPE_CHECKING, Any

from batch_helpers.cli.where import Where
from batch_helpers.errors import BatchHelpersError, InvalidInput

if TYPE_CHECKING:
    from batch_helpers.helper import BatchHelper
    from batch_helpers.job import Job
    from batch_helpers.monitor import Snapshot
    from batch_helpers.preview import Preview
    from batch_helpers.workflow import EZBatchWorkflow

RUN_NAME = "batch_helpers_workflow"
"""The `__name__` of a script that is run for its workflow, so that its `if __name__ == "__main__"` is left out."""


class _Enough(BaseException):
    """The script has done what was to be learnt from it."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script and its arguments. Raises InvalidInput for a file that cannot be read or fails."""

    file: str
    arguments: Sequence[str] = ()

    def workflow(self) -> EZBatchWorkflow | None:
        """The workflow that the script makes at its top level; None when it makes none. Submits nothing."""
        from batch_helpers.helper import BatchHelper
        from batch_helpers.workflow import EZBatchWorkflow

        try:
            with _instead(BatchHelper, "add_jobs", _stop), _instead(EZBatchWorkflow, "submit", _stop):
                made = self._run(RUN_NAME)
        except _Enough:
            return None
        found = {name: value for name, value in made.items() if isinstance(value, EZBatchWorkflow)}
        if "workflow" in found or not found:
            return found.get("workflow")
        if len({id(value) for value in found.values()}) > 1:
            raise InvalidInput(f"{self.file}: has {len(found)} workflows ({', '.join(found)}): call one `workflow`")
        return next(iter(found.values()))

    def run(self, where: Where) -> int:
        """Run the script as `python FILE` does, on the engine that `where` names if it names one; its exit code."""
        with self._on(where):
            self._run("__main__")
        return 0

    def rehearse(self, where: Where) -> tuple[BatchHelper, Preview]:
        """What the script would do until it watches its jobs, and on what; submits nothing."""
        from batch_helpers.helper import BatchHelper

        made: list[BatchHelper] = []

        def make_dry(helper: BatchHelper, *arguments: Any, **options: Any) -> None:
            make(helper, *arguments, **{**options, "dry_run": True})
            made.append(helper)

        try:
            with (
                _instead(BatchHelper, "__init__", make_dry) as make,
                _instead(BatchHelper, "monitor", _stop),
                self._on(where),
            ):
                self._run("__main__")
        except (_Enough, SystemExit) as exc:
            if isinstance(exc, SystemExit) and not made:
                raise
        helpers = [helper for helper in made if len(helper.planned)]
        if len(helpers) != 1:
            raise InvalidInput(f"{self.file}: makes no EZBatchWorkflow at its top level, and adds jobs to "
                               f"{len(helpers) or 'no'} helpers: it needs one of either")  # fmt: skip
        return helpers[0], helpers[0].planned

    @contextmanager
    def _on(self, where: Where) -> Iterator[None]:
        """While this lasts `connect` gives the helper of `where`, if an engine was named in the call."""
        from batch_helpers import engine_helpers as home
        from batch_helpers.helper import BatchHelper
        from batch_helpers.workflow import workflow as user

        if not where.named:
            yield
            return
        given = where.helper(narrating=False)

        def connect(_: str, *, dry_run: bool = False, **__: Any) -> BatchHelper:
            given.dry_run = given.dry_run or dry_run
            return given

        def checked(helper: BatchHelper, jobs: Iterable[Job]) -> Any:
            if helper is not given:
                raise InvalidInput(f"{self.file}: --engine reaches scripts that say connect(…), and this one makes a "
                                   f"{type(helper).__name__} itself")  # fmt: skip
            return add_jobs(helper, jobs)

        with (
            _instead(home, "connect", connect),
            _instead(user, "connect", connect),
            _instead(BatchHelper, "add_jobs", checked) as add_jobs,
        ):
            yield

    def _run(self, name: str) -> dict[str, Any]:
        if not path.isfile(self.file):
            raise InvalidInput(f"{self.file}: cannot be read: No such file or directory")
        sys.path.insert(0, path.dirname(path.abspath(self.file)))
        kept, sys.argv = sys.argv, [self.file, *self.arguments]
        try:
            return runpy.run_path(self.file, run_name=name)
        except BatchHelpersError:
            raise
        except Exception as exc:
            raise InvalidInput(f"{self._place(exc)}: {type(exc).__name__}: {exc}") from exc
        finally:
            sys.argv = kept

    def _place(self, exc: Exception) -> str:
        """Where in the script it failed."""
        frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == self.file]
        line = frames[-1].lineno if frames else getattr(exc, "lineno", None)
        return self.file if line is None else f"{self.file}: line {line}"


def _stop(*_: Any, **__: Any) -> Snapshot:
    raise _Enough


@contextmanager
def _instead(owner: Any, name: str, function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """While this lasts the owner has `function` under this name; yields what it had before."""
    own = getattr(owner, name)
    setattr(owner, name, function)
    try:
        yield own
    finally:
        setattr(owner, name, own)
