"""Reports laid out for real: what is in the PDF and in the HTML, and that nothing a person writes becomes part of the layout."""

import random
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from registry.inspections.model import Decision, Occasion
from registry.reports import rendering
from registry.reports.building import build
from registry.reports.letters import ALPHABET, plain
from registry.reports.rendering import RenderingFailed, render
from registry.reports.source import Sight
from tests.registry.reports.making import MOMENT, a_photo, a_source, a_visit, elements, hostile, put_pictures, rendered


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def full() -> Any:
    photos = [a_photo("mould", "Noordgevel"), a_photo("mould", sight=Sight.DECLARED), a_photo("roof"), a_photo("signature")]
    before = a_visit(photos=[a_photo("mould", "Voor de aanpak")])
    return a_source(a_visit(photos=photos, occasion=Occasion.COMPLETION), decision=Decision.APPROVED, before=before)


def test_the_pdf_is_tagged_and_says_its_title_and_language(tmp_path: Path) -> None:
    source = full()
    pdf, _ = rendered(tmp_path, source, build(source, "nl"))
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] is True or root["/MarkInfo"]["/Marked"].value is True
    assert root["/Lang"] == "nl-NL"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Opleveringsinspectie – Vrieheidestraat 27 b, 6415 AB  Heerlen"
    found = [str(element["/S"]) for element in elements(root["/StructTreeRoot"]["/K"])]
    assert {"/H1", "/H2", "/H3", "/Figure", "/Table", "/TH", "/TD"} <= set(found)


def test_the_pdf_claims_to_be_accessible_and_fit_for_an_archive(tmp_path: Path) -> None:
    source = full()
    pdf, _ = rendered(tmp_path, source, build(source, "nl"))
    metadata = pdf.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata


def test_every_picture_in_the_pdf_has_a_text(tmp_path: Path) -> None:
    source = full()
    pdf, _ = rendered(tmp_path, source, build(source, "nl"))
    figures = [element for element in elements(pdf.trailer["/Root"]["/StructTreeRoot"]["/K"]) if element["/S"] == "/Figure"]
    assert len(figures) >= 4
    assert all(str(figure.get("/Alt", "")) for figure in figures)
    assert any("Noordgevel" in str(figure["/Alt"]) for figure in figures)
    assert any("Conditiescore" in str(figure["/Alt"]) for figure in figures)


def test_every_font_is_embedded(tmp_path: Path) -> None:
    source = full()
    pdf, _ = rendered(tmp_path, source, build(source, "nl"))
    fonts = {}
    for page in pdf.pages:
        fonts |= dict(page["/Resources"]["/Font"])
    assert fonts
    for font in fonts.values():
        for descendant in font.get_object()["/DescendantFonts"]:
            described = descendant.get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(described)


def test_what_is_said_stands_in_both(tmp_path: Path) -> None:
    source = full()
    pdf, html = rendered(tmp_path, source, build(source, "nl"))
    paper, page = " ".join(each.extract_text() for each in pdf.pages), Page(html)
    for said in ("Vrieheidestraat 27 b", "Grote plekken", "71,5 %", "Lekkage", "Noordgevel", "J. van der Meulen", "Goedgekeurd door A. de Wit", "Voor en na"):
        assert said in paper.replace("\n", " "), said
        assert said in page.text, said
    assert f"Pagina 1 van {len(pdf.pages)}" in paper


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    source, files = full(), []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        put_pictures(folder, source)
        files.append([file.read_bytes() for file in render(folder, build(source, "nl"), timestamp=MOMENT)])
    assert files[0] == files[1]


def test_the_html_asks_for_nothing_and_runs_nothing(tmp_path: Path) -> None:
    source = full()
    _, html = rendered(tmp_path, source, build(source, "en"))
    page = Page(html)
    assert page.all("html") == [{"lang": "en"}]
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("iframe")
    assert not page.all("a")
    assert all(str(image["src"]).startswith("data:image/") and image["alt"] for image in page.all("img"))
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name in ("style", "href", "srcset")]
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in [meta.get("content") for meta in page.all("meta")]
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html


