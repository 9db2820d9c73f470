"""docs/attacks.md names a test for each attack: it must exist, and every file of attacks must be on the list."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/attacks.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_the_test_that_is_named_exists(path: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / "tests" / path).read_text(encoding="utf-8")


def test_every_attack_names_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| attack")]
    assert len(rows) > 40
    assert [row for row in rows if "::test_" not in row] == []


def test_every_file_of_attacks_is_on_the_list() -> None:
    files = {f"api/{path.name}" for path in (ROOT / "tests/api").glob("test_attacks_*.py")}
    assert files <= {path for path, _ in NAMED}
