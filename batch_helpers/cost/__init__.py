"""What a run used and what that costs: hours always, money only where there is a price with a date and a source."""

from __future__ import annotations

from batch_helpers.cost.estimate import Bound, Estimate, bound, estimate
from batch_helpers.cost.prices import PriceBook, Rate, load_prices
from batch_helpers.cost.usage import Costs, Usage, costs

__all__ = ["Bound", "Costs", "Estimate", "PriceBook", "Rate", "Usage", "bound", "costs", "estimate", "load_prices"]
