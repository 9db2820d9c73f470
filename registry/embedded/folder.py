"""The folder of a server: which account gets there, and what stands in it that only we may read."""

import hashlib
import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path

from registry.supervision import Account

ROOT_FOLDER = Path("/var/lib/dwelling-registry")


def default_folder(wanted: Path) -> Path:
    """The data folder to use: ``wanted``, unless we are root and the account that runs PostgreSQL can't get there."""
    account = unprivileged()
    wanted = wanted.absolute()
    if account is None or reachable(wanted, account):
        return wanted
    return ROOT_FOLDER / hashlib.sha256(str(wanted).encode()).hexdigest()[:8]


def unprivileged() -> Account | None:
    """Who runs PostgreSQL: None for ourselves, ``nobody`` when we are root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def reachable(path: Path, account: Account) -> bool:
    """Whether the account may enter every folder on the way to ``path``, and ``path`` itself; what does not exist yet is no obstacle."""
    real = path.resolve()
    return all(_may_enter(step.stat(), account) for step in (real, *real.parents) if step.exists())


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only we can read."""
    draft = path.with_name(path.name + f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def remembered(path: Path, new: Callable[[], str]) -> str:
    if not path.exists():
        write_private(path, new())
    return path.read_text()
