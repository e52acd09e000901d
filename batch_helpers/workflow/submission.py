"""One workflow on one engine: planned, submitted, watched, cancelled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batch_helpers.helper import BatchHelper
from batch_helpers.monitor import Snapshot
from batch_helpers.plan import Action
from batch_helpers.preview import Preview
from batch_helpers.workflow.definitions import Roles
from batch_helpers.workflow.registry import Registry, registry_of
from batch_helpers.workflow.translate import translate

if TYPE_CHECKING:
    from batch_helpers.workflow.workflow import EZBatchWorkflow


class Submission:
    """The conductor of a workflow's jobs.

    queue: that of jobs that name none. roles: needed for submit only.
    """

    def __init__(
        self, workflow: EZBatchWorkflow, helper: BatchHelper, queue: str | None, roles: Roles | None = None
    ) -> None:
        self._helper = helper
        self._translated = translate(workflow, helper.engine, queue, roles)
        self._unwanted: list[str] = []
        self._begun = False

    def plan(self, *, preflight: bool = False) -> Preview:
        """What submit would do; with what would keep the jobs from running, if that is asked for."""
        decided = self._helper.plan(self._translated.jobs.values())
        if not preflight:
            return decided
        contents = {name: content for name, (_, content) in self._translated.contents.items()}
        return replace(decided, preflight=self._helper.preflight(decided.wanted, contents))

    def submit(self, *, keep_definitions: bool) -> dict[str, str | None]:
        """Register the definitions that are needed and missing, then submit; jobIds by the jobs' names."""
        self._begun = True
        registry = None if self._helper.dry_run else registry_of(self._helper.engine)
        before = len(registry.registered) if registry else 0
        held = False
        try:
            held = registry is not None and self._define(registry)
            ids = self._helper.add_jobs(self._translated.jobs.values())
        finally:
            if registry and not keep_definitions:
                self._unwanted += registry.registered[before:]
            if not held:
                self._tidy()
        return dict(zip(self._translated.jobs, ids, strict=True))

    def monitor(self, interval: float, **options: Any) -> Snapshot:
        """Watch until everything has ended."""
        snapshot = self._helper.monitor(interval, **options)
        if not snapshot.held:
            self._tidy()
        return snapshot

    def cancel(self, reason: str) -> list[str]:
        """End what this object has submitted, or else whatever of the workflow is active; the jobIds."""
        return self._helper.cancel(None if self._begun else self._translated.jobs.values(), reason=reason)

    def _define(self, registry: Registry) -> bool:
        """Whether some jobs are held: they will need their definitions later."""
        decided = self.plan()
        decided.check()
        wanted = [item for item in decided if item.action in (Action.SUBMIT, Action.HOLD)]
        for name in dict.fromkeys(item.job.job_definition for item in wanted):
            registry.define(*self._translated.contents[name or ""])
        return any(item.action is Action.HOLD for item in wanted)

    def _tidy(self) -> None:
        registry = registry_of(self._helper.engine)
        if registry and self._unwanted:
            registry.deregister(self._unwanted)
            self._unwanted = []
