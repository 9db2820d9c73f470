"""The small picture of a condition score: six steps in colour, the score marked by place, size, outline and a triangle, so that it is read without colour."""

from typing import Final

from registry.messages import Language
from registry.nen2767.method import CONDITIONS
from registry.reports.content import Scale
from registry.reports.words import say, word

STEP: Final = 26
"""Width of a step in the units of the picture."""
HEIGHT: Final = 34
_TOP: Final = 9


def scale_of(score: int, language: Language) -> Scale:
    steps = "".join(_step(each, marked=each == score) for each in sorted(CONDITIONS, key=lambda each: each == score))
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {STEP * len(CONDITIONS) + 4} {HEIGHT}">{steps}</svg>'
    return Scale(picture, say("scale", language, score=score, name=name_of(score, language)))


def name_of(score: int, language: Language) -> str:
    return word(CONDITIONS[score].name, language)


def _step(score: int, *, marked: bool) -> str:
    look, left = CONDITIONS[score], 2 + (score - 1) * STEP
    middle = left + STEP / 2
    letters = 'text-anchor="middle" font-family="Noto Sans, Arial, sans-serif"'
    if not marked:
        box = f'<rect x="{left}" y="{_TOP + 4}" width="{STEP}" height="{HEIGHT - _TOP - 8}" fill="{look.colour}" stroke="#ffffff" stroke-width="1"/>'
        return f'{box}<text x="{middle}" y="{_TOP + 16.4}" font-size="11" fill="{look.ink}" {letters}>{score}</text>'
    box = f'<rect x="{left}" y="{_TOP}" width="{STEP}" height="{HEIGHT - _TOP - 2}" fill="{look.colour}" stroke="#14212e" stroke-width="2.4"/>'
    triangle = f'<path d="M{middle - 5} 0 H{middle + 5} L{middle} 6.5 Z" fill="#14212e"/>'
    return f'{triangle}{box}<text x="{middle}" y="{_TOP + 17.6}" font-size="16" font-weight="bold" fill="{look.ink}" {letters}>{score}</text>'
