"""Passwords are examined beside gevent's loop, not in it."""

import subprocess
import sys

from registry.members.credentials import hash_password, password_matches

UNDER_GEVENT = """
from gevent import monkey; monkey.patch_all()
import threading, time
import gevent
from registry.members import credentials

ticks, examined = [], []

def tick():
    while len(examined) < 8:
        ticks.append(time.perf_counter())
        gevent.sleep(0.001)

def examine(password):
    examined.append(credentials.password_matches(hash, password))

hash = credentials.hash_password("vier blauwe fietsen")
clock = gevent.spawn(tick)
gevent.joinall([clock, *(gevent.spawn(examine, password) for password in ["vier blauwe fietsen", "iets anders"] * 4)], raise_error=True)
assert sorted(examined) == [False] * 4 + [True] * 4, examined
assert len(ticks) > 8, len(ticks)
"""


def test_a_password_matches_its_own_hash_alone() -> None:
    hash = hash_password("vier blauwe fietsen")
    assert hash.startswith("$argon2id$")
    assert password_matches(hash, "vier blauwe fietsen")
    assert not password_matches(hash, "vier blauwe fietsen ")
    assert not password_matches(None, "vier blauwe fietsen")
    assert not password_matches("no hash", "vier blauwe fietsen")


def test_other_requests_go_on_while_passwords_are_examined() -> None:
    subprocess.run([sys.executable, "-c", UNDER_GEVENT], check=True, timeout=60)
