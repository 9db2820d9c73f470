"""Vrieheide: 51 dwellings in a very bad state are registered, bought, renovated, made sustainable, and confirmed."""

from collections.abc import Sequence

from demo.bodies import confirmation_bodies, dwelling_body, measure_body, milestone_bodies, portfolio_body, trajectory_body
from demo.client import Body, Register, Sum, Voice, at_once
from demo.screen import Screen
from demo.vrieheide import Correction, Home, correction
from demo.world import HEERLEN, MINISTRY, PROMISED_VRIEHEIDE, VALID_ON, VRIEHEIDE, WELLER, WONEN_LIMBURG


def register_homes(register: Register, screen: Screen, homes: Sequence[Home]) -> None:
    """Each by the corporation that will buy it, with the label it has before the works."""
    counts = Sum()
    for slug in (WELLER.slug, WONEN_LIMBURG.slug):
        voice = register.speaking_as("corporation-editor", slug)
        own = [home for home in homes if home.executor == slug]
        counts += voice.post_batch("/dwellings/batch", [dwelling_body(home.dwelling) for home in own])
        voice.post_batch("/trajectories/batch", [trajectory_body(home.trajectory) for home in own])
    screen.done("dwellings in Vrieheide, Heerlen Noord, built in 1962", counts)
    screen.done("energy labels E, F and G, surveyed in 2023", at_once(lambda home: _label(register, home, "labelBefore"), homes))


def hand_over_homes(register: Register, screen: Screen, homes: Sequence[Home]) -> None:
    """From the day it was bought each is in the portfolio of its corporation, which decides what that sees."""
    items = [portfolio_body(home.dwelling, home.executor, home.bought_on) for home in homes]
    count = register.speaking_as("municipality-editor", HEERLEN).post_batch("/portfolio-periods", items)
    screen.done("dwellings put in the portfolios of Weller and Wonen Limburg by the municipality", count)


def report_works(register: Register, screen: Screen, homes: Sequence[Home]) -> None:
    for organisation in (WELLER, WONEN_LIMBURG):
        own = [home for home in homes if home.executor == organisation.slug]
        items = [body for home in own for body in milestone_bodies(home.trajectory)]
        count = _voice(register, own[0]).post_batch("/milestones", items)
        screen.done(f"milestones of {len(own)} dwellings by {organisation.name}: acquired, renovation, sustainability upgrade", count)
    screen.done("dwellings with measures applied, their cost and quantity", at_once(lambda home: _measures(register, home), homes))
    screen.done("energy labels B, surveyed after the works", at_once(lambda home: _label(register, home, "labelAfter"), homes))
    _show_jump(register, screen, homes[0])


def _voice(register: Register, home: Home) -> Voice:
    return register.speaking_as("corporation-editor", home.executor)


def _detail(register: Register, home: Home) -> Body:
    return _voice(register, home).get(f"/trajectories/{home.trajectory.id}")


def _label(register: Register, home: Home, moment: str) -> Sum:
    """Labels and measures have no id of ours: what the register has already is not sent again."""
    if _detail(register, home)[moment]:
        return Sum(unchanged=1)
    label, surveyed_on = (home.label_before, home.surveyed_before) if moment == "labelBefore" else ("B", home.surveyed_after)
    body = {"label": label, "surveyedOn": surveyed_on.isoformat()}
    return _voice(register, home).post_once(f"/dwellings/{home.dwelling.id}/energy-labels", body)


def _measures(register: Register, home: Home) -> Sum:
    if _detail(register, home)["measures"]:
        return Sum(unchanged=1)
    body = {"items": [measure_body(each) for each in home.measures]}
    return _voice(register, home).post_once(f"/trajectories/{home.trajectory.id}/measures", body)


def _show_jump(register: Register, screen: Screen, home: Home) -> None:
    detail = _detail(register, home)
    money = " + ".join(f"€ {float(line['amountEur']):,.0f} {line['scheme']}" for line in detail["fundingLines"])
    table = screen.table(f"{home.dwelling.street} {home.dwelling.house_number}", "")
    table.add_row("label before", detail["labelBefore"])
    table.add_row("label after", detail["labelAfter"])
    table.add_row("label jump", f"{detail['labelJump']} classes")
    table.add_row("paid by", money)
    for measure in detail["measures"]:
        table.add_row("measure", f"{measure['appliedOn']}  {measure['kind']}, {measure['quantity']} {measure['unit']}, € {float(measure['costEur']):,.0f}")
    for milestone in detail["milestones"]:
        table.add_row("milestone", f"{milestone['effectiveOn']}  {milestone['track']} {milestone['kind']}")
    screen.show(table)


def confirm_works(register: Register, screen: Screen, homes: Sequence[Home]) -> None:
    """The municipality confirms all but one; that one turns out to have the wrong year, and is corrected first."""
    heerlen = register.speaking_as("municipality-editor", HEERLEN)
    items = [body for home in homes for body in confirmation_bodies(home.trajectory)]
    screen.done("confirmations by the municipality of Heerlen", heerlen.post_batch("/confirmations", items))
    wrong = correction()
    corporation = register.speaking_as("corporation-editor", WONEN_LIMBURG.slug)
    corrected, count = _correct(corporation, wrong)
    screen.done("correction by Wonen Limburg of a completion reported a year late", count)
    screen.done("confirmation of the corrected completion", heerlen.post_batch("/confirmations", [{"milestoneId": corrected["id"]}]))
    _show_journal(corporation, screen, wrong)
    _show_then_and_now(register, screen, corrected["recordedAt"])


def _correct(corporation: Voice, wrong: Correction) -> tuple[Body, Sum]:
    corrected = next((row for row in _journal(corporation, wrong) if row["correctsId"] == str(wrong.milestone_id)), None)
    if corrected is not None:
        return corrected, Sum(unchanged=1)
    body = {"effectiveOn": wrong.effective_on.isoformat(), "note": wrong.note}
    return corporation.post(f"/milestones/{wrong.milestone_id}/correction", body), Sum(created=1)


def _journal(corporation: Voice, wrong: Correction) -> list[Body]:
    rows: list[Body] = corporation.get(f"/trajectories/{wrong.trajectory_id}/milestones")["items"]
    return rows


def _show_journal(corporation: Voice, screen: Screen, wrong: Correction) -> None:
    table = screen.table("journal of that dwelling", "was so on", "action", "recorded at", "note")
    for row in _journal(corporation, wrong):
        table.add_row(f"{row['track']} {row['kind']}", row["effectiveOn"], row["action"], row["recordedAt"][:23], row["note"] or "")
    screen.show(table)


def _show_then_and_now(register: Register, screen: Screen, corrected_at: str) -> None:
    """The same question about the same day, as known at the moment of the correction and as known now."""
    analyst = register.speaking_as("ministry-analyst", MINISTRY.slug)
    query = {"validOn": VALID_ON.isoformat(), "project": VRIEHEIDE, "definitions": "improved"}
    then = analyst.get("/tallies", **query, knownAt=corrected_at)["total"][0]["dwellings"]
    now = analyst.get("/tallies", **query)["total"][0]["dwellings"]
    screen.say(f"Improved in Vrieheide on {VALID_ON}: {then} as known when it was corrected, {now} of {PROMISED_VRIEHEIDE} as known now.")
