"""Preflight on this machine: directories, vCPUs and memory; and engines with nothing to look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_helpers import Job, LocalBatchHelper
from batch_helpers.doctor.local import check_folder, check_room
from batch_helpers.doctor.needs import Need
from batch_helpers.engines.local.room import Room
from batch_helpers.engines.local.rows import Capacity
from batch_helpers.finding import Verdict, problems
from batch_helpers.helper import BatchHelper
from batch_helpers.testing import MemoryEngine, MemoryStore

OK, PROBLEM, UNKNOWN = Verdict
ROOM = Room(Capacity(2, 4096))


@pytest.mark.parametrize(("vcpus", "memory", "verdict"), [(2, 4096, OK), (3, 4096, OK), (2, 4097, PROBLEM)])
def test_memory_must_be_there_and_vcpus_may_be_shared(vcpus: float, memory: int, verdict: Verdict) -> None:
    found = check_room(Need("big", vcpus=vcpus, memory=memory), ROOM)
    assert found.verdict is verdict
    assert "2 vCPUs and 4,096 MiB" in found.text
    assert ("will run alone" in found.text) == (vcpus > 2)


def test_folders_that_are_not_there_yet_are_made(tmp_path: Path) -> None:
    assert check_folder(str(tmp_path)).verdict is OK
    assert check_folder(str(tmp_path / "a" / "b")).verdict is OK


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    found = check_folder(str(tmp_path / "a" / "b"))
    assert (found.verdict, "is no directory" in found.text) == (PROBLEM, True)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    found = check_folder(str(tmp_path))
    assert (found.verdict, "cannot be written" in found.text, "chmod" in found.remedy) == (PROBLEM, True, True)


def test_a_plan_on_this_machine_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    helper = LocalBatchHelper(str(tmp_path / ".batch"), vcpus=1, memory=1024)
    jobs = [
        Job("small", command="true", memory=512, outputs=[str(tmp_path / "out" / "a")]),
        Job("large", command="true", memory=2048, outputs=[str(tmp_path / "file" / "b")]),
    ]
    looked = helper.plan(jobs, preflight=True).preflight
    assert sorted(item.check for item in problems(looked)) == ["directory", "room"]
    assert not (tmp_path / ".batch").exists()
    assert problems(helper.plan(jobs[:1], preflight=True).preflight) == []


def test_on_engines_of_ones_own_there_is_nothing_to_look_at() -> None:
    store = MemoryStore()
    helper = BatchHelper(MemoryEngine(store), store, job_queue="q")
    looked = helper.plan([Job("a", command="true")], preflight=True).preflight
    assert [(item.verdict, item.check) for item in looked] == [(OK, "preflight")]
