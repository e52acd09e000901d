"""A spot reclaim is a SIGTERM: the command stops, nothing goes out that would look complete, the exit code says so."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.s3 import S3Mounts
from tests.preloader.conftest import Image, keys

pytestmark = pytest.mark.slow

ALONE: Callable[[int], None] = lambda pid: os.kill(pid, signal.SIGTERM)  # noqa: E731
TOGETHER: Callable[[int], None] = lambda pid: os.killpg(pid, signal.SIGTERM)  # noqa: E731


def wait_for(path: Path, patience: float = 30) -> None:
    deadline = time.monotonic() + patience
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.01)


def mounts(image: Image) -> S3Mounts:
    return S3Mounts(write=[{"source": image.path("out"), "destination": "s3://bucket/out", "recursive": True}])


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate(timeout=30)
    return process.returncode, err


@pytest.mark.parametrize("send", [ALONE, TOGETHER], ids=["as docker does", "as the local engine does"])
def test_a_signal_stops_the_command_and_its_children(
    shell: list[str], python_image: Image, s3: Any, send: Callable[[int], None]
) -> None:
    """The script's stdout is closed only when nobody holds it any more: the sleep is gone too."""
    command = f"touch {python_image.path('out')}/half ready; sleep 600; echo survived; touch survived"
    process = python_image.start(shell, command, mounts(python_image))
    wait_for(python_image.root / "ready")
    send(process.pid)
    assert ended(process)[0] == 143
    assert not (python_image.root / "survived").exists()
    assert keys(s3) == []
    assert python_image.leftovers == []


def test_a_command_that_takes_its_leave_with_0_is_no_success(shell: list[str], python_image: Image, s3: Any) -> None:
    command = (
        f"""trap 'touch {python_image.path("out")}/late; exit 0' TERM; touch ready; while :; do sleep 0.05; done"""
    )
    process = python_image.start(shell, command, mounts(python_image))
    wait_for(python_image.root / "ready")
    process.send_signal(signal.SIGTERM)
    code, err = ended(process)
    assert (code, keys(s3)) == (143, [])
    assert "told to stop: nothing more is uploaded" in err


def test_it_says_so_where_the_log_is_kept_too(shell: list[str], python_image: Image, s3: Any) -> None:
    asked = {"EZBATCH_KEEP": "s3://bucket/failed"}
    process = python_image.start(shell, "touch ready; sleep 600", mounts(python_image), **asked)
    wait_for(python_image.root / "ready")
    process.send_signal(signal.SIGTERM)
    code, err = ended(process)
    assert (code, keys(s3)) == (143, [])
    assert "told to stop" in err


def test_a_signal_during_the_upload_leaves_no_marker(shell: list[str], image: Image, s3: Any) -> None:
    image.install("aws", '[ "$2" != cp ] || case "$3" in */out) touch "$PWD/uploading"; sleep 600 ;; esac')
    process = image.start(shell, "true", mounts(image))
    wait_for(image.root / "uploading")
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 143
    assert keys(s3) == []


def test_a_signal_during_the_download_never_starts_the_command(shell: list[str], image: Image, s3: Any) -> None:
    image.install("aws", 'touch "$PWD/downloading"; sleep 600')
    reads = S3Mounts(read=[{"source": "s3://bucket/a", "destination": image.path("a")}])
    process = image.start(shell, "touch ran", reads)
    wait_for(image.root / "downloading")
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 143
    assert not (image.root / "ran").exists()


def test_a_command_that_dies_of_a_signal_tells_which(shell: list[str], python_image: Image, s3: Any) -> None:
    process = python_image.start(shell, "kill -9 $$", S3Mounts())
    assert ended(process)[0] == 128 + signal.SIGKILL
