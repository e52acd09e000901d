"""What all tests share."""

from __future__ import annotations

import os
import signal

# A shell starts background jobs with Ctrl-C ignored, and the scripts that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test depends on the settings of whoever runs it.
os.environ["BATCH_HELPERS_CONFIG"] = os.devnull
