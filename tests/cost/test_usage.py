"""Hours and money, before and after."""

from __future__ import annotations

import pytest

from batch_helpers.cost import Usage, costs, estimate, load_prices
from batch_helpers.cost.words import cost_lines, cost_table, estimate_lines, hours, money, usage_line
from batch_helpers.diagnose import Cause
from batch_helpers.events import Entry, RunRecord
from batch_helpers.job import Attempt, Job, JobDetail, Status

OOM = "OutOfMemoryError: Container killed due to memory usage"
SPOT = "Host EC2 (instance i-1) terminated."
FARGATE = load_prices().chosen(["fargate"])


def entry(name: str, *tries: tuple[float, str], status: Status = Status.SUCCEEDED, **fields: object) -> Entry:
    """A job of 2 vCPUs and 4 GiB whose attempts ran so many minutes, and what was said of each."""
    attempts = tuple(
        Attempt(number, 0 if not reason else 1, reason, 1000.0, 1000.0 + 60 * minutes)
        for number, (minutes, reason) in enumerate(tries, start=1)
    )
    detail = JobDetail(f"id-{name}", f"{name}-0123456789abcdef", status, queue=str(fields.pop("queue", "q")),
                       reason=tries[-1][1] if tries else "", attempts=attempts)  # fmt: skip
    given: dict[str, object] = {"command": ["a"], "vcpus": 2, "memory": 4096, **fields}
    return Entry(detail, Job(name, **given))  # type: ignore[arg-type]


def record(*entries: Entry, superseded: tuple[str, ...] = ()) -> RunRecord:
    return RunRecord(entries={item.job_id: item for item in entries}, superseded=superseded)


def test_hours_are_those_of_all_attempts_by_stage_and_by_sample() -> None:
    found = costs(
        record(entry("align-s1", (30, "")), entry("align-s2", (60, SPOT), (30, "")), entry("call-s1", (60, "")))
    )
    assert found.total == Usage(4, 3.0, 6.0, 12.0)
    assert found.stages == {"align": Usage(3, 2.0, 4.0, 8.0), "call": Usage(1, 1.0, 2.0, 4.0)}
    assert found.samples == {"s1": Usage(2, 1.5, 3.0, 6.0), "s2": Usage(2, 1.5, 3.0, 6.0)}


def test_what_failed_was_for_nothing_and_is_told_by_cause() -> None:
    found = costs(
        record(
            entry("a-1", (60, SPOT), (30, "")),
            entry("a-2", (60, SPOT), (30, OOM), status=Status.FAILED),
            entry("a-3", (60, ""), status=Status.SUCCEEDED),
        )
    )
    assert {cause: used.hours for cause, used in found.wasted.items()} == {
        Cause.SPOT_RECLAIM: 2.0, Cause.OUT_OF_MEMORY: 0.5,
    }  # fmt: skip
    assert found.all_wasted == Usage(3, 2.5, 5.0, 10.0)


def test_a_failed_try_that_a_later_job_has_replaced_was_paid_for_too() -> None:
    found = costs(record(entry("a-1", (60, OOM), status=Status.FAILED), superseded=("id-a-1",)))
    assert found.total.hours == found.all_wasted.hours == 1.0


def test_a_success_without_its_outputs_was_for_nothing() -> None:
    failed = entry("a-1", (60, ""), status=Status.FAILED)
    detail = JobDetail("x", "x", Status.FAILED, reason="missing outputs: s3://b/k", attempts=failed.detail.attempts)
    assert set(costs(record(Entry(detail, failed.job))).wasted) == {Cause.MISSING_OUTPUTS}


def test_an_attempt_that_is_still_running_is_not_counted_yet() -> None:
    detail = JobDetail(
        "x", "x", Status.RUNNING, attempts=(Attempt(1, 1, SPOT, 0.0, 3600.0), Attempt(2, None, "", 4000.0))
    )
    found = costs(record(Entry(detail, Job("x", command=["a"], vcpus=1, memory=1024))))
    assert (found.total.hours, found.all_wasted.hours) == (1.0, 1.0)


def test_an_engine_that_tells_no_attempts_is_taken_by_the_job_s_times() -> None:
    detail = JobDetail("x", "x", Status.SUCCEEDED, started_at=0.0, stopped_at=3600.0)
    assert costs(record(Entry(detail, Job("x", command=["a"], vcpus=1, memory=1024)))).total.vcpu_hours == 1.0


def test_there_is_no_money_without_prices() -> None:
    found = costs(record(entry("a-1", (60, ""))))
    assert found.total.money is None
    assert found.labels == ()
    assert "cost" not in cost_table(found.stages, found.currency)
    assert not any("USD" in line for line in cost_lines(found))


