"""No orphans: a process that ends when its parent does. For a child to call; it imports next to nothing, because some children live for a moment."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def follow(parent: int, death_signal: signal.Signals) -> None:
    """Receive ``death_signal`` when the *thread* that started this process ends; end at once when the process ``parent`` is gone already.

    Outside Linux nothing happens. A change of user undoes it, so it comes after one.
    """
    if _prctl is None:
        return
    _prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
