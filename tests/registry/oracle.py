"""Who sees what, in plain Python: written from the rules of docs/adr/0014 and never from the code or the policies that it judges."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from registry.access import Role
from registry.organisations.model import OrganisationKind

Offset = int | None
"""Days from today; None is never."""
READS_PROGRESS = {Role.REVIEWER, Role.CORPORATION_EDITOR, Role.MUNICIPALITY_EDITOR, Role.MINISTRY_AUDITOR}
READS_DWELLINGS = READS_PROGRESS | {Role.INSPECTOR}
READS_PERIODS = {Role.CORPORATION_EDITOR, Role.MUNICIPALITY_EDITOR, Role.MINISTRY_AUDITOR}
READS_MEMBERS = {Role.REVIEWER, Role.MUNICIPALITY_EDITOR, Role.ADMINISTRATOR}
KINDS = ("dwellings", "trajectories", "inspections", "portfolio-periods", "members")


@dataclass(frozen=True)
class Thing:
    id: UUID = field(default_factory=uuid4, kw_only=True)


@dataclass(frozen=True)
class Body(Thing):
    """An organisation; ``municipality`` is the number of its municipality when it is one."""

    kind: OrganisationKind
    municipality: int | None = None


@dataclass(frozen=True)
class Work(Thing):
    """A membership."""

    person: UUID
    body: Body
    role: Role
    begins: int
    ends: Offset

    @property
    def today(self) -> bool:
        return self.begins <= 0 and (self.ends is None or self.ends > 0)


@dataclass(frozen=True)
class Home(Thing):
    municipality: int
    registrar: Body | None


@dataclass(frozen=True)
class Holding(Thing):
    """A portfolio period."""

    home: Home
    body: Body
    begins: int
    ends: Offset
    relation: str = "owner"

    @property
    def today(self) -> bool:
        return self.begins <= 0 and (self.ends is None or self.ends > 0)

    @property
    def says_something(self) -> bool:
        return self.ends is None or self.ends > self.begins


@dataclass(frozen=True)
class Turn(Thing):
    """A succession."""

    before: tuple[Home, ...]
    after: tuple[Home, ...]
    retracted: bool = False


@dataclass(frozen=True)
class Crew(Thing):
    """A team."""

    body: Body
    people: frozenset[UUID]


@dataclass(frozen=True)
class Visit(Thing):
    """An inspection."""

    home: Home
    body: Body
    inspector: UUID | None
    crew: Crew | None = None


@dataclass(frozen=True)
class Effort(Thing):
    """A trajectory."""

    home: Home
    executor: Body


@dataclass(frozen=True)
class Case:
    """One small register."""

    work: tuple[Work, ...]
    homes: tuple[Home, ...]
    holdings: tuple[Holding, ...]
    visits: tuple[Visit, ...]
    efforts: tuple[Effort, ...]
    crews: tuple[Crew, ...] = ()
    turns: tuple[Turn, ...] = ()

    def everything(self) -> dict[str, set[UUID]]:
        found = (self.homes, self.efforts, self.visits, self.holdings, self.work)
        return {kind: {thing.id for thing in things} for kind, things in zip(KINDS, found, strict=True)}


def shown(case: Case, who: Work) -> dict[str, set[UUID] | None]:
    """What the API shows to somebody who acts in this membership; None is a refusal of the whole list."""
    if not who.today:
        return dict.fromkeys(KINDS)
    homes = {home.id for home in case.homes if sees(case, who, home)}
    lists = {
        "dwellings": (READS_DWELLINGS, homes),
        "trajectories": (READS_PROGRESS, {effort.id for effort in case.efforts if effort.home.id in homes}),
        "inspections": (READS_DWELLINGS, {visit.id for visit in case.visits if sees_visit(who, visit, homes)}),
        "portfolio-periods": (READS_PERIODS, {each.id for each in case.holdings if sees_holding(who, each, homes)}),
        "members": (READS_MEMBERS, {each.id for each in case.work if manages_all(who) or each.body == who.body}),
    }
    return {kind: found if who.role in readers else None for kind, (readers, found) in lists.items()}


def sees(case: Case, who: Work, home: Home) -> bool:
    if who.role is Role.MINISTRY_AUDITOR:
        return True
    if who.role is Role.INSPECTOR:
        return any(visit.home == home and is_hers(who, visit) for visit in case.visits)
    if who.role is Role.REVIEWER:
        return sees_as_organisation(case, who.body, home) or any(visit.home == home and visit.body == who.body for visit in case.visits)
    return who.role in (Role.MUNICIPALITY_EDITOR, Role.CORPORATION_EDITOR) and sees_as_organisation(case, who.body, home)


def sees_as_organisation(case: Case, body: Body, home: Home) -> bool:
    if body.kind is OrganisationKind.MUNICIPALITY:
        return home.municipality == body.municipality
    if body.kind is not OrganisationKind.CORPORATION:
        return False
    periods = [each for each in case.holdings if each.home == home and each.says_something]
    came_after = descendants(case.turns, home)
    in_portfolio = any(each.body == body and each.today and each.home in (home, *came_after) for each in case.holdings)
    return in_portfolio or (home.registrar == body and not periods)


def descendants(turns: tuple[Turn, ...], home: Home) -> set[Home]:
    """All that came after it, by any number of successions that are not retracted."""
    found: set[Home] = set()
    todo = [home]
    while todo:
        one = todo.pop()
        new = {later for turn in turns if one in turn.before and not turn.retracted for later in turn.after} - found
        found |= new
        todo += new
    return found


def sees_visit(who: Work, visit: Visit, homes: set[UUID]) -> bool:
    if who.role is Role.INSPECTOR:
        return is_hers(who, visit)
    return visit.body == who.body if who.role is Role.REVIEWER else visit.home.id in homes


def is_hers(who: Work, visit: Visit) -> bool:
    """Assigned to her, or to nobody yet and hers to take."""
    to_take = visit.inspector is None and visit.crew is not None and visit.crew.body == who.body and who.person in visit.crew.people
    return visit.body == who.body and (visit.inspector == who.person or to_take)


def sees_holding(who: Work, holding: Holding, homes: set[UUID]) -> bool:
    return holding.body == who.body if who.role is Role.CORPORATION_EDITOR else holding.home.id in homes


def manages_all(who: Work) -> bool:
    return who.role is Role.ADMINISTRATOR and who.body.kind is OrganisationKind.MINISTRY


def unfiltered(case: Case, who: Work) -> dict[str, set[UUID]]:
    """What a query without a filter may give: as `shown`, and where a role has no list in the API, what its own queries need to find."""
    homes = {home.id for home in case.homes if sees(case, who, home)}
    progress = who.role in READS_PROGRESS
    return {
        "dwellings": homes,
        "trajectories": {effort.id for effort in case.efforts if progress and effort.home.id in homes},
        "inspections": {visit.id for visit in case.visits if sees_visit(who, visit, homes)} if who.role is not Role.ADMINISTRATOR else set(),
        "portfolio-periods": {each.id for each in case.holdings if sees_holding(who, each, homes)},
        "members": {each.id for each in case.work if manages_all(who) or each.body == who.body or each.person == who.person},
    }
