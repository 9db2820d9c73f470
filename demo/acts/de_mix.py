"""De Mix: one project that takes homes away, builds some elsewhere and others in their place, and how it is counted."""

from demo.acts.ministry import TOTAL, check_figures, count_by
from demo.bodies import body_outside_areas, dwelling_body, milestone_bodies, portfolio_body, succession_body, trajectory_body
from demo.client import Register, Sum, Voice
from demo.de_mix import BLOCKS, DEMOLISHED, OWNED_FROM, REBUILT, SUCCESSION_ID, Block
from demo.generator import Dwelling
from demo.screen import Screen
from demo.world import DE_MIX, INVENTED_CORPORATION, MINISTRY, UTRECHT, VALID_ON


def report_de_mix(register: Register, screen: Screen) -> None:
    """Raises WrongFigures."""
    utrecht, corporation = register.speaking_as("municipality-editor", UTRECHT), register.speaking_as("corporation-editor", INVENTED_CORPORATION.slug)
    for block in BLOCKS:
        where = "elsewhere in the city" if block.area is None else "in the area"
        screen.done(f"{block.tenure} homes {where}: {block.track} {block.days[-1][0]}", _report(utrecht, corporation, block))
    count = utrecht.post_once("/successions", succession_body())
    screen.done(f"succession by the municipality: {REBUILT.count} homes in the place of {DEMOLISHED.count}", count)
    _show_both_sides(utrecht, screen)
    _ask(register.speaking_as("ministry-analyst", MINISTRY.slug), screen)


def _report(utrecht: Voice, corporation: Voice, block: Block) -> Sum:
    body = body_outside_areas if block.area is None else dwelling_body
    count = utrecht.post_batch("/dwellings/batch", [body(home) for home in block.homes])
    utrecht.post_batch("/portfolio-periods", [portfolio_body(home, INVENTED_CORPORATION.slug, OWNED_FROM) for home in block.homes])
    corporation.post_batch("/trajectories/batch", [trajectory_body(each) for each in block.trajectories])
    corporation.post_batch("/milestones", [body for each in block.trajectories for body in milestone_bodies(each)])
    return count


def _show_both_sides(utrecht: Voice, screen: Screen) -> None:
    """What is reached from a home that was demolished, and from one that came in its place."""
    table = screen.table("asked of", "ended on", "succession", "before", "after", "trajectories of its line", numbers=3)
    for home in (DEMOLISHED.homes[0], REBUILT.homes[0]):
        (found,) = (each for each in utrecht.get(f"/dwellings/{home.id}/successions")["items"] if each["id"] == str(SUCCESSION_ID))
        ended = utrecht.get(f"/dwellings/{home.id}")["endedOn"] or "–"
        said = f"{found['kind']}, {found['occurredOn']}"
        table.add_row(_address(home), ended, said, str(len(found["predecessors"])), str(len(found["successors"])), str(_in_line(utrecht, home)))
    screen.show(table)


def _in_line(utrecht: Voice, home: Dwelling) -> int:
    return len(utrecht.get("/trajectories", dwellingId=str(home.id), lineage="true", limit="500")["items"])


def _address(home: Dwelling) -> str:
    return f"{home.street} {home.house_number}"


def _ask(analyst: Voice, screen: Screen) -> None:
    definitions = [block.definition for block in BLOCKS]
    by_tenure, by_area = (count_by(analyst, group, *definitions, project=DE_MIX) for group in ("tenure", "focusArea"))
    table = screen.table(f"De Mix on {VALID_ON}", *definitions, numbers=len(definitions))
    for name, counts in [*by_tenure.items(), *by_area.items()]:
        table.add_row(name, *(str(counts[each]) for each in definitions), style="bold" if name == TOTAL else None, end_section=name == TOTAL)
    screen.show(table)
    check_figures({f"{block.tenure} {block.definition}": (block.count, by_tenure[block.tenure][block.definition]) for block in BLOCKS})
    check_figures({f"{block.definition} in all": (block.count, by_tenure[TOTAL][block.definition]) for block in BLOCKS})