def test_money_is_that_of_each_queue_s_rate_and_says_whose_prices_they_are() -> None:
    rates = load_prices().chosen(["fargate", "spot=fargate-spot"])
    found = costs(record(entry("a-1", (60, "")), entry("a-2", (60, ""), queue="spot")), rates)
    full = 2 * 0.04048 + 4 * 0.004445
    assert found.total.money == pytest.approx(1.3 * full)
    assert found.labels == tuple(rate.label for rate in rates.values())
    assert "cost (USD)" in cost_table(found.stages, found.currency)


def test_a_queue_without_a_price_has_hours_and_no_money() -> None:
    found = costs(record(entry("a-1", (60, ""))), load_prices().chosen(["other=fargate"]))
    assert (found.total.money, found.total.vcpu_hours) == (None, 2.0)


@pytest.mark.parametrize("fields", [{"vcpus": None}, {"memory": None}])
def test_a_job_whose_size_is_not_known_is_told_and_never_guessed(fields: dict[str, None]) -> None:
    found = costs(record(entry("a-1", (60, ""), **fields)), FARGATE)
    assert found.total == Usage(1, 1.0, unknown=1)
    assert "not in these sums: 1 attempts whose vCPUs and memory are not known here" in cost_lines(found)


def test_gpus_have_their_hours() -> None:
    found = costs(record(entry("a-1", (30, ""), gpus=4)))
    assert found.total.gpu_hours == 2.0
    assert "2 GPU-hours" in usage_line(found.total)


def test_an_estimate_is_a_range_from_how_long_the_stage_took() -> None:
    earlier = record(*(entry(f"align-s{minutes}", (minutes, "")) for minutes in range(101)))
    jobs = [Job(f"align-t{n}", command=["a", str(n)], vcpus=1, memory=1024) for n in range(60)]
    found = estimate(jobs, earlier, FARGATE)
    assert (found.jobs, found.low.vcpu_hours, found.typical.vcpu_hours, found.high.vcpu_hours) == (
        60, pytest.approx(10), pytest.approx(50), pytest.approx(90),
    )  # fmt: skip
    assert found.typical.money == pytest.approx(50 * (0.04048 + 0.004445))
    (line, label) = estimate_lines(found)
    assert line == (
        "estimate for 60 jobs, as long as their stages took before: 10 to 90 vCPU-hours, 10 to 90 GiB-hours, "
        "USD 0.45 to USD 4.04 (typically USD 2.25)"
    )
    assert label == f"prices: {FARGATE[''].label}"


def test_failures_say_nothing_of_how_long_a_job_takes() -> None:
    earlier = record(entry("a-1", (60, "")), entry("a-2", (1, "Strange"), status=Status.FAILED))
    assert estimate([Job("a-3", command=["a"], vcpus=1, memory=1)], earlier).typical.hours == 1.0


def test_a_stage_that_never_ran_is_not_estimated_and_says_so() -> None:
    found = estimate([Job("call-1", command=["a"]), Job("call-2", command=["b"])], record())
    assert (found.jobs, dict(found.unknown)) == (0, {"call": 2})
    assert estimate_lines(found) == ["not estimated: 2 x call, of which the earlier run tells nothing"]


def test_the_table_shows_the_largest_and_sums_up_the_rest() -> None:
    rows = {f"s{n}": Usage(1, n, n, n) for n in range(1, 31)}
    table = cost_table(rows, "").splitlines()
    assert len(table) == 2 + 21
    assert table[2].split()[0] == "s30"
    assert table[-1].split() == ["…", "10", "more", "10", "55", "55"]


def test_names_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in cost_table({"\x1b[2J": Usage()}, "")
    assert "\x1b" not in "".join(estimate_lines(estimate([Job("x", command=["a"], stage="\x1b[2J")], record())))


def test_the_lines_say_what_was_used_and_what_of_it_for_nothing() -> None:
    found = costs(record(entry("a-1", (60, SPOT), (30, OOM), status=Status.FAILED), entry("a-2", (60, ""))), FARGATE)
    used, wasted, label = cost_lines(found)
    assert used == "used 5 vCPU-hours, 10 GiB-hours, USD 0.25"
    assert wasted == ("of which for nothing 3 vCPU-hours, 6 GiB-hours, USD 0.15 (spot reclaim 1 x, out of memory 1 x)")
    assert label.startswith("prices: Fargate")


@pytest.mark.parametrize(("value", "text"), [(0.1234, "0.123"), (12.34, "12.3"), (1234.5, "1,234")])
def test_hours_are_short(value: float, text: str) -> None:
    assert hours(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0.125, "USD 0.12"), (1234.5, "USD 1,234")])
def test_money_is_short(value: float | None, text: str) -> None:
    assert money(value, "USD") == text
