"""Weller reports the second phase of Vrieheide in a spreadsheet with mistakes, mends it, and takes another one back; the municipality transfers dwellings."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.acts.ministry import check_figures
from demo.bodies import dwelling_body, milestone_bodies, portfolio_body, trajectory_body
from demo.client import Body, Refused, Register, Sum, Voice
from demo.screen import Screen
from demo.second_phase import TRANSFERRED, TRANSFERRED_ON, bought_on, homes, mended, mistaken_rows, reported_before, rows, rows_meant
from demo.workbooks import SHEET, XLSX, by_column, read, workbook
from demo.world import HEERLEN, MINISTRY, SECOND_PHASE, VALID_ON, WELLER, WONEN_LIMBURG

UNDER_WAY = ("received", "reading", "comparing", "applying", "undoing")
LOOK_EVERY_S = 0.2
MOST_LOOKS = 600
REASON = "Verkeerd bestand: de werkzaamheden zijn nog niet begonnen."
FIGURES = {"created": "nieuw", "changed": "gewijzigd", "unchanged": "ongewijzigd", "refused": "geweigerd"}
"""In Dutch, as the screen shows them."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody of Weller sends spreadsheets from. ``headers`` are those of the template, ``folder`` is where the files stay."""

    voice: Voice
    screen: Screen
    folder: Path
    headers: Mapping[str, str]

    def send(self, name: str, file: bytes) -> Body:
        """The import when its dry run, or what was done with it in an earlier demo, is over."""
        (self.folder / name).write_bytes(file)
        sent = self.voice.send_file("/imports", file, XLSX, kind="milestones", fileName=name, sheet=SHEET)
        return _when_done(self.voice, sent["id"])

    def apply(self, run: Body, mode: str) -> Body:
        """Raises Refused when it was not applied."""
        if run["status"] == "tried":
            self.voice.post(f"/imports/{run['id']}/application", {"mode": mode})
            run = _when_done(self.voice, run["id"])
        if run["status"] not in ("applied", "undone"):
            raise Refused("not-applied", f"{run['fileName']}: {run['status']} {'; '.join(each['detail'] for each in run['problems'])}".strip())
        return run

    def undo(self, run: Body) -> Body:
        if run["status"] == "applied":
            self.voice.post(f"/imports/{run['id']}/undo", {"reason": REASON})
            run = _when_done(self.voice, run["id"])
        return run


def register_second_phase(register: Register, screen: Screen) -> None:
    heerlen, weller = register.speaking_as("municipality-editor", HEERLEN), _weller(register)
    screen.done("dwellings of the second phase of Vrieheide, registered by the municipality", heerlen.post_batch("/dwellings/batch", _dwellings()))
    screen.done("of them put in the portfolio of Weller Wonen", _hand_over(heerlen))
    before = reported_before()
    weller.post_batch("/trajectories/batch", [trajectory_body(each) for each in before])
    count = weller.post_batch("/milestones", [body for each in before for body in milestone_bodies(each)])
    screen.done("acquisitions reported by Weller's own system, some on a wrong day", count)


def import_spreadsheets(register: Register, screen: Screen, folder: Path) -> None:
    """Raises Refused, WrongFigures."""
    folder.mkdir(exist_ok=True)
    weller = _weller(register).in_dutch()
    columns = weller.get("/import-templates/milestones/columns")["columns"]
    desk = Desk(weller, screen, folder, {column["name"]: column["headers"][0] for column in columns})
    _send_and_mend(desk)
    _send_again(desk)
    _take_back(desk, register.speaking_as("ministry-analyst", MINISTRY.slug))


def _send_and_mend(desk: Desk) -> None:
    first = desk.send("fase-2.xlsx", workbook(desk.headers, rows()))
    _show(desk.screen, "fase-2.xlsx, proef", first)
    if first["forgottenAt"]:
        desk.screen.say("The rows of that file are not kept any more: it was sent more than ninety days ago.")
        return
    _show_faults(desk, first)
    count = _taken(first)
    desk.apply(first, "per-row")
    desk.screen.done("rows applied, each by itself; those that are refused wait to be mended", count)
    file, _ = desk.voice.fetch(f"/imports/{first['id']}/refused-rows", XLSX, format="xlsx")
    (desk.folder / "te-herstellen.xlsx").write_bytes(file)
    desk.screen.check(f"refused rows, with a last column that says what is wrong: {desk.folder / 'te-herstellen.xlsx'}")
    second = desk.apply(desk.send("hersteld.xlsx", _mend(desk.headers, file)), "all-or-nothing")
    _show(desk.screen, "hersteld.xlsx, toegepast", second)


