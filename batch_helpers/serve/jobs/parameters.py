"""Parameter substitution: https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def substituted(command: Sequence[str], parameters: Mapping[str, str]) -> list[str]:
    """The command with each `Ref::name` replaced by its parameter; names without a parameter stay as they are."""
    return [_REFERENCE.sub(lambda match: parameters.get(match[1], match[0]), word) for word in command]
