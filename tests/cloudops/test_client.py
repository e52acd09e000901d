"""CloudClient does the same on Azure Batch and on this machine."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from batch_helpers.cloudops import CloudClient, Task
from batch_helpers.cloudops.monitor import MonitorTimedOut
from batch_helpers.errors import CycleError, InvalidInput, NotFound, OutputConflict, UnknownDependency
from batch_helpers.job import Status
from tests.azure.fake_batch import FakeBatch
from tests.cloudops.conftest import Make

pytestmark = pytest.mark.slow

FAST = 0.05


def started(make: Make, **options: object) -> CloudClient:
    client = make()
    client.create_job("job", "pool", **options)  # type: ignore[arg-type]
    return client


def test_a_job_of_tasks_runs_and_its_summary_counts_them(make: Make) -> None:
    client = started(make)
    ids = client.add_tasks("job", ["true", "true", {"command_line": "exit 3", "name_suffix": "bad"}])
    assert ids == ["task-1", "task-2", "task-3-bad"]
    summary = client.monitor_job("job", interval=FAST)
    assert (summary.counts[Status.SUCCEEDED], summary.counts[Status.FAILED], summary.exit_code) == (2, 1, 1)
    assert [(detail.short_name, detail.exit_code) for detail in summary.failed] == [("task-3-bad", 3)]
    printed = client._stdout.getvalue()  # type: ignore[union-attr]
    assert "3 of 3 ended" in printed
    assert "FAILED task-3-bad" in printed


def test_spaces_are_removed_from_a_jobs_name_wherever_it_is_given(make: Make) -> None:
    client = make()
    assert client.create_job("my first job", "pool") == "myfirstjob"
    assert client.add_task("my first job", "true") == "task-1"
    assert client.monitor_job("my first job", interval=FAST).exit_code == 0
    assert client.check_job_status("myfirstjob") == "active"


def test_commands_have_the_meaning_that_a_terminal_gives_them(make: Make, tmp_path: Path) -> None:
    client = started(make)
    out = tmp_path / "out"
    client.add_task("job", f"printf '%s|' \"it's\" 'a  b' $((6*7)) > '{out}' && echo \"done\" >> '{out}'")
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    assert out.read_text() == "it's|a  b|42|done\n"


def test_a_task_runs_after_those_that_it_depends_on(make: Make, tmp_path: Path) -> None:
    client = started(make)
    order = tmp_path / "order"
    first = client.add_task("job", f"sleep 0.2; echo first >> '{order}'")
    second = client.add_task("job", f"echo second >> '{order}'", depends_on=[first, None])
    client.add_task("job", f"echo third >> '{order}'", depends_on=second)
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    assert order.read_text().split() == ["first", "second", "third"]


def test_what_depends_on_a_failed_task_never_runs_and_has_failed(make: Make, tmp_path: Path) -> None:
    client = started(make)
    first = client.add_task("job", "false")
    second = client.add_task("job", f"touch '{tmp_path}/never'", depends_on=[first])
    summary = client.monitor_job("job", interval=FAST)
    assert len(summary.failed) == 2
    assert "Dependent Job failed" in summary.failed[1].reason
    assert client.get_task_status("job", second or "") is Status.FAILED
    assert not (tmp_path / "never").exists()


def test_dependants_of_a_task_that_lets_them_run_even_if_it_fails(make: Make, tmp_path: Path) -> None:
    """The document's text: whether to run dependent tasks even if this task fails."""
    client = started(make)
    first = client.add_task("job", "false", run_dependent_tasks_on_fail=True)
    client.add_task("job", f"touch '{tmp_path}/ran'", depends_on=[first])
    assert len(client.monitor_job("job", interval=FAST).failed) == 1
    assert (tmp_path / "ran").exists()


def test_a_dependant_that_runs_even_if_its_upstream_fails_waits_for_its_end(make: Make, tmp_path: Path) -> None:
    """The document's example: the dependant says so."""
    client = started(make)
    first = client.add_task("job", f"sleep 0.3; echo first >> '{tmp_path}/order'; false")
    second = client.add_task(
        "job", f"echo second >> '{tmp_path}/order'", depends_on=[first], run_dependent_tasks_on_fail=True
    )
    third = client.add_task("job", f"echo third >> '{tmp_path}/order'", depends_on=[second])
    assert client.get_task_status("job", second or "") is Status.PENDING
    summary = client.monitor_job("job", interval=FAST)
    assert (tmp_path / "order").read_text().split() == ["first", "second", "third"]
    assert [detail.short_name for detail in summary.failed] == [first]
    assert client.get_task_status("job", third or "") is Status.SUCCEEDED
    assert summary.held == ()