NASTY = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "{{ 7 * 7 }} {% for x in y %} {# #}",
    '#panic() #read("/etc/passwd") #import "@preview/x:1.0.0" $ x^2 $ *b* _i_ `c` <label> @ref = Kop',
    'json("content.json") #sys.inputs ] } ) "); #eval("1")',
    "\\u{41} \\n \\\\ // comment /* */",
    "\u202eomgekeerd\u202c \u2066x\u2069 \u200f \x00\x01\x1b[31m \ufeff",
    "عَرَبِيّ עברית हिन्दी ไทย 日本語 한국어 😀👩‍👩‍👧 e\u0301\u0302\u0303 Z̸̡̛̺a̶l̷g̸o",
    "a" * 4000,
    "woord " * 660,
    "\n" * 2000 + "x\n" * 1000,
    "\ud800 half",
)


@pytest.mark.parametrize("text", NASTY)
def test_whatever_a_person_writes_stays_text(tmp_path: Path, text: str) -> None:
    source = hostile(a_source(a_visit(photos=[a_photo()]), decision=Decision.APPROVED), text)
    pdf, html = rendered(tmp_path, source, build(source, "nl"))
    page = Page(html)
    assert not page.all("script")
    assert not page.all("svg")
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    assert plain(text)[:60].strip() in page.text
    paper = "".join(each.extract_text() for each in pdf.pages).replace("\n", "")
    assert "root:" not in paper
    if text.startswith("#panic"):
        assert '#panic() #read("/etc/passwd") #import' in paper


def test_every_letter_of_the_alphabet_can_be_printed_in_any_order(tmp_path: Path) -> None:
    letters = sorted(ALPHABET)
    random.Random(1).shuffle(letters)
    words = " ".join("".join(letters[at : at + 7]) for at in range(0, len(letters), 7))
    source = a_source(a_visit(answers={"story": words}))
    folder = tmp_path
    put_pictures(folder, source)
    pdf, _ = render(folder, build(source, "nl"), timestamp=MOMENT)
    assert pdf.stat().st_size > 10_000


def test_a_document_that_does_not_succeed_is_refused_and_says_why(tmp_path: Path) -> None:
    source = a_source(a_visit(photos=[a_photo()]))
    (tmp_path / "photos").mkdir()
    with pytest.raises(RenderingFailed, match="No such file"):
        render(tmp_path, build(source, "nl"), timestamp=MOMENT)


def test_a_document_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "WALL_S", 0.05)
    source = a_source()
    with pytest.raises(RenderingFailed, match="exit None"):
        render(tmp_path, build(source, "nl"), timestamp=MOMENT)


MEASURED = """
import json, os, resource, sys, tempfile
from registry.reports.rendering import _run
order = json.dumps({"parent": os.getpid(), "folder": sys.argv[1], "timestamp": 0})
with tempfile.TemporaryFile() as complaints:
    assert _run(order, complaints.fileno()) == 0
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.slow
def test_five_hundred_photos_make_a_report_in_bounded_memory(tmp_path: Path) -> None:
    source = a_source(a_visit(photos=[a_photo("mould", f"Foto {number}") for number in range(500)]))
    pdf, html = rendered(tmp_path, source, build(source, "nl"))
    assert len(pdf.pages) > 60
    assert html.count('class="photo"') == 500
    # Measured by a small process: what a child of this one takes begins with what this one has.
    measured = subprocess.run([sys.executable, "-c", MEASURED, str(tmp_path)], cwd=rendering.ROOT, capture_output=True, text=True, check=True)
    assert int(measured.stdout) < 1_000_000  # kilobytes


def test_a_place_without_an_address_still_has_a_title(tmp_path: Path) -> None:
    source = a_source()
    source = replace(source, place=replace(source.place, street=None, postcode=None, town=None))
    pdf, _ = rendered(tmp_path, source, build(source, "nl"))
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Nulmeting – Adres onbekend"
