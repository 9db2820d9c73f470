"""The story in its order. Told again, it changes nothing and says what is there already."""

from pathlib import Path

from demo.acts.country import report_country
from demo.acts.de_mix import report_de_mix
from demo.acts.households import help_households
from demo.acts.imports import import_spreadsheets, register_second_phase, transfer
from demo.acts.inspector import answer_remarks, begin_day, carry_out, show_advice, show_day_receipt
from demo.acts.ministry import ask, where_to_look
from demo.acts.planner import plan, plan_completion, plan_next
from demo.acts.reviewer import approve, approve_completion, fetch_report, give_back
from demo.acts.stage import set_stage
from demo.acts.vera import take_out
from demo.acts.works import confirm_works, hand_over_homes, register_homes, report_works
from demo.client import Register
from demo.phone import Phone
from demo.screen import Screen
from demo.visits import Visit, completion_visit, visits
from demo.vrieheide import Home, homes
from demo.world import VALID_ON


def tell(register: Register, screen: Screen, folder: Path) -> None:
    """Reports, spreadsheets and exports come in ``folder``. Raises Refused, WrongFigures."""
    vrieheide = homes()
    screen.title(1, "The stage: areas, municipalities, organisations, schemes, projects")
    set_stage(register, screen)
    screen.title(2, "Vrieheide: 51 dwellings in a very bad state")
    register_homes(register, screen, vrieheide)
    hand_over_homes(register, screen, vrieheide)
    phone = _baseline(register, screen, visits(vrieheide))
    screen.title(6, "The corporations report: acquisition, renovation, sustainability upgrade")
    report_works(register, screen, vrieheide)
    _completion(register, screen, phone, vrieheide[0], folder / "reports")
    screen.title(8, "The municipality confirms; a mistake is corrected and stays visible")
    confirm_works(register, screen, vrieheide)
    screen.title(9, "The rest of the programme: 20 focus areas in 19 municipalities")
    report_country(register, screen)
    _corporations_and_municipalities(register, screen, folder)
    screen.title(14, f"The ministry asks: how many on {VALID_ON}?")
    try:
        ask(register, screen)
    finally:
        screen.title(15, "Where to look")
        where_to_look(register, screen)
    screen.say(f"{register.requests:,} requests were made.")


def _corporations_and_municipalities(register: Register, screen: Screen, folder: Path) -> None:
    screen.title(10, "A spreadsheet with mistakes: dry run, faults, mended, applied, undone")
    register_second_phase(register, screen)
    import_spreadsheets(register, screen, folder / "imports")
    screen.title(11, "Dwellings change hands, and a portfolio goes out in VERA")
    transfer(register, screen)
    take_out(register, screen, folder)
    screen.title(12, "De Mix, Utrecht Overvecht: demolished, rebuilt elsewhere, under construction")
    report_de_mix(register, screen)
    screen.title(13, "Households helped with energy-saving measures")
    help_households(register, screen)


def _baseline(register: Register, screen: Screen, all_visits: list[Visit]) -> Phone | None:
    """None when an earlier demo carried these out in another way."""
    screen.title(3, "Four visits are planned, and there is a hazard at one of the addresses")
    known = plan(register, screen, all_visits, dangerous=all_visits[2])
    if len(known) < len(all_visits):
        return None
    screen.title(4, "The inspector: her work, her day, a bad line, receipts")
    phone = begin_day(register, screen, known)
    carry_out(phone, screen, known, bad_line=True)
    show_day_receipt(phone, screen)
    *_, in_vain = known
    show_advice(phone, screen, in_vain)
    plan_next(register, screen, in_vain)
    screen.title(5, "The reviewer: one is given back, answered and submitted again; all are approved")
    returned = next(visit for visit in known if visit.remarked)
    give_back(register, screen, returned)
    answer_remarks(phone, screen, returned)
    approve(register, screen, known)
    return phone


def _completion(register: Register, screen: Screen, phone: Phone | None, home: Home, reports: Path) -> None:
    if phone is None:
        return
    visit = completion_visit(home)
    screen.title(7, "The renovation is inspected: before and after, evidence, a report")
    plan_completion(register, screen, visit)
    phone.catch_up()
    carry_out(phone, screen, [visit])
    approve_completion(register, screen, visit)
    fetch_report(register, screen, visit, reports)
