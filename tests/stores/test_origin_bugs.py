"""Bugs of the tool that this one descends from, which must not come back."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from batch_helpers.stores.base import Store
from batch_helpers.stores.local import LocalStore
from batch_helpers.stores.s3 import S3Store
from tests.stores.wire import Bucket, Wire

NEIGHBOURS = ["proj/out2/a.txt", "proj/out/nested/a.txt"]


@pytest.fixture(params=["local", "s3"])
def store_and_root(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, str]:
    """A store in which the neighbours exist, and where."""
    if request.param == "s3":
        return S3Store(Wire(Bucket(NEIGHBOURS)).access), "s3://bucket"
    for name in NEIGHBOURS:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    return LocalStore(), str(tmp_path)


@pytest.mark.parametrize("others", [0, 1, 100])
def test_origin_bug_1_an_output_is_not_there_because_another_folder_has_one_of_its_name(
    store_and_root: tuple[Store, str], others: int
) -> None:
    store, root = store_and_root
    wanted = [f"{root}/proj/out/a.txt", *(f"{root}/proj/out/none-{number}" for number in range(others))]
    assert store.find(wanted) == {}


@pytest.mark.slow
def test_origin_bug_4_outputs_in_one_folder_are_not_compared_each_with_each(tmp_path: Path) -> None:
    def cost(count: int) -> float:
        folder = tmp_path / str(count)
        folder.mkdir()
        uris = [f"{folder}/{number}" for number in range(count)]
        for uri in uris:
            os.mknod(uri)
        started = time.process_time()
        assert len(LocalStore().find(uris)) == count
        spent = time.process_time() - started
        shutil.rmtree(folder)
        return spent

    few, tenfold = cost(1_500), cost(15_000)
    assert tenfold < 40 * few, "each with each would be 100 times as much"


def test_origin_bug_4_a_cohort_in_one_s3_folder_costs_one_request_a_page() -> None:
    keys = [f"out/{number:06}" for number in range(5000)]
    wire = Wire(Bucket(keys))
    found = S3Store(wire.access).find([f"s3://bucket/{key}" for key in keys])
    assert len(found) == len(keys)
    assert len(wire.requests) == 5
