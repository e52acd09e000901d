from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from batch_helpers.errors import AccessDenied, InvalidInput, NotFound, ServiceError
from batch_helpers.stores.base import Found
from batch_helpers.stores.local import LocalStore

MANY = 100
"""Enough wanted files in one folder for the folder to be read in one pass."""


@pytest.fixture
def store() -> LocalStore:
    return LocalStore()


@pytest.fixture(params=["asked one by one", "read in one pass"])
def ask(request: pytest.FixtureRequest, store: LocalStore) -> Callable[[str], bool]:
    """Whether a file is found, when it is asked for by itself, and among many of its folder that are not there."""

    def found(uri: str) -> bool:
        folder = uri.rpartition("/")[0]
        others = [f"{folder}/none-{number}" for number in range(MANY)] if request.param == "read in one pass" else []
        answer = store.find([*others, uri])
        assert set(answer) <= {uri}
        return uri in answer

    return found


def test_a_link_to_a_file_is_there(tmp_path: Path, ask: Callable[[str], bool]) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "second").symlink_to("link")
    assert ask(f"{tmp_path}/link")
    assert ask(f"{tmp_path}/second")


def test_a_dangling_link_is_not_there(tmp_path: Path, ask: Callable[[str], bool]) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    assert not ask(f"{tmp_path}/link")


def test_a_link_in_a_circle_is_an_error(tmp_path: Path, ask: Callable[[str], bool]) -> None:
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(ServiceError, match="symbolic links"):
        ask(f"{tmp_path}/link")


