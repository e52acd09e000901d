"""What all tests share."""

from __future__ import annotations

import signal

# A shell starts background jobs with Ctrl-C ignored, and the scripts that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
