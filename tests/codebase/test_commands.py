"""Every command asks for a right and writes an audit line, in itself or in what it calls in its own file."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    *ROOT.glob("registry/*/commands.py"),
    ROOT / "registry/trajectories/milestones.py",
    ROOT / "registry/trajectories/confirmations.py",
    ROOT / "registry/trajectories/measures.py",
    ROOT / "registry/trajectories/documents.py",
    *(
        ROOT / f"registry/inspections/{name}.py"
        for name in ("planning", "edits", "conflicts", "submission", "review", "rescoring", "assignment", "next_visit", "day")
    ),
    ROOT / "registry/inspections/team_work.py",
    ROOT / "registry/members/teams.py",
    ROOT / "registry/dwellings/hazards.py",
    *(ROOT / f"registry/dwellings/{name}.py" for name in ("portfolios", "transfers", "successions")),
    ROOT / "registry/photos/uploads.py",
    ROOT / "registry/photos/shares.py",
    ROOT / "registry/photos/destruction.py",
    ROOT / "registry/references.py",
]
WRITERS_OF_THE_LOG_ITSELF = {"registry/audit/commands.py", "registry/changes/commands.py"}
READS = {
    "workforce",
    "look_up",
    "file_key",
    "check_post",
    "post_of",
    "check_open",
    "closed",
    "clashes",
    "judge_each",
    "day_list",
    "open_at",
    "visible_to",
    "teams_of",
    "members_of",
    "named",
    "inspectors_with",
    "link",
    "look",
    "left",
    "get",
    "faults_of",
    "list_",
    "shipped",
    "own",
    "own_one",
    "own_locked",
    "own_each",
    "look_each",
    "key_of",
    "check_not_gone",
    "check_there",
    "there",
    "differ",
    "holds",
    "due",
    "each",
}
"""Public functions of these files that change nothing."""
SYSTEM = {"import_bag", "rename_token", "revoke_token", "hold", "release", "destroy", "destroy_due", "recompute", "disable"}
"""Run from the command line in nobody's name, or done by a person for herself: audited, without a right to ask for."""


def called(function: ast.FunctionDef, functions: dict[str, ast.FunctionDef], seen: set[str]) -> set[str]:
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            names.add(name)
            if name in functions and name not in seen:
                seen.add(name)
                names |= called(functions[name], functions, seen)
    return names


def commands() -> list[tuple[str, set[str]]]:
    found = []
    for path in FILES:
        if str(path.relative_to(ROOT)) in WRITERS_OF_THE_LOG_ITSELF:
            continue
        functions = {node.name: node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}
        for name, function in functions.items():
            if not name.startswith("_") and name not in READS:
                found.append((f"{path.parent.name}.{name}", called(function, functions, {name})))
    return found


def test_the_commands_are_found() -> None:
    assert len(commands()) > 20


@pytest.mark.parametrize(("command", "calls"), commands())
def test_every_command_writes_the_audit_log(command: str, calls: set[str]) -> None:
    assert calls & {"audit.record", "audit.record_each", "references.write", "images.attach_each", "teams.amend", "journal.append"}, command


@pytest.mark.parametrize(("command", "calls"), [each for each in commands() if each[0].split(".")[1] not in SYSTEM])
def test_every_command_asks_for_a_right(command: str, calls: set[str]) -> None:
    assert calls & {"require", "references.write", "teams.amend"}, command
