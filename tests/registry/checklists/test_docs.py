"""What docs/checklists.md shows is what the register takes."""

import re
from pathlib import Path

from registry.checklists.lint import lint
from registry.checklists.meaning import map_each
from registry.checklists.questions import QuestionType
from registry.checklists.rules import check_complete, follow_ups, photos_missing, questions
from registry.db import Json

TEXT = (Path(__file__).parents[3] / "docs/checklists.md").read_text(encoding="utf-8")


def example() -> dict[str, Json]:
    found = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert found
    linted = lint(found.group(1))
    assert linted.findings == ()
    assert isinstance(linted.content, dict)
    return linted.content


def test_the_example_can_be_published_and_does_what_is_said_of_it() -> None:
    content = example()
    asked = questions(content)
    defect: Json = {"key": "d1", "defect": "torn", "severity": "critical", "intensity": "final", "extent": 3}
    answers: dict[str, Json] = {"shed": "yes", "shed-leak": "stream", "shed-width": 6.5, "shed-roof": {"defects": [defect]}}
    assert check_complete(asked, answers) == []
    assert [(fault.facts["question"], fault.facts["min"]) for fault in photos_missing(asked, answers, {}, {})] == [("shed-leak", 3), ("shed-roof", 1)]
    assert [advice.en for advice in follow_ups(content, answers)] == ["Cover the roof."]
    assert [fault.code for fault in check_complete(asked, {**answers, "shed-width": 4})] == ["question-not-asked"]
    assert len(list(map_each(content["sections"]))) == 2


def test_every_type_of_question_is_explained() -> None:
    for type in QuestionType:
        assert f"`{type.value}`" in TEXT, type
