"""Every refusal has a code, a status, and a sentence in two languages."""

import importlib
import pkgutil
import re
import string
from pathlib import Path

import pytest

import registry
from api.problems import TITLES, status_of
from registry.errors import RegistryError
from registry.imports.bag.model import BagFileError
from registry.messages import TEXTS

ROOT = Path(__file__).parents[2]


def all_errors() -> list[type[RegistryError]]:
    for module in pkgutil.walk_packages(registry.__path__, "registry."):
        importlib.import_module(module.name)
    import api.app  # noqa: F401

    found, todo = set(), [RegistryError]
    while todo:
        below = todo.pop().__subclasses__()
        found |= set(below)
        todo += below
    return sorted(found, key=lambda error: error.__name__)


@pytest.mark.parametrize("error", all_errors())
def test_every_error_has_a_sentence(error: type[RegistryError]) -> None:
    assert error.code in TEXTS


@pytest.mark.parametrize("error", [each for each in all_errors() if not issubclass(each, BagFileError)])
def test_every_error_has_a_status(error: type[RegistryError]) -> None:
    """Errors of an import file come by command line only, for now."""
    assert status_of(error.__new__(error)) in TITLES


@pytest.mark.parametrize("code", TEXTS)
def test_both_languages_use_the_same_facts(code: str) -> None:
    def facts(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    assert facts(TEXTS[code].nl) == facts(TEXTS[code].en) or facts(TEXTS[code].nl) <= facts(TEXTS[code].en) | {"current"}
    assert TEXTS[code].nl != TEXTS[code].en


def test_every_code_that_is_used_has_a_sentence() -> None:
    sources = [path.read_text(encoding="utf-8") for package in ("registry", "api") for path in (ROOT / package).rglob("*.py")]
    used = {code for source in sources for code in re.findall(r'(?:Fault\(\s*[^,()]+(?:\([^()]*\))?,|Said\()\s*"([a-z0-9-]+)"', source)}
    assert len(used) > 40
    assert used <= set(TEXTS)


def test_no_sentence_is_left_that_nothing_says() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for package in ("registry", "api") for path in (ROOT / package).rglob("*.py") if path.name != "messages.py"
    )
    assert [code for code in TEXTS if f'"{code}"' not in sources] == []
