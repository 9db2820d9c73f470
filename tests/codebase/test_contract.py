"""openapi.yaml is what the code says, and follows the Dutch REST API Design Rules."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from api.openapi import contract

ROOT = Path(__file__).parents[2]
SPECTRAL = ROOT / "tests/contract/node_modules/.bin/spectral"
RULES = ROOT.parent / "shared/data/adr"


def test_the_contract_is_fresh() -> None:
    assert (ROOT / "openapi.yaml").read_text(encoding="utf-8") == contract(), "run: make openapi"


def lint(ruleset: str, document: Path) -> subprocess.CompletedProcess[str]:
    if not shutil.which("node") or not SPECTRAL.exists():
        pytest.skip("there is no node here, or the linter is not installed (make check installs it)")
    command = [str(SPECTRAL), "lint", "-r", ruleset, "--fail-severity", "error", str(document)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_our_own_rules_find_nothing() -> None:
    done = lint("spectral.yaml", ROOT / "openapi.yaml")
    assert done.returncode == 0, done.stdout


def test_the_official_rules_find_nothing() -> None:
    if not RULES.exists():
        pytest.skip("the official ruleset of the API Design Rules is not here")
    done = lint("spectral-nlgov.yaml", ROOT / "openapi.yaml")
    assert done.returncode == 0, done.stdout


def test_the_linter_does_find_faults(tmp_path: Path) -> None:
    spec = yaml.safe_load(contract())
    del spec["paths"]["/dwellings"]["get"]["operationId"]
    bad = tmp_path / "openapi.yaml"
    bad.write_text(yaml.safe_dump(spec))
    done = lint("spectral.yaml", bad)
    assert done.returncode != 0
    assert "operation-operationId" in done.stdout
