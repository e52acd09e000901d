"""Files go to containers and come back as they were: in Blob Storage, and in folders of this machine."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import pytest

from batch_helpers.cloudops import CloudClient
from batch_helpers.cloudops.transfers import Chosen, blob_name
from batch_helpers.errors import InvalidInput, NotFound, ServiceError

pytestmark = pytest.mark.slow


@pytest.fixture(params=["azure", "local"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> CloudClient:
    if request.param == "local":
        return CloudClient(engine="local", directory=str(tmp_path / "state"))
    request.getfixturevalue("blobs")
    return CloudClient(sleep=lambda seconds: None)


@pytest.fixture
def box(client: CloudClient) -> str:
    name = f"box-{uuid.uuid4().hex[:12]}"
    client.create_blob_container(name)
    return name


def tree(tmp_path: Path, *names: str) -> Path:
    root = tmp_path / "data"
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    return root


def test_a_container_that_exists_may_be_created_again(client: CloudClient, box: str) -> None:
    client.create_blob_container(box)
    assert client.list_blob_files(box) == []


def test_files_go_up_under_their_paths_and_come_down_as_they_were(
    client: CloudClient, box: str, tmp_path: Path
) -> None:
    root = tree(tmp_path, "a.txt", "sub/b c.csv")
    names = client.upload_files(["a.txt", "sub/b c.csv"], box, str(root), "run-1")
    assert names == ["run-1/a.txt", "run-1/sub/b c.csv"]
    assert client.list_blob_files(box) == names
    assert client.list_blob_files(box, "run-1/sub") == ["run-1/sub/b c.csv"]
    client.download_file("run-1/sub/b c.csv", str(tmp_path / "new" / "x.csv"), box)
    assert (tmp_path / "new" / "x.csv").read_text() == "content of sub/b c.csv"


def test_folders_go_up_and_come_down_with_what_was_chosen(
    client: CloudClient, box: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "a.py", "a.csv", "b.tmp.csv", "__pycache__/a.pyc", "deep/er/c.csv")
    monkeypatch.chdir(tmp_path)
    names = client.upload_folders(
        "data", box, include_extensions=["csv", ".py"], exclude_extensions=".tmp.csv", exclude_patterns="__pycache__"
    )
    assert names == ["data/a.csv", "data/a.py", "data/deep/er/c.csv"]
    paths = client.download_folder("data", "out", box, include_extensions=".csv")
    assert sorted(paths) == ["out/a.csv", "out/deep/er/c.csv"]
    assert Path("out/deep/er/c.csv").read_text() == "content of deep/er/c.csv"


def test_only_what_has_changed_goes_up_again(
    client: CloudClient, box: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(tmp_path, "a.txt", "b.txt")
    monkeypatch.chdir(tmp_path)
    assert client.upload_folders(["data"], box) == ["data/a.txt", "data/b.txt"]
    (root / "b.txt").write_text("longer than it was before this")
    assert client.upload_folders(["data"], box) == ["data/b.txt"]
    assert client.upload_folders(["data"], box, force_upload=True) == ["data/a.txt", "data/b.txt"]


def test_what_is_not_there_is_an_error(client: CloudClient, box: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        client.download_file("none", str(tmp_path / "x"), box)
    assert not list(tmp_path.glob("x*"))
    with pytest.raises(NotFound, match="nothing below"):
        client.download_folder("none", str(tmp_path / "x"), box)
    with pytest.raises(NotFound):
        client.list_blob_files("no-such-container")
    with pytest.raises(NotFound):
        client.upload_files(["a"], "no-such-container", str(tmp_path))
    with pytest.raises(InvalidInput, match="is no file on this machine"):
        client.upload_files(["none"], box, str(tmp_path))
    with pytest.raises(InvalidInput, match="is no folder on this machine"):
        client.upload_folders([str(tmp_path / "none")], box)


@pytest.fixture
def laptop(tmp_path: Path) -> CloudClient:
    """Tasks of this machine may write to the containers' folders."""
    client = CloudClient(engine="local", directory=str(tmp_path / "state"), stdout=io.StringIO())
    client.create_pool("mounted", mounts=[{"source": "box", "target": "results"}])
    client.create_job("job", "mounted")
    return client


def test_results_come_down_when_the_job_has_ended_well(tmp_path: Path, laptop: CloudClient) -> None:
    results = '"$AZ_BATCH_NODE_MOUNTS_DIR/results"'
    laptop.add_task("job", f"cd {results} && mkdir sub && echo $AZ_BATCH_TASK_ID | tee one.txt > sub/two.txt")
    paths = laptop.download_after_job("job", ["one.txt", "sub"], str(tmp_path / "out"), "box", interval=0.05)
    assert sorted(Path(path).relative_to(tmp_path / "out").as_posix() for path in paths) == ["one.txt", "sub/two.txt"]
    assert (tmp_path / "out" / "one.txt").read_text() == "task-1\n"


def test_nothing_comes_down_when_tasks_have_failed(tmp_path: Path, laptop: CloudClient) -> None:
    laptop.add_task("job", "false")
    with pytest.raises(ServiceError, match="1 tasks failed"):
        laptop.download_after_job("job", ["x"], str(tmp_path / "out"), "box", interval=0.05)
    assert not (tmp_path / "out").exists()


def test_no_file_is_written_outside_of_the_folder_that_was_named(tmp_path: Path, client: CloudClient, box: str) -> None:
    for name in ("../evil", "a/../../evil", ".."):
        with pytest.raises(InvalidInput):
            client.upload_files([name], box, str(tmp_path))


def test_places_in_a_container_are_plain_paths() -> None:
    assert blob_name(".", "./a//b") == "a/b"
    assert blob_name("/x/", "/abs/y") == "x/abs/y"
    with pytest.raises(InvalidInput):
        blob_name("", "")


def test_extensions_and_patterns_choose() -> None:
    chosen = Chosen(include=[".csv"], exclude="bak.csv", patterns=["tmp*"])
    assert [name for name in ("a.csv", "a.txt", "a.bak.csv", "tmp1/a.csv", "x/tmpfile.csv") if name in chosen] == [
        "a.csv"
    ]
