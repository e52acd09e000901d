"""The command line on the local engine: stdout is data, stderr narration, the exit code a promise."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, CommandLine, lines, saved

pytestmark = pytest.mark.slow

LOCAL = ("--engine", "local")
WRITING = {
    "command": "echo hello >/mnt/out.txt",
    "mounts": {"write": [{"source": "/mnt/out.txt", "destination": "s3://bucket/{}.txt"}]},
    "preloader": True,
}


def writing(name: str) -> dict[str, object]:
    return json.loads(json.dumps(WRITING).replace("{}", name))


def test_run_prints_a_line_for_each_job_and_a_second_run_skips_them(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a": writing("a"), "b": writing("b")}, {"b": ["a"]}, local_buckets={"bucket": "r"})
    ended = cli("run", file, *LOCAL, "--interval", "0.2")
    assert ended.exit_code == 0
    assert [row[:2] for row in lines(ended.stdout)] == [["a", "SUCCEEDED"], ["b", "SUCCEEDED"]]
    assert "2 submitted: 2 succeeded, 0 failed" in ended.stderr
    assert (folder / "r/b.txt").read_text() == "hello\n"
    again = cli("run", file, *LOCAL, "--json")
    assert json.loads(again.stdout) == {
        "workflow": "w",
        "jobs": {"a": {"jobId": None, "status": "SKIPPED"}, "b": {"jobId": None, "status": "SKIPPED"}},
        "exit_code": 0,
    }


def test_a_run_that_ends_with_a_failed_job_exits_with_1(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a": "exit 3", "b": "true"}, {"b": ["a"]})
    ended = cli("run", file, *LOCAL, "--interval", "0.2")
    assert ended.exit_code == 1
    assert [row[:2] for row in lines(ended.stdout)] == [["a", "FAILED"], ["b", "FAILED"]]


def test_detach_submits_and_does_not_wait_and_cancel_ends_it(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a": "sleep 600"})
    name, status, job_id = lines(cli.good("run", file, *LOCAL, "--detach"))[0]
    assert (name, status) == ("a", "SUBMITTED")
    ended = cli("status", file, *LOCAL)
    assert (ended.exit_code, lines(ended.stdout)[0][:3]) == (3, ["w-a", "ACTIVE", job_id])
    assert cli.good("cancel", file, *LOCAL) == f"{job_id}\n"
    cli("monitor", *LOCAL, "--interval", "0.2")
    assert lines(cli.good("jobs", "list", *LOCAL, "--status", "FAILED"))[0][:3] == [job_id, "FAILED", "w-a"]


def test_monitor_watches_a_workflows_jobs_and_submits_nothing(cli: CommandLine, folder: Path) -> None:
    short = saved(folder / "s.json", {"a": "sleep 1"}, name="short")
    long = saved(folder / "l.json", {"b": "sleep 600", "c": "sleep 601"}, name="short-not")
    cli.good("run", short, *LOCAL, "--detach")
    job_id = lines(cli.good("run", long, *LOCAL, "--detach"))[0][2]
    *pictures, watched = map(json.loads, cli.good("monitor", short, *LOCAL, "--json", "--interval", "0.2").splitlines())
    assert [picture["stages"]["short"]["total"] for picture in pictures] == [1] * len(pictures)
    assert (pictures[-1]["stages"], pictures[-1]["ended"]) == ({"short": {"SUCCEEDED": 1, "total": 1}}, 1)
    assert [job["name"] for job in watched["jobs"].values()] == ["short-a"]
    assert watched["exit_code"] == 0
    assert cli.good("monitor", short, *LOCAL) == ""
    cli.good("cancel", long, *LOCAL)
    assert "short-a" not in cli.good("jobs", "list", *LOCAL)
    assert lines(cli("monitor", "short-not", *LOCAL).stdout) == []
    assert json.loads(cli.good("jobs", "describe", job_id, *LOCAL, "--json"))["status"] in ("RUNNING", "FAILED")


def test_status_tells_done_from_missing(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a": writing("a"), "b": writing("b")}, local_buckets={"bucket": "r"})
    (folder / "r").mkdir()
    (folder / "r/a.txt").touch()
    ended = cli("status", file, *LOCAL, "--json")
    assert ended.exit_code == 1
    assert [(job["job"], job["state"]) for job in json.loads(ended.stdout)["jobs"]] == [
        ("w-a", "DONE"),
        ("w-b", "MISSING"),
    ]
    (folder / "r/b.txt").touch()
    assert cli("status", file, *LOCAL).exit_code == 0


def test_plan_gives_reasons_and_submits_nothing(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a": writing("a")}, local_buckets={"bucket": "r"})
    assert "outputs missing: " in cli.good("plan", file, *LOCAL)
    made = json.loads(cli.good("plan", file, *LOCAL, "--json"))
    assert [(job["job"], job["action"]) for job in made["jobs"]] == [("w-a", "submit")]
    assert not (folder / ".batch").exists()


def test_a_plan_with_conflicts_shows_them_and_exits_with_2(cli: CommandLine, folder: Path) -> None:
    second = {**writing("same"), "command": "other"}
    file = saved(folder / "w.json", {"a": writing("same"), "b": second}, local_buckets={"bucket": "r"})
    ended = cli("plan", file, *LOCAL)
    assert ended.exit_code == 2
    assert "both write" in ended.stdout


def test_a_bucket_can_be_a_folder_by_option(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a": writing("a")})
    cli.good("run", file, *LOCAL, "--bucket", f"bucket={folder}/here", "--interval", "0.2")
    assert (folder / "here/a.txt").exists()
    assert "write BUCKET=FOLDER" in cli.bad(2, "run", file, *LOCAL, "--bucket", "bucket")


def test_logs_by_id_and_by_name_and_each_attempt(cli: CommandLine, folder: Path) -> None:
    job = {"command": "echo attempt $AWS_BATCH_JOB_ATTEMPT; exit 1", "attempts": 2}
    file = saved(folder / "w.json", {"a": job})
    job_id = lines(cli("run", file, *LOCAL, "--interval", "0.2").stdout)[0][2]
    assert cli.good("logs", job_id, *LOCAL) == "attempt 2\n"
    assert cli.good("logs", job_id, *LOCAL, "--attempt", "1") == "attempt 1\n"
    assert cli.good("logs", "w-a", *LOCAL) == "attempt 2\n"
    assert json.loads(cli.good("logs", "w-a", *LOCAL, "--json")) == {"jobId": job_id, "line": "attempt 2"}
    assert "neither a jobId nor the name" in cli.bad(4, "logs", "w-z", *LOCAL)


def test_logs_follow_until_the_job_has_ended(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a": "for n in 1 2 3; do echo $n; sleep 0.3; done"})
    job_id = lines(cli.good("run", file, *LOCAL, "--detach"))[0][2]
    assert cli.good("logs", "--follow", job_id, *LOCAL) == "1\n2\n3\n"


def test_logs_follow_from_one_attempt_to_the_next(cli: CommandLine, folder: Path) -> None:
    script = "echo attempt $AWS_BATCH_JOB_ATTEMPT; while [ ! -e go ]; do sleep 0.1; done; exit 1"
    file = saved(folder / "w.json", {"a": {"command": script, "attempts": 3}})
    job_id = lines(cli.good("run", file, *LOCAL, "--detach"))[0][2]
    threading.Timer(1.0, (folder / "go").touch).start()
    told = cli.good("logs", "--follow", job_id, *LOCAL).splitlines()
    assert told == ["attempt 1", "attempt 2", "attempt 3"]


def test_a_log_cannot_steer_the_terminal(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a": "printf '\\033]0;title\\007hello\\n'"})
    job_id = lines(cli("run", file, *LOCAL, "--interval", "0.2").stdout)[0][2]
    shown = subprocess.run(
        ["script", "-qec", shlex.join([sys.executable, "-m", "batch_helpers", "logs", job_id, *LOCAL]), "/dev/null"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert "hello" in shown.stdout
    assert not {"\x1b", "\x07"} & set(shown.stdout)


def test_single_jobs_are_submitted_listed_and_described(cli: CommandLine, folder: Path) -> None:
    asked = ("--output", str(folder / "out"), "--env", "A=b=c", "--tag", "t=v", "--vcpus", "1")
    job_id = cli.good("jobs", "submit", "one", *asked, *LOCAL, "--", f"echo $A >{folder}/out").strip()
    assert cli("monitor", "one", *LOCAL, "--interval", "0.2").exit_code == 0
    assert (folder / "out").read_text() == "b=c\n"
    described = json.loads(cli.good("jobs", "describe", job_id, *LOCAL, "--json"))
    assert (described["name"], described["status"]) == ("one", "SUCCEEDED")
    assert ["status", "SUCCEEDED"] in lines(cli.good("jobs", "describe", job_id, *LOCAL))
    assert cli.good("jobs", "submit", "one", *asked, *LOCAL, "--", f"echo $A >{folder}/out") == ""
    made = json.loads(cli.good("jobs", "submit", "two", *LOCAL, "--json", "--", "printf", "%s.", "a b"))
    assert cli.good("logs", "--follow", made["jobId"], *LOCAL) == "a b.\n"
    ended = cli("jobs", "describe", "nobody", job_id, *LOCAL)
    assert (ended.exit_code, ended.stderr) == (4, "batch-helpers: not known to 'local' (any more): nobody\n")
    assert job_id in ended.stdout


def test_active_jobs_are_listed(cli: CommandLine, folder: Path) -> None:
    job_id = cli.good("jobs", "submit", "long", *LOCAL, "--", "sleep 600").strip()
    listed = lines(cli.good("jobs", "list", *LOCAL))
    assert [(row[0], row[2]) for row in listed] == [(job_id, "long")]
    assert json.loads(cli.good("jobs", "list", *LOCAL, "--json"))["job_id"] == job_id
    assert cli.good("jobs", "list", *LOCAL, "--status", "pending") == ""
    assert cli.good("cancel", job_id, *LOCAL, "--json") == f'{{"cancelled": ["{job_id}"]}}\n'
    ended = cli("monitor", *LOCAL, "--interval", "0.2")
    assert ended.exit_code == 0 or "FAILED" in ended.stderr


def test_a_script_gives_its_workflow(cli: CommandLine, folder: Path) -> None:
    script = folder / "s.py"
    make = "from batch_helpers.workflow import *\nimport helper\n"
    (folder / "helper.py").write_text("")
    script.write_text(
        make + "w = EZBatchWorkflow('w', {'a': EZBatchJob('ubuntu', 'true')})\nif __name__ == '__main__': 1 / 0"
    )
    assert cli.good("workflow", "show", str(script)) == "a\n"
    script.write_text("x = 1")
    assert "makes no EZBatchWorkflow at its top level" in cli.bad(2, "workflow", "show", str(script))
    script.write_text(make + "a = EZBatchWorkflow('a', {'a': EZBatchJob('u', 'x')})\nb = EZBatchWorkflow('b', a.jobs)")
    assert "has 2 workflows (a, b)" in cli.bad(2, "workflow", "show", str(script))
    script.write_text(
        make
        + "a = EZBatchWorkflow('a', {'a': EZBatchJob('u', 'x')})\nworkflow = EZBatchWorkflow('b', {'c': a.jobs['a']})"
    )
    assert cli.good("workflow", "show", str(script)) == "c\n"
    script.write_text(make + "EZBatchJob('u', 'x', memory=1)")
    assert "Fargate does not pair" in cli.bad(2, "workflow", "show", str(script))


def test_a_workflow_is_shown_as_text_diagram_and_json(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"c": "x", 'a "q" <b>': "x", "b": "x"}, {"c": ['a "q" <b>', "b", "b"]})
    assert cli.good("workflow", "show", file) == 'a "q" <b>\nb\nc <- a "q" <b>, b\n'
    assert cli.good("workflow", "show", file, "--mermaid").splitlines() == [
        "flowchart TD",
        '    job0["a #quot;q#quot; #lt;b#gt;"]',
        '    job1["b"]',
        '    job2["c"]',
        "    job0 --> job2",
        "    job1 --> job2",
    ]
    assert json.loads(cli.good("workflow", "show", file, "--json"))["name"] == "w"


def test_a_name_cannot_break_a_line_or_steer_the_terminal(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a\tb\nc\x1b[2J": "true"})
    ended = cli("run", file, *LOCAL, "--interval", "0.2")
    assert lines(ended.stdout)[0][:2] == ["a b\ufffdc\ufffd[2J", "SUCCEEDED"]


def test_samples_are_checked(cli: CommandLine, folder: Path) -> None:
    table = folder / "s.csv"
    table.write_text("sample,reads\na,1\nb,2\n")
    assert cli.good("samples", "check", str(table)) == f"{table}: 2 samples; columns: sample, reads\n"
    assert json.loads(cli.good("samples", "check", str(table), "--json"))["samples"] == 2
    table.write_text("sample,reads\na,1\na,2\n")
    assert "s.csv" in cli.bad(2, "samples", "check", str(table))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "nowhere.json", *LOCAL), 2, "nowhere.json: cannot be read"),
        (("run", "bad.json", *LOCAL), 2, "bad.json: line 1, column 2: not JSON"),
        (("run", "w.json", "--engine", "moon"), 2, "engine 'moon' is not known"),
        (("run", "w.json", *LOCAL, "--profile", "x"), 2, "--profile x is for --engine aws, and this is local"),
        (("run", "w.json", "--directory", "x"), 2, "--directory x is for --engine local, and this is aws"),
        (("run", "w.json", *LOCAL, "--interval", "0"), 2, "give a positive number of seconds"),
        (("run", "w.json", "--region", "us-east-1"), 2, "no queue"),
        (("monitor", *LOCAL, "--interval", "-1"), 2, "give a positive number of seconds"),
        (("monitor", *LOCAL, "--interval", "nan"), 2, "give a positive number of seconds"),
        (("jobs", "submit", "x", "--image", "\udcff", *LOCAL, "--", "true"), 2, "'\\udcff' is not text in UTF-8"),
        (("plan", "nowhere.py", *LOCAL), 2, "nowhere.py: cannot be read"),
        (("cancel", "nobody", *LOCAL), 4, "neither a workflow file (.json, .py) nor a jobId"),
        (("monitor",), 2, "name the job queue to look at: --queue"),
        (("jobs", "list"), 2, "name the job queue to look at"),
        (("jobs", "submit", "x", *LOCAL, "--env", "A", "--", "x"), 2, "--env A: write NAME=VALUE"),
        (("jobs", "submit", "x", *LOCAL), 2, "give it a command"),
        (("samples", "check", "nowhere.csv"), 2, "nowhere.csv"),
    ],
)
def test_what_is_wrong_is_one_clear_line(
    cli: CommandLine, folder: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    saved(folder / "w.json", {"a": "true"})
    (folder / "bad.json").write_text("{,}")
    said = cli.bad(code, *arguments)
    assert message in said
    assert "Traceback" not in said


def test_no_credentials_are_one_line_and_4(cli: CommandLine, folder: Path) -> None:
    file = saved(folder / "w.json", {"a": "true"})
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"}
    code = "from batch_helpers.cli.run import command; command()"
    asked = [file, "--queue", "q", "--region", "us-east-1"]
    ended = subprocess.run([sys.executable, "-c", code, *asked], env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr.count("\n") == 1
    assert "credentials" in ended.stderr


def test_ctrl_c_detaches_with_130_and_says_how_to_come_back(folder: Path) -> None:
    file = saved(folder / "w.json", {"a": "touch started; sleep 600"})
    code = "from batch_helpers.cli.run import command; command()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, file, *LOCAL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    assert process.stderr is not None
    while "elapsed" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    try:
        assert process.returncode == 130
        assert "Detached: 1 jobs go on" in err
        assert f"batch-helpers cancel {file} ends the jobs" in err
    finally:
        cancelled = CommandLine()("cancel", file, *LOCAL)
    assert cancelled.exit_code == 0


@pytest.mark.parametrize("name", ["hello.json", "cohort.json", "sweep.py"])
def test_the_workflows_of_the_repository_do_real_work(cli: CommandLine, folder: Path, name: str) -> None:
    for file in (ROOT / "workflows").iterdir():
        if file.is_file():
            (folder / "workflows").mkdir(exist_ok=True)
            (folder / "workflows" / file.name).write_bytes(file.read_bytes())
    ended = cli("run", f"workflows/{name}", *LOCAL, "--interval", "0.2")
    assert ended.exit_code == 0, ended.stderr
    if name == "cohort.json":
        table = (folder / "results/cohort/all.tsv").read_text().splitlines()
        assert table[-1].startswith("all\t2642864\t")
    if name != "hello.json":
        assert "SUCCEEDED" not in cli.good("run", f"workflows/{name}", *LOCAL)
