"""The application, driven by Textual's pilot."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("textual", reason="needs the extra: pip install 'batch_helpers[tui]'")

from rich.text import Text
from textual.pilot import Pilot
from textual.widgets import OptionList, RichLog, Static

from batch_helpers.diagnose import failure_lines
from batch_helpers.errors import Unreachable
from batch_helpers.events import RunRecord
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Job, Status
from batch_helpers.report import snapshot_table
from batch_helpers.testing import MemoryEngine
from batch_helpers.tui.app import Interactive
from batch_helpers.tui.screens import JobScreen, Question, WorkflowScreen, tail
from batch_helpers.tui.sources import Source
from batch_helpers.tui.table import JobTable, fitted
from tests.events.runs import Script, cohort
from tests.html.synthetic import run

pytestmark = pytest.mark.slow

Story = Callable[[Pilot[None], Interactive], Awaitable[None]]


def play(app: Interactive, story: Story, size: tuple[int, int] = (120, 40)) -> None:
    async def acted() -> None:
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await story(pilot, app)

    asyncio.run(acted())


async def settled(pilot: Pilot[None]) -> None:
    await pilot.pause()
    deadline = time.monotonic() + 20
    while pilot.app.aside.busy:  # type: ignore[attr-defined]
        assert time.monotonic() < deadline
        await pilot.pause(0.005)
    await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def table(app: Interactive) -> JobTable:
    return app.screen_stack[0].query_one(JobTable)


def said(app: Interactive, where: str) -> str:
    content = app.screen_stack[0].query_one(where, Static).visual
    return str(getattr(content, "plain", content))


class World:
    """A run on the engine in memory, and its events."""

    def __init__(self, folder: Path) -> None:
        self.engine = MemoryEngine()
        self.engine.now = time.time()
        self.script = Script(folder / "cohort.ndjson", self.engine)
        self.helper = BatchHelper(
            self.engine, self.engine.store, job_queue="q", clock=lambda: self.engine.now, stdout=io.StringIO()
        )
        self.ids = self.script.add(*cohort(6))
        (last,) = self.script.add(Job("gather", command=["g"], depends_on=self.ids[:5]))
        self.ids.append(last)
        self.script.poll()
        self.engine.settle(self.ids[0])
        self.engine.settle(self.ids[5], Status.FAILED, reason="OutOfMemoryError: x", exit_code=137)
        self.script.poll(60)

    def app(self) -> Interactive:
        return Interactive([Source(lambda: self.helper, events=self.script.log.path)], interval=1000)

    def status(self, place: int) -> Status:
        return self.engine.describe([self.ids[place]])[self.ids[place]].status


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_it_shows_what_the_command_line_prints(world: World) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        record = Source(events=world.script.log.path).refresh()
        assert said(app, "#stages-table").splitlines() == snapshot_table(record.snapshot).splitlines()
        assert said(app, "#went-wrong").splitlines() == failure_lines(record.failures)
        assert "2 of 7 ended" in said(app, "#state")
        assert said(app, "#view") == "7 shown: all, as submitted"
        assert len(table(app).entries) == 7

    play(world.app(), story)


def test_the_cursor_moves_and_stays_within_the_rows(world: World) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        for keys, place in (
            (["down", "j"], 2),
            (["up"], 1),
            (["end"], 6),
            (["down", "pagedown"], 6),
            (["home", "k"], 0),
        ):
            await press(pilot, *keys)
            assert table(app).cursor == place
        await press(pilot, "end")
        current = table(app).current
        assert current is not None
        assert current.name == "gather"

    play(world.app(), story)


def test_the_cursor_keeps_its_job_and_its_row_when_the_job_has_gone(world: World) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "f", "down", "down")
        chosen = table(app).current
        assert chosen is not None
        world.engine.settle(world.ids[1])
        app.action_look()
        await settled(pilot)
        assert (table(app).cursor, table(app).current) == (1, chosen)
        world.engine.settle(chosen.job_id)
        app.action_look()
        await settled(pilot)
        assert table(app).cursor == 1
        assert table(app).current not in (None, chosen)

    play(world.app(), story)


def test_filters_orders_and_search_choose_rows(world: World) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "f", "f", "f")
        assert [entry.name for entry in table(app).entries] == ["align-s5"]
        await press(pilot, "escape", "slash", *"S3", "enter")
        assert [entry.name for entry in table(app).entries] == ["align-s3"]
        await press(pilot, "escape", "o", "end")
        assert [entry.name for entry in table(app).entries][-1] == "gather"
        assert said(app, "#view") == "7 shown: all, by name"

    play(world.app(), story)


def test_a_job_s_cause_remedy_neighbours_and_log_are_shown(world: World) -> None:
    world.engine.log_lines[world.ids[5]] = ["one", "\x1b[31mtwo [red]"]

    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "f", "f", "f", "enter")
        screen = app.screen
        assert isinstance(screen, JobScreen)
        told = str(getattr(screen.query_one("#known", Static).visual, "plain", ""))
        assert "out of memory" in told
        assert "raise memory" in told
        log = screen.query_one(RichLog)
        assert [line.text.rstrip() for line in log.lines] == ["one", "\N{REPLACEMENT CHARACTER}[31mtwo [red]"]
        await press(pilot, "escape", "escape", "end", "enter")
        told = str(getattr(app.screen.query_one("#known", Static).visual, "plain", ""))
        assert "align-s0 (SUCCEEDED), align-s1 (RUNNABLE)" in told

    play(world.app(), story)


def test_a_log_grows_while_it_is_looked_at_and_the_job_s_state_follows(world: World) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "down", "enter")
        world.engine.log_lines[world.ids[1]] = ["later"]
        world.engine.advance(world.ids[1], Status.RUNNING)
        screen = app.screen
        assert isinstance(screen, JobScreen)
        app.action_look()
        screen._again()
        await settled(pilot)
        assert [line.text.rstrip() for line in screen.query_one(RichLog).lines] == ["later"]
        assert screen.entry.status is Status.RUNNING

    play(world.app(), story)


def test_cancelling_asks_first(world: World) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "down", "c")
        assert isinstance(app.screen, Question)
        await press(pilot, "enter")
        assert world.status(1) is Status.RUNNABLE
        await press(pilot, "c", "y")
        assert world.status(1) is Status.FAILED
        assert table(app).entries[1].status is Status.FAILED

    play(world.app(), story)


def test_what_has_ended_cannot_be_cancelled_and_what_is_well_not_retried(world: World) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "c", "r", "down", "r")
        assert not isinstance(app.screen, Question)

    play(world.app(), story)


@pytest.mark.parametrize("keys", [["f", "f", "f", "r", "y"], ["R", "y"], ["f", "f", "f", "enter", "r", "y"]])
def test_retrying_submits_the_failed_work_again(world: World, keys: list[str]) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        before = len(world.engine.submitted)
        await press(pilot, *keys)
        assert [job.name for job in world.engine.submitted[before:]] == ["align-s5"]
        assert "FAILED          0" in " ".join(said(app, "#stages-table").split()) or "align-s5" in {
            entry.name for entry in app._rows.record if entry.status is Status.RUNNABLE
        }

    play(world.app(), story)


def test_the_workflow_leads_to_the_jobs_of_a_stage(world: World) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "w")
        assert isinstance(app.screen, WorkflowScreen)
        shown = [str(option.prompt) for option in app.screen.query_one(OptionList).options]
        assert shown[0].startswith("align     ")
        assert shown[1].endswith("1 PENDING  after align")
        await press(pilot, "down", "enter")
        assert [entry.name for entry in table(app).entries] == ["gather"]
        assert "stage gather" in said(app, "#view")

    play(world.app(), story)


def test_keys_of_the_table_do_nothing_on_other_screens(world: World) -> None:
    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "enter", "f", "o", "w")
        assert isinstance(app.screen, JobScreen)
        assert app.view.filter == "all"

    play(world.app(), story)


def test_several_runs_and_queues_can_be_chosen_from(world: World) -> None:
    app = Interactive(
        [Source(lambda: world.helper, queue="other"), Source(lambda: world.helper, queue="q")], interval=1000
    )

    async def story(pilot: Pilot[None], app: Interactive) -> None:
        assert [str(option.prompt) for option in app.screen.query_one(OptionList).options] == [
            "queue other", "queue q",
        ]  # fmt: skip
        await press(pilot, "down", "enter")
        assert len(table(app).entries) == 6
        await press(pilot, "s", "enter")
        assert len(table(app).entries) == 0

    play(app, story)


def test_news_come_by_themselves(world: World) -> None:
    app = Interactive([Source(lambda: world.helper, events=world.script.log.path)], interval=0.05)

    async def story(pilot: Pilot[None], app: Interactive) -> None:
        world.engine.settle(world.ids[1])
        deadline = time.monotonic() + 10
        while table(app).entries[1].status is not Status.SUCCEEDED:
            assert time.monotonic() < deadline
            await pilot.pause(0.05)

    play(app, story)


class Slow(Source):
    """A network that hangs until it is let go."""

    def __init__(self, record: RunRecord) -> None:
        super().__init__(queue="q")
        self.free, self.asked, self._record = threading.Event(), 0, record

    def refresh(self) -> RunRecord:
        self.asked += 1
        if self.asked > 1:
            self.free.wait(60)
        return self._record


def test_a_network_that_hangs_does_not_hold_up_the_keys_nor_pile_up_questions() -> None:
    source = Slow(run(50))

    async def acted() -> None:
        app = Interactive([source], interval=0.02)
        async with app.run_test() as pilot:
            while source.asked < 2:
                await pilot.pause(0.02)
            await pilot.press("down", "down")
            assert table(app).cursor == 2
            await pilot.pause(0.2)
            assert source.asked == 2

    began = time.monotonic()
    asyncio.run(acted())
    assert time.monotonic() - began < 15, "leaving the application waits for the network"
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    assert all(thread.daemon for thread in others), "ending the process waits for the network"
    source.free.set()


def test_an_error_is_told_and_the_older_picture_stays() -> None:
    class Broken(Slow):
        def refresh(self) -> RunRecord:
            self.asked += 1
            if self.asked > 1:
                raise Unreachable("no answer from \x1b[2Jthe service")
            return self._record

    async def story(pilot: Pilot[None], app: Interactive) -> None:
        app.action_look()
        await settled(pilot)
        assert "no answer from" in said(app, "#state")
        assert "\x1b" not in said(app, "#state")
        assert len(table(app).entries) == 50

    play(Interactive([Broken(run(50))], interval=1000), story)


@pytest.mark.parametrize("size", [(20, 10), (10, 5), (40, 12), (200, 60)])
def test_it_works_on_terminals_of_any_size(size: tuple[int, int]) -> None:
    source = Slow(run(500))
    source.free.set()

    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "down", "pagedown", "f", "enter", "escape", "w", "escape")

    play(Interactive([source], interval=1000), story, size)


def test_names_of_others_do_nothing_to_the_terminal(world: World) -> None:
    evil = "\x1b]0;owned\x07[bold red]x[/]\u202e"
    world.script.add(Job(evil, command=["e"], stage=evil))
    world.script.poll()

    async def story(pilot: Pilot[None], app: Interactive) -> None:
        await press(pilot, "end", "enter", "escape", "w")
        screen = app.export_screenshot()
        assert "\x1b" not in screen
        assert "[bold" in screen
        assert "\u202e" not in screen

    play(world.app(), story)


@pytest.mark.parametrize("width", range(0, 130, 7))
def test_rows_fill_their_width_exactly(width: int) -> None:
    texts = fitted(("FAILED", "stage", "名前" * 40, "1 min", "2 h", "why"), width)
    assert Text("".join(texts)).cell_len == width


def test_a_log_of_ten_megabytes_shows_its_end() -> None:
    class Chatty(Slow):
        def logs(self, job_id: str, attempt: int | None = None) -> Iterator[str]:
            yield from (f"line {number} \x1b[0m\x00" for number in range(300_000))
            yield "x" * 1_000_000

    lines = tail(Chatty(RunRecord()), "id", None)
    assert len(lines) == 2000
    assert len(lines[-1]) == 2001
    assert not {"\x1b", "\x00"} & set("".join(lines))
