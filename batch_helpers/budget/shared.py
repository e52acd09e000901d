"""The budgets of this process: one for each account, region and service."""

from __future__ import annotations

import threading
from collections.abc import Hashable

from batch_helpers.budget.budget import Budget

_budgets: dict[Hashable, Budget] = {}
_lock = threading.Lock()


def shared_budget(key: Hashable, rate: float | None, default: float) -> Budget:
    """The budget of everybody in this process who gives this key.

    rate: requests per second, for all of them from now on; None leaves it as it is, `default` when it is new.
    """
    with _lock:
        budget = _budgets.get(key)
        if budget is None:
            budget = _budgets[key] = Budget(default if rate is None else rate)
        elif rate is not None:
            budget.limit(rate)
        return budget
