"""A municipality helps households with energy-saving measures; a household counts once, however many it got."""

from demo.acts.ministry import check_figures
from demo.bodies import body_outside_areas, household_bodies, trajectory_body
from demo.client import Register
from demo.households import households
from demo.screen import Screen
from demo.world import HOUSEHOLDS, INSULATION, MINISTRY, NIEUWEGEIN, VALID_ON


def help_households(register: Register, screen: Screen) -> None:
    """Raises WrongFigures."""
    nieuwegein, helped = register.speaking_as("municipality-editor", NIEUWEGEIN), households()
    screen.done("dwellings in Nieuwegein", nieuwegein.post_batch("/dwellings/batch", [body_outside_areas(each.home) for each in helped]))
    nieuwegein.post_batch("/trajectories/batch", [trajectory_body(each.trajectory) for each in helped])
    measures = [body for each in helped for body in household_bodies(each)]
    screen.done("energy-saving measures in one batch by the municipality, one to three in each", nieuwegein.post_batch("/measures", measures))
    analyst = register.speaking_as("ministry-analyst", MINISTRY.slug)
    scope = {"project": HOUSEHOLDS, "scheme": INSULATION, "definitions": "household-helped"}
    count = analyst.get("/tallies", validOn=VALID_ON.isoformat(), **scope)["total"][0]["dwellings"]
    screen.check(f"households helped on {VALID_ON}: {count}, each counted once")
    check_figures({"households helped": (len(helped), count)})
