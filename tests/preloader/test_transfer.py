"""The program that copies where there is no AWS CLI: what it refuses, and that copies are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.preloader.transfer import main
from tests.servers import moto_server


def test_a_folder_is_copied_with_its_subfolders_and_filters(tmp_path: Path) -> None:
    for name in ("a.txt", "deep/b.txt", "deep/c.tmp", "d.tmp"):
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_text(name)
    words = ["cp", str(tmp_path / "from"), str(tmp_path / "to"), "--recursive", "--quiet"]
    assert main([*words, "--exclude", "*.tmp", "--include", "d.*"]) == 0
    copied = sorted(str(path.relative_to(tmp_path / "to")) for path in (tmp_path / "to").rglob("*") if path.is_file())
    assert copied == ["a.txt", "d.tmp", "deep/b.txt"]


def test_a_file_goes_into_a_folder_under_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "to").mkdir()
    assert main(["cp", str(tmp_path / "a"), str(tmp_path / "to")]) == 0
    assert main(["cp", str(tmp_path / "a"), f"{tmp_path}/new/"]) == 0
    assert (tmp_path / "to/a").read_text() == (tmp_path / "new/a").read_text() == "x"


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "to" / "x").mkdir(parents=True)
    (tmp_path / "from").mkdir()
    (tmp_path / "from/x").write_text("x")
    assert main(["cp", str(tmp_path / "from"), str(tmp_path / "to"), "--recursive"]) == 1
    assert os.listdir(tmp_path / "to") == ["x"]
    assert capsys.readouterr().err.startswith(f"transfer: {tmp_path}/from: ")


def test_what_is_no_file_is_refused_instead_of_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "from").mkdir()
    os.mkfifo(tmp_path / "from/pipe")
    assert main(["cp", str(tmp_path / "from"), str(tmp_path / "to"), "--recursive"]) == 1
    assert "from/pipe is neither a file nor a folder" in capsys.readouterr().err


def test_a_folder_with_nothing_in_it_is_told(tmp_path: Path) -> None:
    assert main(["ls", str(tmp_path)]) == main(["ls", str(tmp_path / "absent")]) == 1
    (tmp_path / "a").touch()
    assert main(["ls", f"{tmp_path}/"]) == 0


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert main(["rm", str(tmp_path / "a"), "--only-show-errors"]) == main(["rm", str(tmp_path / "a")]) == 0
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("option", ["--dryrun", "--recurs", "--sse-c"])
def test_an_option_that_it_does_not_know_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cp", "a", "b", option])
    assert ended.value.code == 2
    assert option in capsys.readouterr().err


@pytest.mark.slow
def test_a_key_cannot_lead_out_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3

    with moto_server() as url:
        settings: dict[str, Any] = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in {**settings, "AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t"}.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="in/a/../../../escaped", Body=b"")
        assert main(["cp", "s3://bucket/in", str(tmp_path / "deep/to"), "--recursive"]) == 1
        assert "would leave the folder" in capsys.readouterr().err
        assert list(tmp_path.rglob("*escaped*")) == []
