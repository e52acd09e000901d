"""Usage and costs as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tabulate import tabulate

from batch_helpers.cost.estimate import Bound, Estimate
from batch_helpers.cost.usage import Costs, Usage
from batch_helpers.words import printable

_MOST = 20


def hours(value: float) -> str:
    """Hours with as many digits as are of use."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def money(value: float | None, currency: str) -> str:
    """A sum with its currency; cents below 100."""
    if value is None:
        return "-"
    return f"{currency} {value:,.0f}" if value >= 100 else f"{currency} {value:.2f}"


def usage_line(used: Usage, currency: str = "") -> str:
    """`12.3 vCPU-hours, 49.2 GiB-hours, USD 0.72`."""
    parts = [f"{hours(used.vcpu_hours)} vCPU-hours", f"{hours(used.gib_hours)} GiB-hours"]
    if used.gpu_hours:
        parts.append(f"{hours(used.gpu_hours)} GPU-hours")
    if used.money is not None:
        parts.append(money(used.money, currency))
    return ", ".join(parts)


def cost_lines(found: Costs) -> list[str]:
    """What a run used, what of it was for nothing and why, and where the prices come from."""
    lines = [f"used {usage_line(found.total, found.currency)}"]
    wasted = found.all_wasted
    if wasted.attempts:
        largest = sorted(found.wasted, key=lambda cause: -found.wasted[cause].hours)
        causes = ", ".join(f"{cause} {found.wasted[cause].attempts:,} x" for cause in largest)
        lines.append(f"of which for nothing {usage_line(wasted, found.currency)} ({causes})")
    if found.total.unknown:
        lines.append(f"not in these sums: {found.total.unknown:,} attempts whose vCPUs and memory are not known here")
    lines += [f"prices: {label}" for label in found.labels]
    return lines


def cost_table(rows: Mapping[str, Usage], currency: str, first: str = "stage") -> str:
    """One row for each stage or sample, the largest first; a money column only where there is money."""
    priced = any(used.money is not None for used in rows.values())
    headers = [first, "attempts", "vCPU-hours", "GiB-hours", *([f"cost ({currency})"] if priced else [])]
    body = [_row(name, used, priced) for name, used in largest(rows)]
    return tabulate(body, headers=headers, tablefmt="simple", disable_numparse=True, colalign=_aligned(headers))


def largest(rows: Mapping[str, Usage], most: int = _MOST) -> list[tuple[str, Usage]]:
    """The rows that used most, and the sum of the others."""
    ordered = sorted(rows.items(), key=lambda row: (-row[1].vcpu_hours, -row[1].hours))
    if len(ordered) <= most:
        return ordered
    rest = sum((used for _, used in ordered[most:]), Usage())
    return [*ordered[:most], (f"… {len(ordered) - most:,} more", rest)]


def estimate_lines(found: Estimate) -> list[str]:
    """What jobs will probably use, as a range, and what is not in it."""
    lines = []
    if found.jobs:
        spans = [f"{hours(found.low.vcpu_hours)} to {hours(found.high.vcpu_hours)} vCPU-hours",
                 f"{hours(found.low.gib_hours)} to {hours(found.high.gib_hours)} GiB-hours"]  # fmt: skip
        if found.typical.money is not None:
            span = f"{money(found.low.money, found.currency)} to {money(found.high.money, found.currency)}"
            spans.append(f"{span} (typically {money(found.typical.money, found.currency)})")
        lines.append(f"estimate for {found.jobs:,} jobs, as long as their stages took before: {', '.join(spans)}")
    for stage, number in found.unknown.items():
        lines.append(f"not estimated: {number:,} x {printable(stage)}, of which the earlier run tells nothing")
    return [*lines, *(f"prices: {label}" for label in found.labels)]


def bound_lines(found: Bound, *, labelled: bool = True) -> list[str]:
    """The most that jobs will use, and how many have no timeout to tell it by. labelled: with where prices are from."""
    if not found.jobs:
        return []
    without = f" ({found.unknown:,} jobs have none)" if found.unknown else ""
    line = f"at most, one attempt each until its timeout{without}: {usage_line(found.used, found.currency)}"
    if found.used.unknown:
        line += f", without {found.used.unknown:,} jobs whose vCPUs and memory are not known here"
    return [line, *(f"prices: {label}" for label in found.labels if labelled)]


def _row(name: str, used: Usage, priced: bool) -> Sequence[str]:
    row = [printable(name), f"{used.attempts:,}", hours(used.vcpu_hours), hours(used.gib_hours)]
    return [*row, "-" if used.money is None else f"{used.money:,.2f}"] if priced else row


def _aligned(headers: Sequence[str]) -> Iterable[str]:
    return ("left", *("right" for _ in headers[1:]))
