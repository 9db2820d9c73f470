"""The rest of the programme, all 20 focus areas: thousands of dwellings, trajectories, milestones and confirmations in batches."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from demo.bodies import confirmation_bodies, dwelling_body, milestone_bodies, portfolio_bodies, trajectory_body
from demo.client import Body, Register, Sum, Voice, at_once, batches
from demo.generator import Case, Fate, Trajectory, country
from demo.screen import Advance, Screen
from demo.world import BY_CODE, INVENTED_CORPORATION, VALID_ON

Pile = dict[str, list[list[Body]]]
"""Groups of items by the slug of the organisation that sends them."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One kind of thing, and who sends which of them. Everyone must be done with one kind before the next."""

    what: str
    path: str
    pile: Pile

    @property
    def items(self) -> int:
        return sum(len(group) for groups in self.pile.values() for group in groups)


def report_country(register: Register, screen: Screen) -> None:
    cases = country()
    deliveries = _deliveries(cases)
    done = []
    with screen.progress("sent in batches of at most 1,000", sum(delivery.items for delivery in deliveries)) as advance:
        for delivery in deliveries:
            done.append((delivery.what, _deliver(register, delivery, advance)))
    for what, count in done:
        screen.done(what, count)
    _say_what_must_not_count(screen, cases)


def _say_what_must_not_count(screen: Screen, cases: list[Case]) -> None:
    fates = Counter(case.fate for case in cases)
    twice = sum(len(case.trajectories) > 1 for case in cases)
    screen.say(
        f"Among them, not to be counted: {fates[Fate.PLANNED]} only planned, {fates[Fate.CANCELLED]} cancelled, {fates[Fate.STARTED_LATER]} begun after"
        f" {VALID_ON}; not yet improved: {fates[Fate.UNCONFIRMED]} completed but unconfirmed, {fates[Fate.FINISHED_LATER]} completed after it;"
        f" and {twice} with two trajectories, to be counted once."
    )


def _deliver(register: Register, delivery: Delivery, advance: Advance) -> Sum:
    def send(parcel: tuple[str, list[Body]]) -> Sum:
        sender, batch = parcel
        count = _voice(register, sender).post_batch(delivery.path, batch)
        advance(len(batch))
        return count

    return at_once(send, [(sender, batch) for sender, groups in delivery.pile.items() for batch in batches(groups)])


def _voice(register: Register, slug: str) -> Voice:
    return register.speaking_as("corporation-editor" if slug == INVENTED_CORPORATION.slug else "municipality-editor", slug)


def _deliveries(cases: list[Case]) -> list[Delivery]:
    municipality = {case.dwelling.id: BY_CODE[case.dwelling.area.municipality].slug for case in cases}
    trajectories = [trajectory for case in cases for trajectory in case.trajectories]

    def pile(sender: Callable[[Trajectory], str], bodies: Callable[[Trajectory], list[Body]]) -> Pile:
        return _pile((sender(trajectory), bodies(trajectory)) for trajectory in trajectories)

    return [
        Delivery("dwellings", "/dwellings/batch", _pile((municipality[case.dwelling.id], [dwelling_body(case.dwelling)]) for case in cases)),
        Delivery("portfolio periods", "/portfolio-periods", _pile((municipality[case.dwelling.id], portfolio_bodies(case)) for case in cases)),
        Delivery("trajectories", "/trajectories/batch", pile(lambda each: each.executor, lambda each: [trajectory_body(each)])),
        Delivery("milestones", "/milestones", pile(lambda each: each.executor, milestone_bodies)),
        Delivery("confirmations by municipalities", "/confirmations", pile(lambda each: municipality[each.dwelling_id], confirmation_bodies)),
    ]


def _pile(groups: Iterable[tuple[str, list[Body]]]) -> Pile:
    made: Pile = defaultdict(list)
    for sender, group in groups:
        made[sender].append(group)
    return made