def _mend(headers: Mapping[str, str], file: bytes) -> bytes:
    """As a person does in her spreadsheet: the last column stays, and the register does not mind."""
    header, cells = read(file)
    known = {called: name for name, called in headers.items()}
    return workbook({known.get(called, called): called for called in header}, mended(by_column(headers, header, cells)))


def _send_again(desk: Desk) -> None:
    run = desk.send("fase-2-heel.xlsx", workbook(desk.headers, rows_meant()))
    _show(desk.screen, "fase-2-heel.xlsx, alle rijen nog eens", run)
    check_figures({"rows that change nothing": (len(rows_meant()), run["summary"]["unchanged"])})


def _take_back(desk: Desk, analyst: Voice) -> None:
    """The figure as known when it was applied, and as known after it was undone."""
    run = desk.apply(desk.send("verkeerd.xlsx", workbook(desk.headers, mistaken_rows())), "all-or-nothing")
    undone = desk.undo(run)
    scope = {"validOn": VALID_ON.isoformat(), "project": SECOND_PHASE, "definitions": "started"}
    then, now = (analyst.get("/tallies", **scope, **known)["total"][0]["dwellings"] for known in ({"knownAt": undone["appliedAt"]}, {}))
    _show(desk.screen, "verkeerd.xlsx, toegepast", run)
    desk.screen.check(f"undone as a whole, “{undone['undoReason']}”: started in that project {then} as known when it was applied, {now} as known now")
    check_figures({"dwellings started in the second phase": (0, now)})


def transfer(register: Register, screen: Screen) -> None:
    """The last dwellings go to Wonen Limburg; both periods stay."""
    heerlen = register.speaking_as("municipality-editor", HEERLEN)
    moved = [{"dwellingId": str(home.id)} for home in homes()[-TRANSFERRED:]]
    who = {"fromOrganisationId": str(WELLER.id), "toOrganisationId": str(WONEN_LIMBURG.id), "transferredOn": TRANSFERRED_ON.isoformat()}
    screen.done(f"dwellings transferred from Weller to Wonen Limburg on {TRANSFERRED_ON}", heerlen.post_batch("/portfolio-transfers", moved, **who))
    names = {str(each.id): each.name for each in (WELLER, WONEN_LIMBURG)}
    table = screen.table(f"portfolios of {homes()[-1].street} {homes()[-1].house_number}", "as", "from", "until")
    for period in heerlen.get("/portfolio-periods", dwellingId=moved[-1]["dwellingId"])["items"]:
        table.add_row(names[period["organisationId"]], period["relation"], period["validFrom"], period["validUntil"] or "–")
    screen.show(table)


def _dwellings() -> list[Body]:
    return [dwelling_body(home) for home in homes()]


def _hand_over(heerlen: Voice) -> Sum:
    """A period that ended since is not the same any more, so what is there is not sent again."""
    there = {period["id"] for period in heerlen.get("/portfolio-periods", organisationId=str(WELLER.id), limit="500")["items"]}
    periods = [portfolio_body(home, WELLER.slug, bought_on(place)) for place, home in enumerate(homes())]
    new = [period for period in periods if period["id"] not in there]
    return heerlen.post_batch("/portfolio-periods", new) + Sum(unchanged=len(periods) - len(new))


def _weller(register: Register) -> Voice:
    return register.speaking_as("corporation-editor", WELLER.slug)


def _when_done(voice: Voice, import_id: str) -> Body:
    """Raises Refused when it can't be read, or takes too long."""
    for _ in range(MOST_LOOKS):
        run = voice.get(f"/imports/{import_id}")
        if run["status"] == "failed":
            raise Refused("not-read", f"{run['fileName']}: {'; '.join(each['detail'] for each in run['problems'])}")
        if run["status"] not in UNDER_WAY:
            return run
        time.sleep(LOOK_EVERY_S)
    raise Refused("not-done", f"import {import_id} is still {run['status']}")


def _taken(run: Body) -> Sum:
    """The rows that are not refused; there already when it was applied before."""
    rows_taken = run["summary"]["rowsRead"] - run["summary"]["refused"]
    return Sum(created=rows_taken) if run["status"] == "tried" else Sum(unchanged=rows_taken)


def _show(screen: Screen, what: str, run: Body) -> None:
    table = screen.table(what, "gelezen", *FIGURES.values(), numbers=1 + len(FIGURES))
    table.add_row("rijen", *(str(run["summary"][name]) for name in ("rowsRead", *FIGURES)))
    screen.show(table)


def _show_faults(desk: Desk, run: Body) -> None:
    table = desk.screen.table("cel", "kolom", "er stond", "wat eraan mankeert")
    for fault in desk.voice.get(f"/imports/{run['id']}/faults")["items"]:
        table.add_row(fault["cell"], fault["column"] or "–", fault["found"] or "–", fault["texts"]["nl"])
    desk.screen.show(table)
