"""Compute nodes: a task is a process in a folder of its own, with the environment that the service gives it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.azure.fake_batch.refusal import Refusal

Ended = Callable[[int | None, str], None]
"""Called with the exit code (None: it never started) and why it was ended, if it did not end by itself."""


def words(command_line: str) -> list[str]:
    """The words of a command line, without a shell.

    How the node agent reads quotes within words and backslashes is documented nowhere: what depends on it is refused.
    """
    if not command_line.strip():
        raise Refusal("MissingRequiredProperty", "commandLine")
    if "\\" in command_line or re.search(r"\S['\"]\S*['\"]|['\"][^'\"\s]", _without_quoted(command_line)):
        raise Refusal("InvalidPropertyValue", "commandLine: quotes within a word, or a backslash")
    return shlex.split(command_line)


def _without_quoted(text: str) -> str:
    return re.sub(r"(?<!\S)'[^']*'(?!\S)|(?<!\S)\"[^\"]*\"(?!\S)", " ", text)


class Process:
    """One attempt at a task."""

    def __init__(self, folder: Path, task: Mapping[str, Any], environment: Mapping[str, str], ended: Ended) -> None:
        self._folder, self._task, self._ended = folder, task, ended
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._reason = ""
        self._lock = threading.Lock()
        self.thread = threading.Thread(target=self._run, name=f"task {task['id']}", daemon=True)

    def end(self, reason: str) -> None:
        with self._lock:
            self._reason = self._reason or reason
            if self._process is not None and self._process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def _run(self) -> None:
        work = self._folder / "wd"
        work.mkdir(parents=True, exist_ok=True)
        limit = seconds((self._task.get("constraints") or {}).get("maxWallClockTime"))
        with (self._folder / "stdout.txt").open("wb") as out, (self._folder / "stderr.txt").open("wb") as err:
            try:
                self._start(work, out, err)
            except OSError:
                self._ended(None, "CommandProgramNotFound")
                return
        assert self._process is not None
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self.end("TaskTimedOut")
        code = self._process.wait()
        with self._lock:
            reason = self._reason
        self._upload(code)
        self._ended(code if code >= 0 else 128 - code, reason)

    def _start(self, work: Path, out: Any, err: Any) -> None:
        with self._lock:
            self._process = subprocess.Popen(
                words(self._task["commandLine"]),
                cwd=work,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **self._environment},
                start_new_session=True,
            )
            if self._reason:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _upload(self, code: int) -> None:
        """Upload outputFiles whose condition is met: plain names, relative to the working directory."""
        for item in self._task.get("outputFiles") or ():
            condition = item["uploadOptions"]["uploadCondition"]
            if condition == ("tasksuccess" if code else "taskfailure"):
                continue
            target = item["destination"]["container"]
            url, _, query = target["containerUrl"].partition("?")
            for file in sorted((self._folder / "wd").glob(item["filePattern"])):
                name = target.get("path") or file.name
                if "*" in item["filePattern"]:
                    name = f"{target['path']}/{file.name}" if target.get("path") else file.name
                _put(f"{url}/{name}?{query}", file.read_bytes())


def _put(url: str, content: bytes) -> None:
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-12-02", "Content-Type": "text/plain"}
    request = urllib.request.Request(url, content, headers, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def seconds(duration: str | None) -> float | None:
    """An ISO 8601 duration in seconds."""
    if duration is None:
        return None
    match = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", duration)
    if match is None:
        raise Refusal("InvalidPropertyValue", f"duration {duration}")
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + rest


def forget(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
