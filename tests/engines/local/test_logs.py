"""Logs: lines of whatever was written, and files that stay empty are used again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from batch_helpers.engines.local.logs import SpareLogs, lines


def test_lines_come_without_their_ends_and_rubbish_is_replaced(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\r\n\xff\xfe\x00two\n\n10%\r20%\nlast")
    assert list(lines(str(log))) == ["one", "\ufffd\ufffd\0two", "", "10%\r20%", "last"]
    assert list(lines(str(tmp_path / "none"))) == []


def test_a_log_that_stayed_empty_is_used_again(tmp_path: Path) -> None:
    spare, first, second = SpareLogs(), str(tmp_path / "first"), str(tmp_path / "second")
    os.close(spare.open(first))
    inode = os.stat(first).st_ino
    spare.done(first)
    os.close(spare.open(second))
    assert os.listdir(tmp_path) == ["second"]
    assert os.stat(second).st_ino == inode


def test_a_log_with_something_in_it_is_kept(tmp_path: Path) -> None:
    spare, first, second = SpareLogs(), tmp_path / "first", tmp_path / "second"
    file = spare.open(str(first))
    os.write(file, b"something")
    os.close(file)
    spare.done(str(first))
    os.close(spare.open(str(second)))
    assert first.read_text() == "something"
    assert second.read_text() == ""


def test_a_log_that_somebody_may_still_write_or_read_is_kept(tmp_path: Path) -> None:
    for flags in (os.O_WRONLY, os.O_RDONLY):
        spare, first, second = SpareLogs(), str(tmp_path / f"first-{flags}"), str(tmp_path / f"second-{flags}")
        os.close(spare.open(first))
        left_behind = os.open(first, flags)
        spare.done(first)
        os.close(spare.open(second))
        assert os.path.exists(first)
        os.close(left_behind)


def test_tidying_up_the_log_folder_does_no_harm(tmp_path: Path) -> None:
    spare, first, second = SpareLogs(), tmp_path / "logs" / "first", tmp_path / "logs" / "second"
    os.close(spare.open(str(first)))
    spare.done(str(first))
    shutil.rmtree(first.parent)
    os.close(spare.open(str(second)))
    assert second.exists()


def test_a_log_that_is_gone_is_no_spare(tmp_path: Path) -> None:
    spare, first, second = SpareLogs(), tmp_path / "first", tmp_path / "second"
    os.close(spare.open(str(first)))
    first.unlink()
    spare.done(str(first))
    os.close(spare.open(str(second)))
    assert second.exists()
