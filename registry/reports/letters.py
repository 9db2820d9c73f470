"""Text of people as a report shows it. Pure.

What a person wrote may hold anything that Unicode has. A report shows what can be read: no control characters, no marks that turn the direction of what
follows, no letter twice for one that has accents of its own. The PDF moreover has to have a shape for every letter in its own fonts, or it would not be
accessible (PDF/UA): a letter outside `ALPHABET` stands there as `MISSING`, and as itself in the HTML.
"""

import re
import unicodedata
from typing import Final

from registry.db import Json

MISSING: Final = "\ufffd"
_RANGES: Final = (
    "0020-007e 00a0-00ac 00ae-02af 0370-0377 037a-037f 0384-038a 038c 038e-03a1 03a3-03e1 03f0-0482 048a-052f 1e00-1eff 2010-2027 2030-205e 2070-2071 "
    "2074-208e 2090-209c 20a0-20bf 2100-215f 2184 2189 2190-2193 2212 221e 2248 2260 2264-2265 25a0-25a1 25b2 25bc 25c6 25cc 25cf 2610-2611 2713 2717 "
    "fb00-fb06 fffd"
)
"""Latin, Greek and Cyrillic, and common signs: what Noto Sans and the fonts inside typst have. Other scripts need shaping, on which typst 0.15 can break."""
_ENDS: Final = tuple(tuple(int(end, 16) for end in part.split("-")) for part in _RANGES.split())
ALPHABET: Final = frozenset(chr(code) for ends in _ENDS for code in range(ends[0], ends[-1] + 1))
SIMPLE: Final = frozenset(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0xAD), *range(0xAE, 0x100))))
"""Latin-1: for the second attempt at a document that did not succeed."""
LONGEST_WORD: Final = 30
"""Letters after which a line may end all the same."""
OURS: Final = ("file", "svg")
"""Members that nobody wrote and nobody reads: they stay as they are."""
MOST_LINES: Final = 40
"""Line ends of one text that are kept; the lines after them follow each other."""
_BREAK: Final = "\u200b"
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")
_MANY_LINES = re.compile(r"\n{3,}")


def plain(text: str) -> str:
    """With composed letters and line ends as ``\\n``; without control characters, marks of direction and what else has neither width nor shape."""
    lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    seen = "".join(each for each in lines if each == "\n" or unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    first, *rest = _MANY_LINES.sub("\n\n", seen).strip().split("\n")
    kept, over = rest[:MOST_LINES], rest[MOST_LINES:]
    return " ".join(["\n".join([first, *kept]), *over])


def printable(content: Json, alphabet: frozenset[str] = ALPHABET) -> Json:
    """The same content in letters of the alphabet, with places where a long word may be broken."""
    if isinstance(content, str):
        return _LONG_WORD.sub(lambda part: part[0] + _BREAK, _spelt(content, alphabet))
    if isinstance(content, list):
        return [printable(each, alphabet) for each in content]
    if isinstance(content, dict):
        return {name: each if name in OURS else printable(each, alphabet) for name, each in content.items()}
    return content


def _spelt(text: str, alphabet: frozenset[str]) -> str:
    spelt = (each if each in alphabet or each == "\n" else "" if unicodedata.category(each)[0] == "M" else MISSING for each in text)
    found = "".join(spelt)
    return found if MISSING in alphabet else found.replace(MISSING, "?")