def test_a_dependant_of_a_task_that_has_failed_already_is_added_at_once(make: Make, tmp_path: Path) -> None:
    client = started(make)
    first = client.add_task("job", "false")
    client.monitor_job("job", interval=FAST)
    client.add_task("job", f"touch '{tmp_path}/ran'", depends_on=[first], run_dependent_tasks_on_fail=True)
    client.monitor_job("job", interval=FAST)
    assert (tmp_path / "ran").exists()


def test_a_held_task_whose_other_upstream_failed_never_runs_and_has_failed(make: Make, tmp_path: Path) -> None:
    client = started(make)
    first = client.add_task("job", "sleep 0.2; false")
    lenient = client.add_task("job", "true", depends_on=[first], run_dependent_tasks_on_fail=True)
    bad = client.add_task("job", "false")
    client.add_task("job", f"touch '{tmp_path}/never'", depends_on=[lenient, bad])
    summary = client.monitor_job("job", interval=FAST)
    assert "this task was not added" in summary.failed[-1].reason
    assert not (tmp_path / "never").exists()


def test_integers_as_task_ids_and_a_range_of_them(make: Make, tmp_path: Path) -> None:
    client = started(make, task_id_ints=True)
    ids = [client.add_task("job", f"sleep 0.1; echo x >> '{tmp_path}/order'") for _ in range(10)]
    assert ids == [str(number) for number in range(1, 11)]
    last = client.add_task("job", f"wc -l < '{tmp_path}/order' > '{tmp_path}/seen'", depends_on_range=(1, 10))
    assert last == "11"
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    assert (tmp_path / "seen").read_text().strip() == "10"


def test_ids_and_a_range_may_both_be_given(make: Make, tmp_path: Path) -> None:
    client = started(make, task_id_ints=True)
    client.add_tasks("job", ["sleep 0.2", "sleep 0.3", "sleep 0.1"])
    four = client.add_task("job", f"touch '{tmp_path}/ran'", depends_on=[1], depends_on_range=(2, 3))
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    assert client.get_task_status("job", int(four or 0)) is Status.SUCCEEDED


def test_a_task_and_a_job_have_their_timeouts(make: Make) -> None:
    client = started(make)
    client.add_task("job", "sleep 60", timeout=1 / 60)
    summary = client.monitor_job("job", interval=FAST)
    assert summary.failed[0].reason == "Job attempt duration exceeded timeout"
    client.create_job("short", "pool", timeout=1.5 / 60)
    client.add_task("short", "sleep 60")
    assert client.monitor_job("short", interval=FAST).exit_code == 1
    assert client.check_job_status("short") == "complete"
    with pytest.raises(Exception, match="complete"):
        client.add_task("short", "true")


def test_retries_are_the_jobs(make: Make, tmp_path: Path) -> None:
    client = started(make, task_retries=2)
    client.add_task("job", f"echo x >> '{tmp_path}/tries'; test $(wc -l < '{tmp_path}/tries') = 3")
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    assert (tmp_path / "tries").read_text() == "x\n" * 3


def test_a_job_completes_by_itself_when_it_is_to_and_not_before_its_last_task(make: Make) -> None:
    client = started(make, mark_complete_after_tasks_run=True)
    for _ in range(3):
        client.add_task("job", "true")
        time.sleep(0.1)
    assert client.check_job_status("job") == "active"
    client.monitor_job("job", interval=FAST)
    assert client.check_job_status("job") == "complete"


def test_leaving_the_client_lets_the_job_complete(make: Make) -> None:
    with started(make, mark_complete_after_tasks_run=True) as client:
        client.add_task("job", "sleep 0.3")
    deadline = time.monotonic() + 20
    while make().check_job_status("job") != "complete":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_job_with_only_blocked_tasks_left_completes_too(make: Make) -> None:
    client = started(make, mark_complete_after_tasks_run=True)
    first = client.add_task("job", "false")
    client.add_task("job", "true", depends_on=[first])
    client.monitor_job("job", interval=FAST)
    assert client.check_job_status("job") == "complete"


