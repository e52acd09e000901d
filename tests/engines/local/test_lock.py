"""Who runs the jobs of a directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batch_helpers.engines.local.lock import SupervisorLock
from batch_helpers.errors import ServiceError


def test_only_one_has_the_lock(tmp_path: Path) -> None:
    first, second = SupervisorLock(str(tmp_path)), SupervisorLock(str(tmp_path))
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    assert not first.acquire()
    second.release()


def test_a_released_lock_is_free_even_if_a_fork_has_a_copy_of_its_file(tmp_path: Path) -> None:
    lock, other = SupervisorLock(str(tmp_path)), SupervisorLock(str(tmp_path))
    assert lock.acquire()
    copy = os.dup(lock.share())
    lock.release()
    assert other.acquire()
    other.release()
    os.close(copy)


def test_a_lock_that_was_handed_over_stays_taken(tmp_path: Path) -> None:
    giver, taker, other = (SupervisorLock(str(tmp_path)) for _ in range(3))
    assert giver.acquire()
    inherited = os.dup(giver.share())
    os.set_inheritable(inherited, True)
    giver.let_go()
    giver.release()
    assert not other.acquire()
    taker.adopt(inherited)
    assert not os.get_inheritable(inherited)
    assert taker.still_ours()
    taker.sign()
    assert other.holder() == os.getpid()
    taker.release()
    assert other.acquire()
    other.release()


class Unlucky(SupervisorLock):
    """Somebody removes the file between its opening and its locking, once."""

    removed = False

    def _open(self) -> int:
        file = super()._open()
        if not self.removed:
            self.removed = True
            os.unlink(self.path)
        return file


def test_the_lock_of_a_removed_file_is_worth_nothing(tmp_path: Path) -> None:
    lock, other = Unlucky(str(tmp_path)), SupervisorLock(str(tmp_path))
    assert lock.acquire()
    assert lock.still_ours()
    assert not other.acquire()
    os.unlink(lock.path)
    assert not lock.still_ours()
    lock.release()


def test_a_file_that_nobody_has_signed_names_nobody(tmp_path: Path) -> None:
    lock = SupervisorLock(str(tmp_path))
    assert lock.holder() is None
    assert lock.acquire()
    assert lock.holder() is None
    lock.release()


def test_a_lock_that_cannot_be_opened_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="check the permissions"):
        SupervisorLock(str(tmp_path / "missing")).acquire()
