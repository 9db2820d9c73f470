"""The expressions of XLSForms (XPath), as far as they are conditions of a checklist or the range of a number. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyxform.parsing.expression import parse_expression

from registry.checklists.json_schema import LARGEST_NUMBER
from registry.checklists.questions import QuestionType
from registry.db import Json

LONGEST_EXPRESSION = 2000
DEEPEST_EXPRESSION = 6
Content = dict[str, Json]
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_BOUNDS = {"<": "below", ">": "above", "<=": "at-most", ">=": "at-least"}


class Inexpressible(Exception):
    """``what`` of the expression a checklist has no word for."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Known:
    """A question of the form that became one of the checklist; ``options`` are the keys by the names in the form."""

    key: str
    type: QuestionType
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def condition(text: str, known: Mapping[str, Known]) -> Content:
    """What stands under ``visible-if`` for an expression under ``relevant``. Raises Inexpressible."""
    return _Reader(text, known).whole()


@dataclass(frozen=True, slots=True)
class Range:
    minimum: float | None = None
    maximum: float | None = None


def range_of(text: str, *, whole: bool) -> Range:
    """The range that a constraint allows; ``whole`` numbers can also be bounded by < and >. Raises Inexpressible."""
    low, high = list[float](), list[float]()
    own = {".": Known(".", QuestionType.NUMBER, {})}
    for atom in _flat(_Reader(text, own).whole()):
        for name, bound in atom.items():
            if name in ("above", "below") and not whole:
                raise Inexpressible(f"{'>' if name == 'above' else '<'} {bound}")
            if name in ("at-least", "above"):
                low.append(_number(bound) + (1 if name == "above" else 0))
            elif name in ("at-most", "below"):
                high.append(_number(bound) - (1 if name == "below" else 0))
    return Range(max(low, default=None), min(high, default=None))


def _flat(content: Content) -> list[Content]:
    if "all" in content:
        parts = content["all"]
        assert isinstance(parts, list)
        return [atom for part in parts if isinstance(part, dict) for atom in _flat(part)]
    if "question" not in content:
        raise Inexpressible("or, not")
    return [content]


def _number(value: Json) -> float:
    assert isinstance(value, int | float)
    return value


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str, known: Mapping[str, Known]) -> None:
        if len(text) > LONGEST_EXPRESSION:
            raise Inexpressible(f"> {LONGEST_EXPRESSION}")
        self._tokens = _joined([_Token(token.type, str(token)) for token in parse_expression(text)])
        self._known = known
        self._deep = 0

    def whole(self) -> Content:
        found = self._or()
        if self._tokens:
            raise Inexpressible(self._tokens[0].text)
        return found

    def _or(self) -> Content:
        return self._chain("or", "any", self._and)

    def _and(self) -> Content:
        return self._chain("and", "all", self._one)

    def _chain(self, word: str, name: str, part: Callable[[], Content]) -> Content:
        parts: list[Json] = [part()]
        while self._tokens and self._tokens[0].text.strip() == word:
            self._tokens.pop(0)
            parts.append(part())
        first = parts[0]
        assert isinstance(first, dict)
        return first if len(parts) == 1 else {name: parts}

    def _one(self) -> Content:
        token = self._next()
        if token.text == "(":
            return self._inside()
        if token.text == "not(":
            return {"not": self._inside()}
        if token.text == "selected(":
            return self._selected()
        return self._comparison(token)

    def _inside(self) -> Content:
        self._deep += 1
        if self._deep > DEEPEST_EXPRESSION:
            raise Inexpressible("((…))")
        found = self._or()
        self._expect(")")
        self._deep -= 1
        return found

    def _selected(self) -> Content:
        question = self._question(self._next())
        self._expect(",")
        answer = self._next()
        self._expect(")")
        if answer.kind != "SYSTEM_LITERAL" or question.type is QuestionType.NUMBER:
            raise Inexpressible(answer.text)
        return {"question": question.key, "in": [_option(question, answer.text[1:-1])]}

    def _comparison(self, left: _Token) -> Content:
        operator = self._next()
        if operator.kind != "OPS_COMP":
            raise Inexpressible(operator.text)
        right = self._next()
        if left.kind in ("PYXFORM_REF", "SELF_REF"):
            return _compared(self._question(left), operator.text, right)
        return _compared(self._question(right), _FLIPPED[operator.text], left)

    def _question(self, token: _Token) -> Known:
        name = token.text if token.kind == "SELF_REF" else token.text[2:-1]
        if token.kind not in ("PYXFORM_REF", "SELF_REF") or name not in self._known:
            raise Inexpressible(token.text)
        return self._known[name]

    def _next(self) -> _Token:
        if not self._tokens:
            raise Inexpressible("…")
        return self._tokens.pop(0)

    def _expect(self, text: str) -> None:
        token = self._next()
        if token.text != text:
            raise Inexpressible(token.text)


def _joined(tokens: list[_Token]) -> list[_Token]:
    """Without white space; the two halves of <= and >= put together."""
    found = list[_Token]()
    after_space = True
    for token in tokens:
        if token.kind == "WHITESPACE":
            after_space = True
            continue
        if token.text == "=" and found and found[-1].text in ("<", ">", "!") and not after_space:
            found[-1] = _Token("OPS_COMP", found[-1].text + "=")
        else:
            found.append(token)
        after_space = False
    return found


def _compared(question: Known, operator: str, answer: _Token) -> Content:
    if question.type is QuestionType.NUMBER:
        return _numeric(question, operator, answer)
    if answer.kind not in ("SYSTEM_LITERAL", "NUMBER") or operator not in ("=", "!="):
        raise Inexpressible(f"{operator} {answer.text}")
    text = answer.text[1:-1] if answer.kind == "SYSTEM_LITERAL" else answer.text
    if text == "":
        return {"not": _answered(question)} if operator == "=" else _answered(question)
    return {"not": _only(question, text)} if operator == "!=" else _only(question, text)


def _numeric(question: Known, operator: str, answer: _Token) -> Content:
    if answer.kind == "SYSTEM_LITERAL" and answer.text[1:-1] == "" and operator in ("=", "!="):
        answered: Content = {"question": question.key, "at-least": -LARGEST_NUMBER}
        return {"not": answered} if operator == "=" else answered
    text = answer.text[1:-1] if answer.kind == "SYSTEM_LITERAL" else answer.text
    try:
        number: float = int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise Inexpressible(answer.text) from None
    if not abs(number) <= LARGEST_NUMBER:
        raise Inexpressible(answer.text)
    if operator in _BOUNDS:
        return {"question": question.key, _BOUNDS[operator]: number}
    equal: Content = {"question": question.key, "at-least": number, "at-most": number}
    return {"not": equal} if operator == "!=" else equal


def _only(question: Known, name: str) -> Content:
    """That the answer is this one; of several answers no other is."""
    own = _option(question, name)
    chosen: Content = {"question": question.key, "in": [own]}
    others: list[Json] = [key for key in question.options.values() if key != own]
    if question.type is not QuestionType.SEVERAL or not others:
        return chosen
    return {"all": [chosen, {"not": {"question": question.key, "in": others}}]}


def _answered(question: Known) -> Content:
    if not question.options:
        raise Inexpressible("''")
    return {"question": question.key, "in": list(question.options.values())}


def _option(question: Known, name: str) -> str:
    if not question.options:
        return name
    if name not in question.options:
        raise Inexpressible(name)
    return question.options[name]
