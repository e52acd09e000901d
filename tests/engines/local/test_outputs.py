"""Declared outputs are gone before an attempt and after a bad one, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

from batch_helpers.engines.local import outputs
from batch_helpers.output import Output


def test_preparing_removes_the_file_and_makes_its_folder(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "deep" / "er" / "new"
    old.write_text("of yesterday")
    assert outputs.prepare([str(old), str(new)]) == ""
    assert not old.exists()
    assert new.parent.is_dir()


def test_a_link_is_removed_and_what_it_points_to_stays(tmp_path: Path) -> None:
    precious, link = tmp_path / "precious", tmp_path / "link"
    precious.write_text("data")
    link.symlink_to(precious)
    assert outputs.discard([str(link)]) == ""
    assert not link.is_symlink()
    assert precious.read_text() == "data"


def test_devices_stay() -> None:
    assert outputs.discard(["/dev/null"]) == ""
    assert Path("/dev/null").is_char_device()


def test_a_folder_in_an_outputs_place_is_left_and_said_and_the_others_still_go(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    folder.mkdir()
    other.write_text("half")
    assert outputs.discard([str(folder), str(other)]) == f"output {folder} cannot be removed: it is a folder"
    assert folder.is_dir()
    assert not other.exists()


def test_what_is_not_there_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert outputs.discard([str(tmp_path / "a" / "b"), str(tmp_path / "file" / "below")]) == ""


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    problem = outputs.prepare([str(tmp_path / "file" / "below")])
    assert problem.startswith(f"the folder of output {tmp_path}/file/below cannot be made")


def test_an_output_is_believed_by_its_file_its_marker_or_all_that_is_below_it() -> None:
    assert list(outputs.paths_of("/data/a")) == ["/data/a"]
    assert list(outputs.paths_of(Output("/data/a", min_size=1))) == ["/data/a"]
    assert list(outputs.paths_of(Output("/data/parts/", marker="_SUCCESS"))) == ["/data/parts/_SUCCESS"]
    assert list(outputs.paths_of(Output("file:///data/a%20b/", marker="x y"))) == ["/data/a b/x y"]
    assert list(outputs.paths_of(Output("/data/parts/", count=2))) == ["/data/parts/"]
    assert list(outputs.paths_of(Output("/data/parts/", marker="m", count=2))) == ["/data/parts/m", "/data/parts/"]
    assert list(outputs.paths_of(Output("s3://bucket/parts/", marker="m", count=2))) == []


def test_all_files_below_a_folder_go_and_what_links_point_to_stays(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "parts", tmp_path / "elsewhere"
    (folder / "deep").mkdir(parents=True)
    elsewhere.mkdir()
    for file in (folder / "1", folder / "deep" / "2", elsewhere / "precious"):
        file.write_text("data")
    (folder / "link").symlink_to(elsewhere)
    assert outputs.discard([f"{folder}/"]) == ""
    assert [path for path in folder.rglob("*") if not path.is_dir()] == []
    assert (elsewhere / "precious").read_text() == "data"
    assert outputs.prepare([f"{tmp_path}/new/parts/"]) == ""
    assert (tmp_path / "new" / "parts").is_dir()
