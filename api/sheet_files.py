"""Spreadsheets as files that the interface takes and gives."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from registry.messages import Language
from registry.sheets.columns import Column
from registry.sheets.refused import RefusedRow, csv_refused, xlsx_refused
from registry.sheets.templates import csv_template, xlsx_template

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET = {"nl": "Gegevens", "en": "Data"}
REFUSED_SHEET = {"nl": "Geweigerde rijen", "en": "Refused rows"}


class SheetFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class MadeSheet:
    """How files of one format are written."""

    media_type: str
    template: Callable[[Path, Sequence[Column], Language], None]
    refused: Callable[[Path, Sequence[str], Iterable[RefusedRow], Language], None]


def _csv_template(path: Path, columns: Sequence[Column], language: Language) -> None:
    path.write_bytes(csv_template(columns, language))


def _xlsx_template(path: Path, columns: Sequence[Column], language: Language) -> None:
    xlsx_template(path, columns, language, sheet=SHEET[language])


def _csv_refused(path: Path, header: Sequence[str], rows: Iterable[RefusedRow], language: Language) -> None:
    with path.open("wb") as file:
        file.writelines(csv_refused(header, rows, language))


def _xlsx_refused(path: Path, header: Sequence[str], rows: Iterable[RefusedRow], language: Language) -> None:
    xlsx_refused(path, header, rows, language, sheet=REFUSED_SHEET[language])


_MADE = {SheetFormat.CSV: MadeSheet(f"{CSV}; charset=utf-8", _csv_template, _csv_refused), SheetFormat.XLSX: MadeSheet(XLSX, _xlsx_template, _xlsx_refused)}


def made_sheet(kind: SheetFormat) -> MadeSheet:
    return _MADE[kind]
