"""Hearing of processes, in a process of its own because the alarm takes over signals."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import os, signal, time
from batch_helpers.engines.local.processes import Alarm, reap, spawn

alarm, began = Alarm(), time.monotonic()
output = os.open(os.devnull, os.O_WRONLY)
pid = spawn(["sh", "-c", "sleep 0.2; exit 7"], dict(os.environ), "/", output)
alarm.wait(30)
assert 0.2 <= time.monotonic() - began < 15
[ended] = reap()
print(ended.pid == pid, ended.code, ended.peak_memory > 0, list(reap()))
began = time.monotonic()
alarm.wait(0.3)
assert time.monotonic() - began >= 0.3
os.kill(os.getpid(), signal.SIGIO)
"""


def test_the_end_of_a_child_wakes_at_once_and_a_lease_that_is_broken_does_no_harm() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True 7 True []\n"
