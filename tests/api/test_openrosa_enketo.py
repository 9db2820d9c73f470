"""Our forms in Enketo's own engine, in a real Chromium: filled in as a person does, and what it makes of them sent to the register.

Enketo is the web form of KoboToolbox, ODK Central and Ona; its engine is enketo-core, with an XPath of its own.
"""

import base64
import csv
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from registry.checklists.model import Checklist
from registry.checklists.rules import digest
from registry.inspections.model import Inspection, InspectionStatus
from tests import makers
from tests.api.callers import Caller, content, reload
from tests.api.collect import a_picture, basic, fetch, listed, media, message, part, said
from tests.registry.openrosa.checklists import EVERYTHING

pytestmark = pytest.mark.usefixtures("bucket")

CLIENT = Path(__file__).parents[1] / "openrosa"
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--virtual-time-budget=20000")
SAFE = "/data/answers/first"
PARTS = "/data/answers/parts"
Step = dict[str, Any]


@pytest.fixture(scope="module")
def chromium() -> str:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None or shutil.which("node") is None:
        pytest.skip("there is no Chromium here, or no node")
    if not (CLIENT / "node_modules" / "enketo-core").exists():
        pytest.skip("Enketo is not installed: make setup")
    return program


@pytest.fixture(scope="module")
def script(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page's program, in one piece."""
    file = tmp_path_factory.mktemp("enketo") / "page.js"
    loaders = [f"--loader:.{kind}=empty" for kind in ("css", "scss", "svg", "png", "woff", "woff2")]
    command = [
        str(CLIENT / "node_modules/.bin/esbuild"),
        str(CLIENT / "page.mjs"),
        "--bundle",
        "--external:libxslt",
        "--log-level=error",
        *loaders,
        f"--outfile={file}",
    ]
    subprocess.run(command, check=True, cwd=CLIENT)
    return file.read_text(encoding="utf-8")


@pytest.fixture
def inspection(session: Session, inspector: Caller) -> Inspection:
    session.add(checklist := Checklist(key="everything", edition=3, content=EVERYTHING, digest=digest(EVERYTHING)))
    session.flush()
    dwelling = makers.a_dwelling(session, street="Vrieheidestraat", house_number=12, postcode="6414AB", town="Heerlen")
    return makers.an_inspection(session, inspector.actor, checklist_id=checklist.id, dwelling_id=dwelling.id, note="Bel aan")


class Enketo:
    """A browser in which a form of the register is opened."""

    def __init__(self, chromium: str, script: str, caller: Caller, folder: Path) -> None:
        self._chromium, self._script, self._folder = chromium, script, folder
        (form,) = [each for each in listed(caller) if each["formID"] == "everything-3"]
        self._xform = fetch(caller, form["downloadUrl"]).text
        (file,) = media(caller, form)
        self._inspections = as_xml(fetch(caller, file["downloadUrl"]).text)

    def fill(self, *answers: Step, language: str = "nl") -> dict[str, Any]:
        told = {"xform": self._xform, "inspections": self._inspections, "answers": answers, "language": language}
        page = self._folder / "page.html"
        given = json.dumps(told).replace("<", "\\u003c")
        script = self._script.replace("</script", "<\\/script")
        head = '<!doctype html><meta charset="utf-8"><body>'
        page.write_text(f'{head}<script type="application/json" id="given">{given}</script><script>{script}</script>', encoding="utf-8")
        command = [self._chromium, *OPTIONS, f"--user-data-dir={self._folder / 'profile'}", "--dump-dom", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        found = re.search(r'<pre id="result">([^<]+)</pre>', done.stdout)
        assert found, done.stderr[-2000:]
        result: dict[str, Any] = json.loads(base64.b64decode(found[1]))
        assert "failure" not in result, result["failure"]
        assert result["errors"] == []
        return result


def as_xml(text: str) -> str:
    """A CSV file as Enketo turns it into an instance."""
    rows = ("".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items()) for row in csv.DictReader(text.splitlines()))
    return f"<root>{''.join(f'<item>{row}</item>' for row in rows)}</root>"


@pytest.fixture
def enketo(chromium: str, script: str, inspector: Caller, inspection: Inspection, tmp_path: Path) -> Enketo:
    return Enketo(chromium, script, inspector, tmp_path)


def step(path: str, value: str, **more: Any) -> Step:
    return {"path": path, "value": value, **more}


def whole_visit(inspection: Inspection, extent: str = "12.5") -> list[Step]:
    defect = f"{PARTS}/roof/defect"
    return [
        step("/data/visit/inspection", str(inspection.id)),
        step("/data/visit/outcome", "done"),
        step(f"{SAFE}/mould/answer", "large"),
        *[step(f"{SAFE}/mould/photo-{place}", f"schimmel-{place}.jpg", file=True) for place in (1, 2, 3)],
        step(f"{SAFE}/rooms/answer", "bath bed"),
        step(f"{SAFE}/humidity/answer", "71.5"),
        step(f"{SAFE}/why/answer", "Geen ventilatie"),
        step(f"{SAFE}/danger/answer", "no"),
        step(f"{PARTS}/roof/state", "defects"),
        step(f"{PARTS}/roof/count", "2"),
        *[
            answered
            for repeat, kind in enumerate(("leak", "other.defect"))
            for answered in (
                step(f"{defect}/kind", kind, repeat=repeat),
                step(f"{defect}/severity", "critical", repeat=repeat),
                step(f"{defect}/intensity", "final", repeat=repeat),
                step(f"{defect}/extent", extent, repeat=repeat),
                step(f"{defect}/photo-1", f"dak-{repeat}.jpg", repeat=repeat, file=True),
            )
        ],
        step(f"{PARTS}/wall/state", "absent"),
        *[step(f"{PARTS}/front/photo-{place}", f"voor-{place}.jpg", file=True) for place in (1, 2)],
        step("/data/closing/remarks", "Klaar"),
    ]


def send(client: FlaskClient, caller: Caller, xml: str, names: list[str]) -> Any:
    """As Enketo does: the record and its files in one form of a browser."""
    parts = [part("xml_submission_file", xml.encode(), "text/xml", "xml_submission_file")]
    parts += [part(name, a_picture(f"#{place:06x}"), "image/jpeg", name) for place, name in enumerate(names)]
    body, content_type = message(parts, "----WebKitFormBoundary7MA4YWxkTrZu0gW")
    return client.post("/v1/openrosa/submission", data=body, content_type=content_type, headers={**basic(caller), "X-OpenRosa-Version": "1.0"})


def test_a_visit_filled_in_with_enketo_becomes_an_inspection(session: Session, inspector: Caller, inspection: Inspection, enketo: Enketo) -> None:
    result = enketo.fill(*whole_visit(inspection))
    assert result["invalid"] == []
    assert result["valid"] is True
    assert "Schimmel?" in result["labels"]
    names = [f"schimmel-{place}.jpg" for place in (1, 2, 3)] + ["dak-0.jpg", "dak-1.jpg", "voor-1.jpg", "voor-2.jpg"]
    said(send(inspector.client, inspector, result["xml"], names), 201)
    reload(session)
    found = session.get_one(Inspection, inspection.id)
    assert found.status is InspectionStatus.SUBMITTED
    defect = {"severity": "critical", "intensity": "final", "extentPercent": 12.5}
    assert found.answers == {
        "mould": "large",
        "rooms": ["bath", "bed"],
        "humidity": 71.5,
        "why": "Geen ventilatie",
        "danger": "no",
        "roof": {"defects": [{"key": "d1", "defect": "leak", **defect}, {"key": "d2", **defect}]},
        "wall": {"defects": [], "notPresent": True},
    }
    assert found.visited_at is not None
    receipt = content(inspector.get(f"/inspections/{inspection.id}/receipt"))
    assert (receipt["complete"], receipt["stored"], receipt["missing"]) == (True, 7, [])


def test_a_visit_in_vain_needs_no_answers(session: Session, inspector: Caller, inspection: Inspection, enketo: Enketo) -> None:
    result = enketo.fill(step("/data/visit/inspection", str(inspection.id)), step("/data/visit/outcome", "nobody-home"), language="en")
    assert (result["valid"], result["invalid"]) == (True, [])
    assert "How did the visit end?" in result["labels"]
    assert "mould" not in result["xml"]
    said(send(inspector.client, inspector, result["xml"], []), 201)


def test_enketo_holds_up_what_the_checklist_refuses(inspection: Inspection, enketo: Enketo) -> None:
    begin = [step("/data/visit/inspection", str(inspection.id)), step("/data/visit/outcome", "done")]
    assert set(enketo.fill(*begin)["invalid"]) == {f"{SAFE}/mould/answer", f"{SAFE}/danger/answer"}
    found = enketo.fill(*begin, step(f"{SAFE}/mould/answer", "spots"), step(f"{SAFE}/humidity/answer", "101"), step(f"{SAFE}/danger/answer", "no"))
    assert set(found["invalid"]) == {
        f"{SAFE}/mould/photo-1",
        f"{SAFE}/humidity/answer",
        f"{PARTS}/roof/state",
        f"{PARTS}/front/photo-1",
        f"{PARTS}/front/photo-2",
    }
    assert enketo.fill(*whole_visit(inspection, extent="60"))["invalid"] == [f"{PARTS}/roof/too-much"]
