"""What must never stand in the repository, and rules of the house that a machine can check."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOSTS = "|".join(re.escape(name) for name in ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "deb.debian" + ".org"))
PATHS = "|".join(("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]", "/Us" + "ers/[a-z]"))
FORBIDDEN = re.compile(rf"{HOSTS}|(?<![\w.$}}])(?:{PATHS})")


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def test_no_registry_host_and_no_path_of_a_machine_stands_in_the_tree() -> None:
    found = []
    for path in tracked():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}:{number}: {line[:120]}" for number, line in enumerate(lines, 1) if FORBIDDEN.search(line)]
    assert found == []


def test_that_check_does_find_what_it_forbids() -> None:
    assert FORBIDDEN.search("--index-url https://" + "py" + "pi.org/simple")
    assert FORBIDDEN.search("file at /wo" + "rk/main/x")
    assert not FORBIDDEN.search("docs/network/ro" + "ot/home.md")


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", ["registry", "api"])
def test_only_db_commits(package: str) -> None:
    """The two steps of a BAG import end their own staging; nothing else may."""
    allowed = {ROOT / "registry/db.py", ROOT / "registry/imports/commands.py", ROOT / "registry/imports/bag/commands.py"}
    found = [
        str(path.relative_to(ROOT))
        for path in modules(package)
        if path not in allowed and re.search(r"\.(commit|rollback)\(", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_an_init_holds_a_docstring_at_most() -> None:
    for path in [*modules("registry"), *modules("api")]:
        if path.name == "__init__.py":
            body = ast.parse(path.read_text(encoding="utf-8")).body
            assert len(body) <= 1, path
            assert all(isinstance(each, ast.Expr) for each in body), path


def test_nothing_is_called_by_a_name_that_says_nothing() -> None:
    nothing = {"utils", "helpers", "services", "constants", "common", "misc", "manager", "handler"}
    assert [path for package in ("registry", "api", "demo") for path in modules(package) if path.stem in nothing] == []


def test_only_the_clock_asks_the_time() -> None:
    found = [
        path
        for path in modules("registry") + modules("api")
        if path.name != "clock.py" and re.search(r"datetime\.now\(|date\.today\(|utcnow\(", path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_rule_file_is_pure() -> None:
    for path in ROOT.glob("registry/*/rules.py"):
        imported = {node.module for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)}
        assert not imported & {"sqlalchemy", "sqlalchemy.orm", "registry.clock", "registry.storage"}, path


def test_every_dependency_is_explained() -> None:
    declared = re.search(r"^dependencies = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert declared
    names = re.findall(r'"([a-z0-9-]+)', declared.group(1))
    explained = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}" not in explained] == []
