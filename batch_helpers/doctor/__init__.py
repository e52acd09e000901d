"""What stands between a job and its start: facts are gathered once, then small pure checks look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch_helpers.finding import Finding

if TYPE_CHECKING:
    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.doctor.gathering import Questions

__all__ = ["examine"]


def examine(access: AWSAccess, questions: Questions) -> tuple[Finding, ...]:
    """Look at an account on AWS; changes nothing, and what may not be looked at is a finding too."""
    from batch_helpers.doctor.checks import every_check
    from batch_helpers.doctor.gathering import Asker, gather

    return every_check(gather(Asker(access), questions))
