"""Real .xlsx files, made cell by cell."""

import io
from collections.abc import Sequence

import openpyxl

Cells = Sequence[Sequence[object]]
HEADERS = ("type", "name", "label::Nederlands (nl)", "label::English (en)", "relevant", "constraint", "required")
CHOICES: Cells = [
    ["list_name", "name", "label::Nederlands (nl)", "label::English (en)"],
    ["heat", "boiler", "Ketel", "Boiler"],
    ["heat", "none", "Niet", "None"],
    ["rooms", "bed_room", "Slaapkamer", "Bedroom"],
    ["rooms", "kitchen", "Keuken", "Kitchen"],
]
SETTINGS: Cells = [["form_title", "form_id", "version"], ["Vocht", "damp_form", "3"]]


def xlsx(**sheets: Cells) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def a_form(*survey: Sequence[object], headers: Sequence[str] = HEADERS, choices: Cells = CHOICES, settings: Cells = SETTINGS) -> bytes:
    return xlsx(survey=[headers, *survey], choices=choices, settings=settings)
