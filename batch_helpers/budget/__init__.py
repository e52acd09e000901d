"""One budget of requests for everything that talks to one account: how fast, and who goes first."""

from batch_helpers.budget.budget import Budget, Priority, checked_rate
from batch_helpers.budget.shared import shared_budget

__all__ = ["Budget", "Priority", "checked_rate", "shared_budget"]
