"""What a plan tells of itself: decisions and reasons on a screen, calls, minutes, hours, and one job in full."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest

from batch_helpers.cost import Rate
from batch_helpers.engines.base import Capabilities
from batch_helpers.errors import InvalidInput
from batch_helpers.events import Entry, RunRecord
from batch_helpers.helper import BatchHelper
from batch_helpers.job import Attempt, Job, JobDetail, Status
from batch_helpers.plan import World, plan
from batch_helpers.preview import Preview, as_dict, explain, explain_text, previewed
from batch_helpers.testing import MemoryEngine

AWS = Capabilities(max_dependencies=20, jobs_per_request=1, request_rate=40)
RATE = Rate("r", "a cluster", "cellar", date(2026, 1, 31), "the invoice", vcpu_hour=0.5, gib_hour=0.0)


def cohort(samples: int, **fields: object) -> list[Job]:
    given: dict[str, object] = {"vcpus": 2, "memory": 4096, "image": "aligner:1", **fields}
    aligns = [
        Job(f"align-s{n}", command=["align", str(n)], outputs=[f"s3://b/{n}.bam"], **given)  # type: ignore[arg-type]
        for n in range(samples)
    ]
    return [*aligns, Job("gather", command=["gather"], outputs=["s3://b/all"], depends_on=aligns)]


def preview(jobs: list[Job], world: World | None = None, capabilities: Capabilities = AWS) -> Preview:
    return previewed(plan(jobs, world or World(capabilities=capabilities)), capabilities, "spot")


def earlier(seconds: list[float]) -> RunRecord:
    entries = {}
    for number, length in enumerate(seconds):
        tried = (Attempt(1, 0, "", 1000.0, 1000.0 + length),)
        detail = JobDetail(f"id-{number}", f"align-{number}", Status.SUCCEEDED, attempts=tried, started_at=1000.0)
        entries[detail.job_id] = Entry(detail, Job(f"align-{number}", command=[str(number)]))
    return RunRecord(entries=entries)


def test_a_plan_of_thousands_of_jobs_stays_a_screen() -> None:
    found = {f"s3://b/{n}.bam" for n in range(1000)}
    lines = str(preview(cohort(5000), World(found=found, capabilities=AWS))).splitlines()
    assert lines[:5] == [
        "stage      skip    submit    hold",
        "-------  ------  --------  ------",
        "align      1000      4000       0",
        "gather        0         0       1",
        "total      1000      4000       1",
    ]
    assert lines[6] == (
        "4,000 x submit: outputs missing: … (… of …), e.g. align-s1000: outputs missing: s3://b/1000.bam (1 of 1)"
    )
    assert lines[7].startswith("gather: hold: waits for 4000 jobs, and the service takes 20; align-s1000 runs again")
    assert len(lines) < 12


def test_a_plan_tells_its_calls_and_how_long_submitting_takes() -> None:
    found = preview(cohort(4799))
    assert (found.calls, found.seconds) == (4801, 4801 / 40)
    assert "to submit 4,800 jobs: at most 4,801 API calls, 2 min 0 s at 40 a second" in str(found)
    azure = preview(cohort(999), capabilities=Capabilities(jobs_per_request=100))
    assert (azure.calls, azure.seconds) == (11, None)
    assert "to submit 6 jobs: no calls to a service" in str(preview(cohort(5), capabilities=Capabilities()))
    done = World(found={f"s3://b/{n}.bam" for n in range(5)} | {"s3://b/all"})
    assert str(preview(cohort(5), done)).endswith("nothing to submit")


def test_hours_come_from_an_earlier_run_and_money_only_from_a_rate() -> None:
    found = preview(cohort(10))
    plain = found.text(earlier([3600.0] * 10))
    assert (
        "estimate for 10 jobs, as long as their stages took before: 20 to 20 vCPU-hours, 40 to 40 GiB-hours\n" in plain
    )
    assert "not estimated: 1 x gather, of which the earlier run tells nothing" in plain
    assert "USD" not in plain
    priced = found.text(earlier([1800.0, 3600.0, 7200.0]), {"": RATE})
    assert "USD 6.00 to USD 18.00 (typically USD 10.00)" in priced
    assert "prices: a cluster, cellar, USD, 2026-01-31 (the invoice)" in priced


def test_without_an_earlier_run_timeouts_are_the_most_and_are_called_so() -> None:
    found = preview(cohort(10, timeout=7200))
    assert found.lines(rates={"spot": RATE})[1:] == [
        "at most, one attempt each until its timeout (1 jobs have none): 40 vCPU-hours, 80 GiB-hours, USD 20.00",
        "prices: a cluster, cellar, USD, 2026-01-31 (the invoice)",
    ]
    assert len(preview(cohort(10)).lines(rates={"": RATE})) == 1, "nothing is guessed where nothing is known"


def test_one_job_is_explained_with_what_its_fingerprint_is_made_of() -> None:
    found = preview(cohort(2))
    told = explain(found, "gather")
    assert (told["action"], told["reason"]) == ("submit", "align-s0 runs again, so its outputs are out of date")
    assert [item["job"] for item in told["waits_for"]] == ["align-s0", "align-s1"]
    assert told["fingerprint"].startswith(told["full_name"].rpartition("-")[2])
    assert told["parts"]["command"] == ("gather",)
    lines = explain_text(found, "align-s0").splitlines()
    assert lines[0] == "align-s0: submit: outputs missing: s3://b/0.bam (1 of 1)"
    other = explain_text(found, "align-s1").splitlines()
    differing = [one.split()[0] for one, two in zip(lines, other, strict=True) if one.split()[:2] != two.split()[:2]]
    assert set(differing) == {"align-s0:", "fingerprint", "command", "outputs"}


def test_a_job_that_is_not_there_is_told_with_those_that_are_like_it() -> None:
    with pytest.raises(InvalidInput, match="no job of this plan is called 'align-s9'; did you mean align-s"):
        explain(preview(cohort(3)), "align-s9")


def test_names_in_a_plan_cannot_steer_the_terminal() -> None:
    jobs = [Job(f"\x1b[2J-{n}", command=[str(n)], outputs=[f"s3://b/\x07{n}"]) for n in range(20)]
    text = str(preview(jobs)) + explain_text(preview(jobs), jobs[0].name)
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_plan_as_json_has_it_all() -> None:
    told = json.loads(json.dumps(as_dict(preview(cohort(2, timeout=3600)), earlier([60.0, 60.0]), {"": RATE})))
    assert told["counts"] == {"skip": 0, "reuse": 0, "submit": 3, "hold": 0, "conflict": 0}
    assert told["jobs"][0] == {
        "job": "align-s0",
        "action": "submit",
        "reason": "outputs missing: s3://b/0.bam (1 of 1)",
    }
    assert (told["api_calls"], told["seconds_to_submit"]) == (4, 0.1)
    assert told["estimate"]["at_most"]["vcpu_hours"] == 4
    assert told["estimate"]["typical"]["money"] == pytest.approx(2 * 2 * 0.5 / 60)
    assert told["estimate"]["currency"] == "USD"


def test_a_dry_run_prints_the_same() -> None:
    engine, printed = MemoryEngine(capabilities=AWS), io.StringIO()
    helper = BatchHelper(engine, engine.store, job_queue="q", dry_run=True, stdout=printed)
    helper.add_jobs(cohort(30))
    helper.monitor()
    assert str(helper.plan(cohort(30))) in printed.getvalue()
    assert "to submit 31 jobs: at most 32 API calls, 0.8 s at 40 a second" in printed.getvalue()
    assert printed.getvalue().endswith("dry run: 0 skipped, 0 reused, 31 would be submitted; nothing was\n")
