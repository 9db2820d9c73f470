"""What fingers do to the name of a street."""

import random

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def with_error(name: str, chance: random.Random) -> str:
    """One letter left out, typed twice over by another, put in, or changed with its neighbour."""
    return edited(name, chance.choice(("omit", "replace", "insert", "swap")), chance.randrange(len(name) - 1), chance.choice(LETTERS))


def edited(name: str, how: str, at: int, letter: str) -> str:
    """``at`` is from 0 to two before the end."""
    before, one, after = name[:at], name[at], name[at + 1 :]
    if how == "omit":
        return before + after
    if how == "replace":
        return before + letter + after
    if how == "insert":
        return before + letter + one + after
    return before + after[0] + one + after[1:]
