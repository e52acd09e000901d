"""Real jobs on the embedded engine: written down, looked at, retried from the command line and from the application."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from batch_helpers.cli.interactive import command as interactive
from batch_helpers.cli.retry import command as retry
from batch_helpers.diagnose import Cause
from batch_helpers.engine_helpers import LocalBatchHelper
from batch_helpers.events import EventLog, read_events
from batch_helpers.job import Job, JobDetail, Status
from batch_helpers.monitor import Snapshot
from batch_helpers.tui.sources import Source

pytestmark = pytest.mark.slow


class Place:
    """A folder with an engine; jobs fail until the file `mended` is there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.events = folder, str(folder / "run.ndjson")
        self.helper = self.connect()
        command = f"echo looking; test -e {folder}/mended && echo well > out/"
        (folder / "out").mkdir()
        self.jobs = [
            Job(f"make-{n}", command=f"{command}{n}", outputs=[f"out/{n}"], vcpus=0.1, memory=8) for n in range(3)
        ]
        self.jobs.append(Job("note", command="echo 1 > out/note", outputs=["out/note"], vcpus=0.1, memory=8))

    def connect(self) -> LocalBatchHelper:
        return LocalBatchHelper(str(self.folder / ".batch"), vcpus=2, memory=1024, stdout=io.StringIO())

    def run(self) -> dict[str, JobDetail]:
        ids = [str(job_id) for job_id in self.helper.add_jobs(self.jobs)]
        ended = self.ended(ids)
        found = {job_id: ended[job_id] for job_id in ids}
        with EventLog(self.events, engine="local") as log:
            log.record(Snapshot(jobs=found), dict(zip(ids, self.jobs, strict=True)))
        return found

    def ended(self, ids: list[str]) -> dict[str, JobDetail]:
        deadline = time.monotonic() + 30
        while True:
            found = self.helper.engine.describe(ids)
            if not any(detail.status.active for detail in found.values()):
                return found
            assert time.monotonic() < deadline, found
            self.helper.engine.wait(0.1)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    made = Place(tmp_path)
    yield made
    active = [detail.job_id for detail in made.helper.engine.active(["local"])]
    made.helper.engine.terminate(active, "the test is over")


def call_retry(place: Place, *options: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(retry, [place.events, "--directory", str(place.folder / ".batch"), *options])
    return done.exit_code, done.stdout, done.stderr


def test_retry_submits_just_the_failed_jobs_and_watches_them(place: Place) -> None:
    place.run()
    assert read_events(place.events).failures[0].cause is Cause.APPLICATION
    (place.folder / "mended").touch()
    code, out, _ = call_retry(place)
    assert code == 0
    assert sorted(line.split("\t")[0] for line in out.splitlines()) == ["make-0", "make-1", "make-2"]
    assert sorted(path.name for path in (place.folder / "out").iterdir()) == ["0", "1", "2", "note"]
    assert call_retry(place)[:2] == (0, "")


def test_the_newest_run_of_the_folder_is_retried_and_written_down_as_the_same_run(place: Place) -> None:
    place.run()
    (place.folder / "old.ndjson").write_text('{"kind":"run","at":1,"format":1}\n')
    os.utime(place.folder / "old.ndjson", (1, 1))
    (place.folder / "mended").touch()
    told = place.folder / "told"
    options = ["--events", place.events, "--notify", f"tee {told}", "--directory", str(place.folder / ".batch")]
    done = CliRunner().invoke(retry, ["--failed", *options])
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 3), done.stderr
    assert f"the newest run here is {os.path.basename(place.events)}" in done.stderr
    assert told.exists()
    record = read_events(place.events)
    assert record.failures == []
    assert record.snapshot.exit_code == 0


def test_a_run_is_named_or_the_newest_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in ([], ["run.ndjson", "--failed"]):
        done = CliRunner().invoke(retry, arguments)
        assert (done.exit_code, "name a run" in done.stderr) == (2, True)
    assert "no run was written down in" in CliRunner().invoke(retry, ["--failed"]).stderr


def test_a_retry_that_fails_again_says_so_by_its_exit_code(place: Place) -> None:
    place.run()
    assert call_retry(place)[0] == 1


def test_a_dry_run_submits_nothing(place: Place) -> None:
    place.run()
    code, out, err = call_retry(place, "--dry-run", "--json")
    assert code == 0
    assert set(json.loads(out)["jobs"]) == {"make-0", "make-1", "make-2"}
    assert "3 would be submitted" in err
    assert list(place.helper.engine.active(["local"])) == []


def test_causes_can_be_chosen(place: Place) -> None:
    place.run()
    assert call_retry(place, "--cause", "out of memory")[1:] == ("", "nothing to retry\n")


def test_relative_paths_are_retried_from_their_own_folder_only(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.run()
    (place.folder / "elsewhere").mkdir()
    monkeypatch.chdir(place.folder / "elsewhere")
    code, _, err = call_retry(place)
    assert code == 2
    assert f"out/0 is a path in {place.folder}, where the run was made: go there first" in err


def test_the_application_s_source_follows_real_jobs_and_retries_them(place: Place) -> None:
    ids = list(place.run())
    source = Source(place.connect, events=place.events)
    record = source.refresh()
    assert record.stages["make"] == {Status.FAILED: 3}
    assert list(source.logs(ids[0])) == ["looking"]
    (place.folder / "mended").touch()
    assert source.retry(ids[:2]) == "2 jobs submitted again"
    deadline = time.monotonic() + 30
    while (record := source.refresh()).snapshot.active:
        assert time.monotonic() < deadline
        place.helper.engine.wait(0.1)
    assert record.stages["make"] == {Status.FAILED: 1, Status.SUCCEEDED: 2}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["none.ndjson"], "none.ndjson: it cannot be read"), (["--offline"], "--offline shows files of events"),
     (["-e", "aws"], "name the job queue")],
)  # fmt: skip
def test_mistakes_are_told_before_the_screen_is_taken(place: Place, arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(interactive, arguments)
    assert done.exit_code == 2
    assert told in done.stderr


def test_without_its_packages_it_says_what_to_install(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "batch_helpers.tui.app", None)
    done = CliRunner().invoke(interactive, ["-e", "local"])
    assert done.exit_code == 2
    assert "pip install 'batch_helpers[tui]'" in done.stderr
