"""What holds back a program that reads a hostile file. For the child: it imports next to nothing."""

import resource
import signal
from typing import Final

from registry import orphans

MEMORY_BYTES: Final = 1024**3
"""Of address space: 64 megapixels in colour take a quarter of it, and resizing them as much again."""
CPU_S: Final = 20
LARGEST_OUTPUT_BYTES: Final = 8 * 1024**2
"""Of one file that it writes; a preview of 1600 pixels takes some 300 kB."""
LIMITS: Final = {
    resource.RLIMIT_AS: (MEMORY_BYTES, MEMORY_BYTES),
    resource.RLIMIT_CPU: (CPU_S, CPU_S + 1),
    resource.RLIMIT_FSIZE: (LARGEST_OUTPUT_BYTES, LARGEST_OUTPUT_BYTES),
    resource.RLIMIT_CORE: (0, 0),
    resource.RLIMIT_NOFILE: (0, 0),
}
"""Soft and hard. With no descriptors left to give out, it opens no other file and no connection: it has what it was started with."""


def confine(parent: int) -> None:
    """Give up for good whatever reading one file does not need. To be called when everything is imported and before a byte of the file is read.

    The process ends with the thread that started it. A SIGTERM for the whole service does not end it half-way: it is done soon enough.
    """
    orphans.follow(parent, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for limit, (soft, hard) in LIMITS.items():
        _, present = resource.getrlimit(limit)
        most = hard if present == resource.RLIM_INFINITY else min(hard, present)
        resource.setrlimit(limit, (min(soft, most), most))
