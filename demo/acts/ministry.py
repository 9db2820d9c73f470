"""The ministry asks how many, gets the answer with all that explains it, and the demo checks that it is what was promised."""

from collections.abc import Mapping

from demo.client import Body, Register, Voice
from demo.screen import Screen
from demo.tokens import variable
from demo.world import AREAS, MINISTRY, PROMISED_IMPROVED, PROMISED_STARTED, PROMISED_VRIEHEIDE, VALID_ON, VRIEHEIDE

Counts = dict[str, int]
AUDITOR = "ministry-auditor"
TOTAL = "all"


class WrongFigures(Exception):
    """The register counts something else than the demo promises."""


def ask(register: Register, screen: Screen) -> None:
    """Raises WrongFigures."""
    analyst = register.speaking_as("ministry-analyst", MINISTRY.slug)
    tally = analyst.get("/tallies", validOn=VALID_ON.isoformat(), groupBy="focusArea", definitions="improved,started")
    _show_tally(screen, tally)
    for definition in tally["definitions"]:
        screen.say(f"{definition['nameEn']} ({definition['key']}, edition {definition['edition']}): {definition['textEn']}")
    vrieheide = _counts(
        analyst.get("/tallies", validOn=VALID_ON.isoformat(), knownAt=tally["knownAt"], project=VRIEHEIDE, definitions="acquired,improved")["total"]
    )
    screen.say(f"Vrieheide: {vrieheide['acquired']} acquired, {vrieheide['improved']} improved.")
    _check(tally, vrieheide)
    screen.check(f"as promised: {PROMISED_IMPROVED:,} improved, {PROMISED_STARTED:,} started, {PROMISED_VRIEHEIDE} in Vrieheide, {len(AREAS)} focus areas")


def count_by(analyst: Voice, group_by: str, *definitions: str, **scope: str) -> dict[str, Counts]:
    """Dwellings on the valid date, by the name of the group and by definition; the total under ``TOTAL``."""
    tally = analyst.get("/tallies", validOn=VALID_ON.isoformat(), groupBy=group_by, definitions=",".join(definitions), **scope)
    return {row["name"] or "elsewhere": _counts(row["counts"]) for row in tally["rows"]} | {TOTAL: _counts(tally["total"])}


def check_figures(expected_and_found: Mapping[str, tuple[int, int]]) -> None:
    """Raises WrongFigures."""
    wrong = [f"{what}: {found:,} instead of {expected:,}" for what, (expected, found) in expected_and_found.items() if expected != found]
    if wrong:
        raise WrongFigures(
            f"the figures are not as promised, so the register holds more than this demo (to start anew, remove its data folder): {'; '.join(wrong)}"
        )


def _counts(counts: list[Body]) -> Counts:
    return {each["definition"]: each["dwellings"] for each in counts}


def _to_be_confirmed(counts: list[Body], definition: str) -> int:
    return next(int(each["toBeConfirmed"]) for each in counts if each["definition"] == definition)


def _show_tally(screen: Screen, tally: Body) -> None:
    table = screen.table("focus area", "improved", "yet to be confirmed", "started", numbers=3)
    for row in tally["rows"]:
        if any(_counts(row["counts"]).values()):
            table.add_row(row["name"], *_cells(row["counts"]))
    table.add_section()
    table.add_row("all, each dwelling once", *_cells(tally["total"]), style="bold")
    screen.show(table)
    screen.say(f"Dwellings as of {tally['validOn']} (valid date), as known at {tally['knownAt']}")


def _cells(counts: list[Body]) -> list[str]:
    dwellings = _counts(counts)
    return [f"{number:,}" for number in (dwellings["improved"], _to_be_confirmed(counts, "improved"), dwellings["started"])]


def _check(tally: Body, vrieheide: Counts) -> None:
    """Raises WrongFigures."""
    total = _counts(tally["total"])
    rows = {row["key"]: _counts(row["counts"]) for row in tally["rows"]}
    with_both = sum(all(rows.get(area.slug, {}).get(key, 0) for key in ("improved", "started")) for area in AREAS)
    expected_and_found = {
        "improved": (PROMISED_IMPROVED, total["improved"]),
        "started": (PROMISED_STARTED, total["started"]),
        "acquired in Vrieheide": (PROMISED_VRIEHEIDE, vrieheide["acquired"]),
        "improved in Vrieheide": (PROMISED_VRIEHEIDE, vrieheide["improved"]),
        "focus areas with dwellings improved and started": (len(AREAS), with_both),
    }
    check_figures(expected_and_found)


def where_to_look(register: Register, screen: Screen) -> None:
    url, valid_on = register.url, VALID_ON.isoformat()
    screen.say("The tokens of everybody, for this shell:")
    screen.to_paste(f". {register.tokens.file}")
    screen.say("The dwellings behind a figure, one by one, for an auditor who says why:")
    bearer = f'-H "Authorization: Bearer ${variable(AUDITOR, MINISTRY.slug)}"'
    screen.to_paste(f"curl -s {bearer} -H 'Reason: trying the demo' '{url}/v1/tallies/improved/dwellings?validOn={valid_on}&project={VRIEHEIDE}'")
    screen.say("The tally:")
    screen.to_paste(f"curl -s {bearer} '{url}/v1/tallies?validOn={valid_on}&groupBy=focusArea'")
    screen.say("The contract of the API:")
    screen.to_paste(f"{url}/v1/openapi.json")
