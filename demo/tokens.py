"""The tokens with which the people of the demo speak, kept in a file so that the next telling finds the same people."""

import os
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = "TOKEN_"


def variable(role: str, organisation: str) -> str:
    """The name under which a token stands in the file, which a shell can read too."""
    return f"{PREFIX}{role}_{organisation}".upper().replace("-", "_")


@dataclass(slots=True)
class Tokens:
    """Lines ``NAME=token`` in ``file``, which only its owner can read."""

    file: Path
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.file.exists():
            lines = self.file.read_text(encoding="utf-8").splitlines()
            self.known = dict(line.split("=", 1) for line in lines if line.startswith(PREFIX))

    def get(self, role: str, organisation: str) -> str | None:
        return self.known.get(variable(role, organisation))

    def keep(self, role: str, organisation: str, token: str) -> None:
        self.known[variable(role, organisation)] = token
        with open(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{name}={value}\n" for name, value in self.known.items())
