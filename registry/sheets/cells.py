"""How the text of a cell becomes a value: what `columns.Convert` may be. Each raises CellRefused with a code that says what was expected."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from registry.sheets.columns import CellRefused, Convert
from registry.sheets.headers import normal
from registry.values import BAG_ID, POSTCODE, normal_postcode

INVISIBLE: Final = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Soft hyphen, characters of no width, and marks of direction and byte order: they come along with what is copied from a web page."""
LONGEST_TEXT: Final = 32_767
"""Characters: more a spreadsheet does not put in a cell."""
LONGEST_VALUE: Final = 60
"""Characters of a cell that holds a number, date or id: a longer one is none, and is not looked at further."""
EARLIEST_YEAR, LATEST_YEAR = 1000, 2200
"""Of a date in a cell: homes are old, and what is beyond is a typing error."""
_SPACES: Final = str.maketrans({**dict.fromkeys(INVISIBLE), **dict.fromkeys("\u00a0\u2007\u2009\u202f\t\r\n", " ")})
_MINUSES: Final = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_SHORT_BAG_ID: Final = re.compile(r"[0-9]{12,15}")
"""A spreadsheet takes it for a number, and drops the zeros before it."""
_ROUNDED: Final = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+?[0-9]{1,2}")
_HOUSE_NUMBER: Final = re.compile(r"(?P<number>[1-9][0-9]{0,4}) ?(?P<letter>[A-Za-z])?(?:[ -]{1,3}(?P<suffix>[0-9A-Za-z]{1,4}))?")
_YEAR_FIRST: Final = re.compile(r"(?P<year>[0-9]{4})(?P<between>[-/.]?)(?P<month>[0-9]{2})(?P=between)(?P<day>[0-9]{2})")
_DAY_FIRST: Final = re.compile(r"(?P<day>[0-9]{1,2})([-/.])(?P<month>[0-9]{1,2})\2(?P<year>[0-9]{4})")
_SHORT_YEAR: Final = re.compile(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{2}")
_MIDNIGHT: Final = re.compile(r"[T ]0{1,2}:00(:00(\.0+)?)?Z?$")
_DAYS_SINCE_1900: Final = re.compile(r"[1-9][0-9]{4}([.,]0+)?")
_THREES: Final = re.compile(r"[1-9][0-9]{0,2}(?P<point>[.,' ])[0-9]{3}(?:(?P=point)[0-9]{3})*")
_DUTCH: Final = re.compile(r"(?P<whole>[0-9]+|[1-9][0-9]{0,2}(?P<point>[.' ])[0-9]{3}(?:(?P=point)[0-9]{3})*)?(?:,(?P<part>[0-9]+))?")
_ENGLISH: Final = re.compile(r"(?P<whole>[0-9]+|[1-9][0-9]{0,2}(?P<point>[,' ])[0-9]{3}(?:(?P=point)[0-9]{3})*)?(?:\.(?P<part>[0-9]+))?")
_EURO: Final = re.compile(r"€|\beuro?\b", re.IGNORECASE)
_CENTS: Final = re.compile(r",(-+|=)$")
"""Written for no cents: '€ 1.250,-'."""
YES: Final = frozenset(("ja", "j", "yes", "y", "true", "waar", "1"))
NO: Final = frozenset(("nee", "neen", "n", "no", "false", "onwaar", "0"))


def text(most: int = LONGEST_TEXT) -> Convert:
    """Text of at most ``most`` characters, as it stands there: ``too-long``."""

    def convert(cell: str) -> str:
        if len(cell) > most:
            raise CellRefused("too-long", {"max": most})
        return cell

    return convert


def whole_number(least: int, most: int) -> Convert:
    """As int: '15', '1.250', '1 250', '15,0'. ``not-a-whole-number``, ``too-small``, ``too-big``."""

    def convert(cell: str) -> int:
        value = _number(cell, "not-a-whole-number", in_threes=True)
        if value != value.to_integral_value():
            raise CellRefused("not-a-whole-number")
        return int(_within(value, Decimal(least), Decimal(most)))

    return convert


def decimal(least: Decimal | None = None, most: Decimal | None = None, *, places: int = 6) -> Convert:
    """As text that Decimal takes, since JSON has no exact decimals: '12,5', '12.5', '1.250,75'. '1.250' may be either and is refused: ``number-ambiguous``;
    ``not-a-number``, ``too-many-decimals``, ``too-small``, ``too-big``.
    """

    def convert(cell: str) -> str:
        return f"{_within(_with_places(_number(cell, 'not-a-number'), places), least, most):f}"

    return convert


def euros(least: Decimal = Decimal(0), most: Decimal = Decimal("999999999999.99")) -> Convert:
    """As text with two decimals: '€ 1.250,00' is '1250.00', '1.250' is '1250.00', '1250,5' is '1250.50'. ``not-an-amount`` and as `decimal`."""

    def convert(cell: str) -> str:
        bare = _CENTS.sub("", _EURO.sub("", _plain(cell, "not-an-amount")).strip())
        return f"{_within(_with_places(_number(bare, 'not-an-amount', in_threes=True), 2), least, most):.2f}"

    return convert


def day(cell: str) -> str:
    """As 2026-03-31: from that, 20260331, 31-3-2026, 31/03/2026, 31.3.2026.

    ``not-a-date``, ``no-such-day``, ``date-short-year``, ``date-month-first``, ``date-as-number``.
    """
    written = _MIDNIGHT.sub("", _plain(cell, "not-a-date"))
    found = _YEAR_FIRST.fullmatch(written) or _DAY_FIRST.fullmatch(written)
    if found and EARLIEST_YEAR <= int(found["year"]) <= LATEST_YEAR:
        with suppress(ValueError):
            return date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
        if int(found["month"]) > 12 >= int(found["day"]):
            raise CellRefused("date-month-first")
        raise CellRefused("no-such-day")
    if _SHORT_YEAR.fullmatch(written):
        raise CellRefused("date-short-year")
    if _DAYS_SINCE_1900.fullmatch(written):
        raise CellRefused("date-as-number")
    raise CellRefused("not-a-date")


def yes_or_no(cell: str) -> bool:
    """ja, nee, j, n, yes, no, y, true, false, waar, onwaar, 1, 0. ``not-yes-or-no``."""
    word = _plain(cell, "not-yes-or-no").casefold()
    if word not in YES | NO:
        raise CellRefused("not-yes-or-no")
    return word in YES


def uuid(cell: str) -> str:
    """In lower case with hyphens. ``not-a-uuid``."""
    try:
        return str(UUID(_plain(cell, "not-a-uuid")))
    except ValueError:
        raise CellRefused("not-a-uuid") from None


def bag_id(cell: str) -> str:
    """Sixteen digits; zeros that a spreadsheet took off are put back. ``wrong-form``, ``bag-id-rounded`` (9,17E+14)."""
    if BAG_ID.fullmatch(cell):
        return cell
    written = _plain(cell, "wrong-form", form="0917010000123456")
    if _ROUNDED.fullmatch(written):
        raise CellRefused("bag-id-rounded")
    whole = written.zfill(16) if _SHORT_BAG_ID.fullmatch(written) else written
    if not BAG_ID.fullmatch(whole):
        raise CellRefused("wrong-form", {"form": "0917010000123456"})
    return whole


def postcode(cell: str) -> str:
    """'6411 ab' as '6411AB'. ``wrong-form``."""
    written = normal_postcode(_plain(cell, "wrong-form", form="6411AB"))
    if not POSTCODE.fullmatch(written):
        raise CellRefused("wrong-form", {"form": "6411AB"})
    return written


def house_number(cell: str) -> dict[str, str | int]:
    """'15', '15a', '15 A-2', '15-hs' as {"number": 15, "letter": "A", "suffix": "2"}, without what is not there. ``wrong-form``."""
    found = _HOUSE_NUMBER.fullmatch(_plain(cell, "wrong-form", form="15"))
    if found is None:
        raise CellRefused("wrong-form", {"form": "15"})
    return {"number": int(found["number"]), **{part: found[part] for part in ("letter", "suffix") if found[part]}}


def choice(words: Mapping[str, str]) -> Convert:
    """The value by its Dutch or English word, compared without capitals, accents, spaces and hyphens; the values themselves are words too. ``not-one-of``."""
    values = {normal(word): str(value) for word, value in {**{str(value): value for value in words.values()}, **words}.items()}
    allowed = ", ".join(words)

    def convert(cell: str) -> str:
        value = values.get(normal(cell[:LONGEST_VALUE]))
        if value is None:
            raise CellRefused("not-one-of", {"allowed": allowed})
        return value

    return convert


def either(first: Convert, second: Convert) -> Convert:
    """What one of both makes of it; refused as the second one does."""

    def convert(cell: str) -> object:
        with suppress(CellRefused):
            return first(cell)
        return second(cell)

    return convert


def clean(cell: str) -> str:
    """Without spaces and invisible characters around it; in the midst of a text they may mean something."""
    return cell.strip(_AROUND)


def _plain(cell: str, code: str, **facts: object) -> str:
    """Without invisible characters, with one kind of space and of hyphen. Raises CellRefused for what is too long to be a value."""
    if len(cell) > LONGEST_VALUE:
        raise CellRefused(code, facts)
    if cell.isascii():
        return " ".join(cell.split())
    return " ".join(cell.translate(_SPACES).translate(_MINUSES).split())


def _number(cell: str, code: str, *, in_threes: bool = False) -> Decimal:
    """``in_threes`` when digits in threes can only be whole: there a point or comma before each three is one of thousands.

    '1,250' is 1.25 in Dutch and 1250 in English: refused where it could be either.
    """
    written = _plain(cell, code)
    sign, digits = ("-", written[1:].lstrip()) if written.startswith("-") else ("", written.removeprefix("+").lstrip())
    threes = _THREES.fullmatch(digits)
    if threes and (threes["point"] in "' " or (in_threes and threes["point"] == ".") or digits.count(threes["point"]) > 1):
        return Decimal(sign + re.sub(r"[.,' ]", "", digits))
    if threes and (in_threes or threes["point"] == "."):
        raise CellRefused("number-ambiguous")
    found = _DUTCH.fullmatch(digits) or _ENGLISH.fullmatch(digits)
    if not found or not digits:
        raise CellRefused(code)
    return Decimal(f"{sign}{re.sub(r'[^0-9]', '', found['whole'] or '0')}.{found['part'] or '0'}")


def _with_places(value: Decimal, places: int) -> Decimal:
    """Without zeros at its end."""
    whole = value.normalize() if value else Decimal(0)
    exponent = whole.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        raise CellRefused("too-many-decimals", {"max": places})
    return whole


def _within(value: Decimal, least: Decimal | None, most: Decimal | None) -> Decimal:
    if least is not None and value < least:
        raise CellRefused("too-small", {"min": least})
    if most is not None and value > most:
        raise CellRefused("too-big", {"max": most})
    return value


_AROUND: Final = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + INVISIBLE