def test_a_broken_link_beside_it_does_not_hide_a_file(tmp_path: Path, ask: Callable[[str], bool]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    assert ask(f"{tmp_path}/file")


def test_what_is_no_regular_file_is_not_there(tmp_path: Path, ask: Callable[[str], bool]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-folder").symlink_to("folder")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(tmp_path)
        server.bind("socket")
        os.chdir(here)
        for name in ("folder", "to-folder", "fifo", "socket"):
            assert not ask(f"{tmp_path}/{name}")


def test_in_a_folder_that_is_missing_or_a_file_nothing_is_there(tmp_path: Path, ask: Callable[[str], bool]) -> None:
    (tmp_path / "file").touch()
    assert not ask(f"{tmp_path}/none/at/all")
    assert not ask(f"{tmp_path}/file/below")


@contextmanager
def without_privileges() -> Iterator[None]:
    """As an ordinary user: root may do everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="store-"))
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_entered_is_access_denied(shared: Path, ask: Callable[[str], bool]) -> None:
    (shared / "closed").mkdir()
    (shared / "closed" / "file").touch()
    (shared / "closed").chmod(0)
    with without_privileges(), pytest.raises(AccessDenied, match="closed"):
        ask(f"{shared}/closed/file")


def test_a_folder_that_cannot_be_listed_is_asked_file_by_file(shared: Path, ask: Callable[[str], bool]) -> None:
    (shared / "dark").mkdir()
    (shared / "dark" / "file").touch()
    (shared / "dark").chmod(0o711)
    with without_privileges():
        assert ask(f"{shared}/dark/file")
        assert not ask(f"{shared}/dark/none")


def test_a_file_that_may_not_be_read_or_written_is_access_denied(shared: Path, store: LocalStore) -> None:
    (shared / "file").touch()
    (shared / "file").chmod(0)
    with without_privileges():
        assert store.find([f"{shared}/file"])
        with pytest.raises(AccessDenied):
            store.read(f"{shared}/file")
        with pytest.raises(AccessDenied):
            store.write(f"{shared}/new", b"")
        with pytest.raises(AccessDenied):
            store.delete([f"{shared}/file"])


def test_every_spelling_of_a_path_is_found_under_its_own(
    tmp_path: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out put").mkdir()
    (tmp_path / "out put" / "a%20b#?.txt").write_text("four")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    spelled = [
        f"{tmp_path}/out put/a%20b#?.txt",
        "out put/a%20b#?.txt",
        "./out put/../out put//a%20b#?.txt",
        "~/out put/a%20b#?.txt",
        f"file://{tmp_path}/out%20put/a%2520b%23%3F.txt",
        f"file://localhost{tmp_path}/out put/a%2520b%23%3f.txt",
        f"FILE://{tmp_path}/out put/a%2520b%23%3f.txt",
    ]
    found = store.find(spelled)
    assert list(dict.fromkeys(spelled)) == sorted(found, key=spelled.index)
    assert {file.size for file in found.values()} == {4}
    assert [store.read(uri) for uri in spelled] == [b"four"] * len(spelled)


def test_a_name_without_a_folder_is_in_the_current_one(
    tmp_path: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").touch()
    assert list(store.find(["plain", "none"])) == ["plain"]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert store.find(["plain"]) == {}


def test_a_tilde_inside_a_name_is_a_tilde(tmp_path: Path, store: LocalStore) -> None:
    (tmp_path / "~").touch()
    assert store.find([f"{tmp_path}/~"])


@pytest.mark.parametrize(
    "uri",
    ["file://data/a.txt", "file://a.txt", "file://[/a.txt", "s3://bucket/key", "/a\0b", "/\ud800/b", "file:///a%00b"],
)
def test_what_is_no_path_is_refused(store: LocalStore, uri: str) -> None:
    for attempt in (lambda: store.find([uri]), lambda: store.read(uri), lambda: store.write(uri, b"")):
        with pytest.raises(InvalidInput):
            attempt()


def test_a_folder_that_is_no_path_is_refused_however_many_are_asked_for(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        store.find([f"{tmp_path}/\0/{number}" for number in range(MANY)])


def test_size_and_date_are_told_where_few_are_asked_for(tmp_path: Path, store: LocalStore) -> None:
    file = tmp_path / "a"
    file.write_text("12345")
    os.utime(file, (1_700_000_000, 1_700_000_000.5))
    assert store.find([str(file)]) == {str(file): Found(5, 1_700_000_000.5)}


def test_writing_makes_the_folders_and_leaves_nothing_else(tmp_path: Path, store: LocalStore) -> None:
    store.write(f"{tmp_path}/a/b/c", b"x")
    store.write(f"{tmp_path}/a/b/c", b"y")
    store.write(f"{tmp_path}/a/b/c", b"z", only_if_absent=True)
    assert os.listdir(tmp_path / "a" / "b") == ["c"]


def test_a_written_file_has_the_permissions_that_the_user_wants(tmp_path: Path, store: LocalStore) -> None:
    before = os.umask(0o027)
    try:
        store.write(f"{tmp_path}/a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_writing_goes_through_a_link_dangling_or_not(tmp_path: Path, store: LocalStore) -> None:
    (tmp_path / "link").symlink_to("file")
    assert store.write(f"{tmp_path}/link", b"new", only_if_absent=True)
    assert not store.write(f"{tmp_path}/link", b"newer", only_if_absent=True)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("only_if_absent", [True, False])
def test_a_folder_in_the_way_of_writing_is_an_error(tmp_path: Path, store: LocalStore, only_if_absent: bool) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(ServiceError):
        store.write(f"{tmp_path}/a", b"", only_if_absent=only_if_absent)
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path: Path, store: LocalStore) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(ServiceError):
        store.write(f"{tmp_path}/a/b", b"")


def test_reading_or_deleting_a_folder_does_neither(tmp_path: Path, store: LocalStore) -> None:
    with pytest.raises(NotFound, match="no such file"):
        store.read(str(tmp_path))
    with pytest.raises(ServiceError, match="directory"):
        store.delete([str(tmp_path)])
    assert tmp_path.exists()


def test_reading_a_pipe_does_not_wait_for_a_writer(tmp_path: Path, store: LocalStore) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(NotFound):
        store.read(f"{tmp_path}/fifo")


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path: Path, store: LocalStore) -> None:
    uri, size = f"{tmp_path}/a", 2_000_000
    store.write(uri, b"0" * size)
    script = (
        "import itertools; from batch_helpers.stores.local import LocalStore; print('go', flush=True)\n"
        f"for n in itertools.count(): LocalStore().write({uri!r}, str(n % 10).encode() * {size})"
    )
    for pause in (0.0, 0.01, 0.02, 0.03):
        writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(pause)
        writer.kill()
        writer.communicate()
        content = store.read(uri)
        assert content == content[:1] * size
