"""The story in its order. Told again, it changes nothing and says what is there already."""

from demo.acts.country import report_country
from demo.acts.inspector import inspect
from demo.acts.ministry import ask, where_to_look
from demo.acts.stage import set_stage
from demo.acts.works import confirm_works, hand_over_homes, register_homes, report_works
from demo.client import Register
from demo.screen import Screen
from demo.visits import visits
from demo.vrieheide import homes
from demo.world import VALID_ON


def tell(register: Register, screen: Screen) -> None:
    """Raises Refused, WrongFigures."""
    vrieheide = homes()
    screen.title(1, "The stage: areas, municipalities, organisations, schemes, projects")
    set_stage(register, screen)
    screen.title(2, "Vrieheide: 51 dwellings in a very bad state")
    register_homes(register, screen, vrieheide)
    hand_over_homes(register, screen, vrieheide)
    screen.title(3, "The inspector: checklist, photos, receipt")
    inspect(register, screen, visits(vrieheide))
    screen.title(4, "The corporations report: acquisition, renovation, sustainability upgrade")
    report_works(register, screen, vrieheide)
    screen.title(5, "The municipality confirms; a mistake is corrected and stays visible")
    confirm_works(register, screen, vrieheide)
    screen.title(6, "The rest of the programme: 20 focus areas in 19 municipalities")
    report_country(register, screen)
    screen.title(7, f"The ministry asks: how many on {VALID_ON}?")
    try:
        ask(register, screen)
    finally:
        screen.title(8, "Where to look")
        where_to_look(register, screen)
    screen.say(f"{register.requests:,} requests were made.")