def test_outputs_that_exist_skip_a_task_and_the_same_active_task_is_adopted(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = started(make)
    out = tmp_path / "out.txt"
    command = f"sleep 0.5; echo result > '{out}'"
    first = client.add_task("job", command, outputs=[str(out)])
    assert make().add_task("job", command, outputs=[str(out)]) == first
    assert f"job job, task {first}: reuse: " in capsys.readouterr().err
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    assert make().add_task("job", command, outputs=[str(out)]) is None
    assert "job job, task task: skip: its output exists" in capsys.readouterr().err
    out.unlink()
    again = make().add_task("job", command, outputs=[str(out)])
    assert again == f"{first}-2"
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    assert out.exists()


def test_a_task_that_succeeds_without_its_outputs_has_failed(make: Make, tmp_path: Path) -> None:
    client = started(make)
    client.add_task("job", "true", outputs=[str(tmp_path / "never")])
    summary = client.monitor_job("job", interval=FAST)
    assert summary.failed[0].reason == f"missing outputs: {tmp_path / 'never'}"


def test_a_second_attempt_that_succeeds_makes_up_for_the_first(make: Make, tmp_path: Path) -> None:
    client = started(make)
    out, ready = tmp_path / "out", tmp_path / "ready"
    command = f"test -e '{ready}' && touch '{out}'"
    client.add_task("job", command, outputs=[str(out)])
    assert client.monitor_job("job", interval=FAST).exit_code == 1
    ready.touch()
    client.add_task("job", command, outputs=[str(out)])
    summary = client.monitor_job("job", interval=FAST)
    assert (summary.exit_code, summary.counts[Status.SUCCEEDED], summary.counts[Status.FAILED]) == (0, 1, 0)


def test_two_tasks_that_write_one_output_are_a_conflict(make: Make, tmp_path: Path) -> None:
    client = started(make)
    out = str(tmp_path / "out")
    client.add_task("job", "sleep 1", outputs=[out])
    with pytest.raises(OutputConflict):
        client.add_task("job", "true", outputs=[out])


def test_outputs_work_with_integers_too(make: Make, tmp_path: Path) -> None:
    client = started(make, task_id_ints=True)
    out = tmp_path / "out"
    command = f"sleep 0.5; touch '{out}'"
    assert client.add_task("job", command, outputs=[str(out)]) == "1"
    assert make().add_task("job", command, outputs=[str(out)]) == "1"
    assert client.add_task("job", "true") == "2"
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    assert make().add_task("job", command, outputs=[str(out)]) is None


def test_a_graph_of_tasks_runs_in_its_order(make: Make, tmp_path: Path) -> None:
    client = started(make)
    t1, t2, t3, t4, t5 = (Task(f"echo {number} >> '{tmp_path}/order'", id=f"t{number}") for number in range(1, 6))
    t2.after(t1)
    t3.before(t4)
    t5.after([t3, t4]).set_upstream(t2)
    ids = client.run_dag(t5, t4, t3, t2, t1, job_name="job")
    assert [str(task_id).rpartition("-")[2] for task_id in ids] == ["t5", "t4", "t3", "t2", "t1"]
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    order = (tmp_path / "order").read_text().split()
    assert sorted(order) == ["1", "2", "3", "4", "5"]
    assert order[-1] == "5"
    assert order.index("1") < order.index("2")
    assert order.index("3") < order.index("4")


def test_a_graph_with_a_circle_or_a_task_left_out_is_refused_before_anything_is_added(make: Make) -> None:
    client = started(make)
    a, b, c = Task("echo a"), Task("echo b"), Task("echo c")
    a.after(b)
    b.after(a)
    with pytest.raises(CycleError, match=r"echo a -> echo b -> echo a|echo b -> echo a -> echo b"):
        client.run_dag(a, b, job_name="job")
    c.after(Task("echo elsewhere"))
    with pytest.raises(UnknownDependency, match=r"Task\('echo c'\) runs after Task\('echo elsewhere'\)"):
        client.run_dag(c, job_name="job")
    with pytest.raises(InvalidInput, match="'echo' is no Task"):
        c.after("echo")  # type: ignore[arg-type]
    assert client.monitor_job("job", interval=FAST).counts[Status.SUCCEEDED] == 0


def test_a_yaml_file_makes_a_task_of_each_set_of_parameters(make: Make, tmp_path: Path) -> None:
    client = started(make)
    (tmp_path / "tasks.yaml").write_text("- {state: AL, runs: 2}\n- {state: 'New York', runs: 3}\n")
    script = tmp_path / "show.py"
    script.write_text(
        f"import sys, json; open({str(tmp_path)!r} + '/args', 'a').write(json.dumps(sys.argv[1:]) + '\\n')"
    )
    ids = client.add_tasks_from_yaml("job", f"{sys.executable} {script}", str(tmp_path / "tasks.yaml"))
    assert len(ids) == 2
    assert client.monitor_job("job", interval=FAST).exit_code == 0
    seen = sorted(json.loads(line) for line in (tmp_path / "args").read_text().splitlines())
    assert seen == [["--state", "AL", "--runs", "2"], ["--state", "New York", "--runs", "3"]]


def test_a_table_of_the_tasks_is_written_as_csv(make: Make) -> None:
    client = started(make)
    client.add_tasks("job", ["true", "exit 4"])
    client.monitor_job("job", interval=FAST, download_job_stats=True)
    with open("job-stats.csv", newline="") as file:
        rows = {row["task_id"]: row for row in csv.DictReader(file)}
    assert [(rows[task]["status"], rows[task]["exit_code"]) for task in ("task-1", "task-2")] == [
        ("SUCCEEDED", "0"),
        ("FAILED", "4"),
    ]
    assert float(rows["task-1"]["runtime"]) >= 0
    assert client.download_job_stats("job", "other") == "other.csv"
    with pytest.raises(Exception, match="could not write /no/such"):
        client.download_job_stats("job", "/no/such/folder/x")


def test_a_deleted_job_is_gone_and_its_name_is_free(make: Make) -> None:
    client = started(make)
    client.add_task("job", "sleep 60")
    client.delete_job("job")
    assert client.check_job_status("job") == "does not exist"
    client.create_job("job", "pool")
    assert client.add_task("job", "true") == "task-1"
    with pytest.raises(NotFound, match="'jop' does not exist; did you mean 'job'"):
        client.delete_job("jop")


def test_tasks_of_other_processes_are_monitored_too(make: Make) -> None:
    client = started(make)
    client.add_task("job", "sleep 0.4")
    other = make()
    timer = threading.Timer(0.1, lambda: other.add_task("job", "sleep 0.2; exit 5"))
    timer.start()
    summary = client.monitor_job("job", interval=FAST)
    timer.join()
    assert [detail.exit_code for detail in summary.failed] == [5]
    assert make().monitor_job("job", interval=FAST).counts[Status.FAILED] == 1


def test_a_script_that_ends_lets_its_job_complete(make: Make, tmp_path: Path) -> None:
    client = started(make, mark_complete_after_tasks_run=True)
    options = f"engine='local', directory={str(tmp_path / 'state')!r}" if client._access is None else ""
    script = (
        "from batch_helpers.cloudops import CloudClient\n"
        f"client = CloudClient({options})\n"
        "client.add_task('job', 'sleep 0.3')\n"
        "client.add_task('job', 'true')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, timeout=60)
    deadline = time.monotonic() + 20
    while client.check_job_status("job") != "complete":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert client.monitor_job("job", interval=FAST).counts[Status.SUCCEEDED] == 2


def test_held_tasks_that_no_one_adds_are_told_of(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    client = started(make)
    first = client.add_task("job", "sleep 60")
    held = client.add_task("job", "true", depends_on=[first], run_dependent_tasks_on_fail=True)
    client.close()
    assert f"{held} were held and never added: call monitor_job" in capsys.readouterr().err


def test_a_monitor_that_runs_out_of_time_says_so_and_leaves_the_tasks_alone(make: Make) -> None:
    client = started(make)
    task = client.add_task("job", "sleep 60")
    began = time.monotonic()
    with pytest.raises(MonitorTimedOut, match=r"'job': 1 tasks have not ended after 0\.\d s; they go on") as caught:
        client.monitor_job("job", timeout=0.3 / 60, interval=FAST)
    assert time.monotonic() - began < 10
    assert caught.value.summary.active == 1
    assert client.get_task_status("job", task or "") is Status.RUNNING


@pytest.mark.parametrize(
    ("arguments", "kind", "problem"),
    [
        ({"job_name": "nob"}, NotFound, "'nob' does not exist; did you mean 'job'"),
        ({"job_name": "x" * 65}, InvalidInput, "1 to 64 letters"),
        ({"job_name": "odd/name"}, InvalidInput, "job_name='odd/name'"),
        ({"job_name": None}, InvalidInput, "job_name=None"),
        ({"command_line": "  "}, InvalidInput, "command_line='  '"),
        ({"command_line": []}, InvalidInput, "command_line"),
        ({"command_line": ["a", 1]}, InvalidInput, "every word must be a string"),
        ({"depends_on": ["task-99"]}, UnknownDependency, "has no task 'task-99'; did you mean 'task-1'"),
        ({"depends_on": [3.5]}, InvalidInput, "3.5 is no task ID"),
        ({"depends_on": {"a": 1}}, InvalidInput, "give a list of task IDs"),
        ({"depends_on_range": (1, 2)}, InvalidInput, "task IDs are no integers"),
        ({"timeout": 0}, InvalidInput, "timeout=0: give a positive number of minutes"),
        ({"timeout": -3}, InvalidInput, "positive number of minutes"),
        ({"timeout": "5"}, InvalidInput, "positive number of minutes"),
        ({"timeout": float("nan")}, InvalidInput, "positive number of minutes"),
        ({"name_suffix": 7}, InvalidInput, "name_suffix=7"),
        ({"outputs": ["folder/"]}, InvalidInput, "is a folder"),
    ],
)
def test_what_a_task_cannot_be_is_refused_before_anything_is_added(
    make: Make, arguments: dict[str, object], kind: type[Exception], problem: str
) -> None:
    client = started(make)
    client.add_task("job", "true")
    given: dict[str, object] = {"job_name": "job", "command_line": "true", **arguments}
    with pytest.raises(kind, match=problem):
        client.add_task(**given)  # type: ignore[arg-type]
    assert client._cloud.task_ids("job") == ["task-1"]


@pytest.mark.parametrize(
    ("given", "kind", "problem"),
    [
        (("1", "2"), InvalidInput, "the first and the last task ID"),
        ((1, 2.0), InvalidInput, "the first and the last task ID"),
        ((1,), InvalidInput, "the first and the last task ID"),
        ("12", InvalidInput, "the first and the last task ID"),
        ((2, 1), InvalidInput, "the smaller task ID first"),
        ((0, 1), InvalidInput, "none below 1"),
        ((1, 5), UnknownDependency, "has no task 5; its last is 3"),
    ],
)
def test_what_a_range_cannot_be_is_refused(make: Make, given: object, kind: type[Exception], problem: str) -> None:
    client = started(make, task_id_ints=True)
    client.add_tasks("job", ["true"] * 3)
    with pytest.raises(kind, match=problem):
        client.add_task("job", "true", depends_on_range=given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "kind", "problem"),
    [
        ({"pool_name": "pol"}, NotFound, "pool 'pol' does not exist; did you mean 'pool'"),
        ({"job_name": ""}, InvalidInput, "job_name=''"),
        ({"job_name": "a" * 65}, InvalidInput, "1 to 64"),
        ({"task_retries": -1}, InvalidInput, "task_retries=-1"),
        ({"task_retries": True}, InvalidInput, "task_retries=True"),
        ({"timeout": 0}, InvalidInput, "positive number of minutes"),
        ({"job_name": "job"}, InvalidInput, "'job' exists already: give exist_ok=True"),
        ({"job_name": "JOB", "exist_ok": True, "task_id_ints": True}, InvalidInput, "task_id_ints is False there"),
    ],
)
def test_what_a_job_cannot_be_is_refused(
    make: Make, arguments: dict[str, object], kind: type[Exception], problem: str
) -> None:
    client = started(make)
    given: dict[str, object] = {"job_name": "other", "pool_name": "pool", **arguments}
    with pytest.raises(kind, match=problem):
        client.create_job(**given)  # type: ignore[arg-type]


def test_an_existing_job_is_gone_on_with_when_that_is_ok(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    client = started(make)
    client.add_task("job", "true")
    make().create_job("job", "pool", exist_ok=True, verbose=True)
    assert "'job' exists already, and is active" in capsys.readouterr().err
    assert make().add_task("job", "true") == "task-2"


def test_a_pool_need_not_be_looked_at(make: Make) -> None:
    with pytest.raises(NotFound):
        make().create_job("job", "nowhere")


def test_dependencies_of_a_job_that_has_none_are_refused(make: Make) -> None:
    client = started(make, uses_deps=False)
    first = client.add_task("job", "true")
    with pytest.raises(InvalidInput, match="uses_deps=False"):
        client.add_task("job", "true", depends_on=[first])


def test_arguments_that_a_task_does_not_have_are_refused(make: Make) -> None:
    client = started(make)
    with pytest.raises(InvalidInput, match="'comand_line' is no argument of a task; there are: command_line"):
        client.add_tasks("job", [{"comand_line": "true"}])
    with pytest.raises(InvalidInput, match="interval=0"):
        client.monitor_job("job", interval=0)
    with pytest.raises(NotFound, match="no task '9'"):
        client.get_task_status("job", 9)


def test_engines_and_settings_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InvalidInput, match="engine 'slurm' is not known; there are: azure, local"):
        CloudClient(engine="slurm")
    with pytest.raises(InvalidInput, match="'azure_tenant' is no setting; there are: azure_batch_access_key"):
        CloudClient(azure_tenant="x")
    with pytest.raises(InvalidInput, match="one or the other"):
        CloudClient(use_sp=True, use_federated=True)


def test_making_a_client_makes_no_call(fake: FakeBatch) -> None:
    CloudClient(azure_batch_account="x")
    assert fake.calls == []
