"""The program that stands for ECS on this machine: it runs the containers of one task, as processes.

    python -m batch_helpers.serve.runners.task TASK.json

A container starts when those that it depends on have started, ended or succeeded; a task ends with the first of its
essential containers, and takes that one's exit code. How each container ended is written down beside.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from batch_helpers.engines.local import processes
from batch_helpers.engines.local.processes import Alarm, CannotStart

GRACE = 1.5
"""Seconds that containers are given to end when their task ends; the engine is not patient for much longer."""

NEVER_STARTED = 1
"""The exit code of a task whose essential container could not be started."""

_LOG = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


@dataclass(slots=True, eq=False)
class Container:
    """A container, and what has become of it; `given` is what runners.tasks has written about it."""

    given: Mapping[str, Any]
    pid: int = 0
    code: int | None = None
    reason: str = ""
    over: bool = False

    @property
    def name(self) -> str:
        return str(self.given["name"])

    def start(self) -> None:
        """Start its process in the task's own process group, which is ended as one."""
        log = os.open(self.given["log"], _LOG, 0o644)
        try:
            os.makedirs(self.given["directory"], exist_ok=True)
            environment = {**os.environ, **self.given["environment"]}
            self.pid = processes.spawn(self.given["command"], environment, self.given["directory"], log, group=None)
        except CannotStart as exc:
            os.write(log, f"{exc}\n".encode(errors="replace"))
            self.end(None, f"CannotStartContainerError: {exc}")
        finally:
            os.close(log)

    def end(self, code: int | None, reason: str = "") -> None:
        self.code, self.reason, self.over = code, reason, True


class Task:
    """The containers of one task, by name."""

    def __init__(self, containers: list[Container]) -> None:
        self._containers = {item.name: item for item in containers}

    def start(self) -> None:
        """Start what may start, and give up what never can, until nothing changes any more."""
        while any(self._moved(item) for item in self._containers.values() if not item.pid and not item.over):
            pass

    def reap(self) -> None:
        """Take note of the processes that have ended."""
        for ended in processes.reap():
            for item in self._containers.values():
                if item.pid == ended.pid:
                    item.end(ended.code)

    def ended_by(self) -> Container | None:
        """The essential container whose end is the task's."""
        return next((item for item in self._containers.values() if item.over and item.given["essential"]), None)

    def stop(self, alarm: Alarm) -> None:
        """End what still runs, as gently as there is time for."""
        deadline = time.monotonic() + GRACE
        self._signal(signal.SIGTERM)
        while any(item.pid and not item.over for item in self._containers.values()):
            if time.monotonic() >= deadline:
                self._signal(signal.SIGKILL)
            alarm.wait(0.05)
            self.reap()
        for item in self._containers.values():
            if item.pid and item.code and item.given["removal"]:  # its client has ended badly, and may have left it
                with suppress(OSError, subprocess.TimeoutExpired):
                    subprocess.run(item.given["removal"], timeout=GRACE, check=False, stdout=subprocess.DEVNULL)

    def ends(self) -> list[dict[str, Any]]:
        """How each container ended."""
        return [
            {"name": item.name, "exit_code": item.code, "reason": item.reason} for item in self._containers.values()
        ]

    def _moved(self, item: Container) -> bool:
        for name, condition in item.given["after"]:
            other = self._containers[name]
            if condition == "SUCCESS" and other.over and other.code != 0:
                item.end(None, _unresolved(item.name, name, "did not exit successfully"))
                return True
            if other.over and not other.pid:
                item.end(None, _unresolved(item.name, name, "could not be started"))
                return True
            if not (other.pid if condition == "START" else other.over):
                return False
        item.start()
        return True

    def _signal(self, number: int) -> None:
        for item in self._containers.values():
            if item.pid and not item.over:
                os.kill(item.pid, number)


def run(path: str) -> int:
    """Run a task to its end; its exit code."""
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    alarm, task = Alarm(), Task([Container(item) for item in given["containers"]])
    task.start()
    while not (asked or task.ended_by()):
        alarm.wait(60)
        task.reap()
        task.start()
    decisive = None if asked else task.ended_by()
    task.stop(alarm)
    _write(given["result"], {"by": decisive.name if decisive else None, "containers": task.ends()})
    if decisive is None:
        return 128 + signal.SIGTERM
    return NEVER_STARTED if decisive.code is None else decisive.code


def _unresolved(name: str, other: str, why: str) -> str:
    return f"failed to resolve container ordering dependency [{other}] for target [{name}] as dependency {why}"


def _write(path: str, value: Any) -> None:
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(f"{path}.part", path)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
