"""Cases from the programme, through the API, with their figures.

**Vrieheide** (Heerlen): 51 homes of 1962, bought by two corporations (26 and 25), from label E, F or G to B, with money of two schemes. **De Mix** (Utrecht
Overvecht): 80 social-rent homes demolished, 135 rebuilt elsewhere in the city, 179 mid-rent homes under construction in the area. **In preparation**: 15,000
of 33,000 homes with a contribution of the Woningbouwimpuls, the Startbouwimpuls or both. **Households helped**: 35,000 homes with energy-saving measures.

The first two are made by requests alone. Of the last two, which are large, a part is made by requests and the rest by statements in the database, which
write the same rows; every figure is asked of the API.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from registry.organisations.model import OrganisationKind
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused

pytestmark = pytest.mark.slow

BATCH = 1000


@dataclass
class Town:
    """Who works in one municipality, and the ministry."""

    code: str
    municipality: Caller
    corporation: Caller
    ministry: Caller
    analyst: Caller

    def scheme(self, slug: str, *demands: dict[str, str]) -> None:
        content(self.ministry.put(f"/schemes/{slug}", {"name": slug, "demands": demands}), 201)

    def area(self, slug: str) -> None:
        content(self.ministry.put(f"/focus-areas/{slug}", {"name": slug, "municipalityCode": self.code}), 201)

    def project(self, slug: str) -> None:
        content(self.municipality.put(f"/projects/{slug}", {"name": slug, "municipalityCode": self.code}), 201)

    def tally(self, definitions: str, **query: str | Sequence[str]) -> Any:
        pairs = [(name, each) for name, value in query.items() for each in ([value] if isinstance(value, str) else value)]
        return content(self.analyst.get("/tallies?" + "&".join(f"{name}={value}" for name, value in [("definitions", definitions), *pairs])))

    def count(self, definition: str, **query: str | Sequence[str]) -> int:
        return int(self.tally(definition, **query)["total"][0]["dwellings"])

    def rows(self, definition: str, **query: str | Sequence[str]) -> dict[str | None, int]:
        """By group, those that are not empty."""
        found = {row["key"]: row["counts"][0]["dwellings"] for row in self.tally(definition, **query)["rows"]}
        return {key: count for key, count in found.items() if count}


def a_town(session: Session, api: FlaskClient, code: str, name: str) -> Town:
    makers.a_municipality(session, code, name)
    municipality = makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code=code)
    callers = [a_caller(api, role) for role in ("corporation-editor", "administrator", "ministry-analyst")]
    return Town(code, a_caller(api, "municipality-editor", municipality), *callers)


def sent(caller: Caller, path: str, items: Iterable[dict[str, Any]]) -> list[str]:
    """The ids of all items, in batches; none may be refused."""
    items = list(items)
    ids = []
    for start in range(0, len(items), BATCH):
        answer = content(caller.post(path, {"items": items[start : start + BATCH]}))
        assert answer["summary"]["refused"] == 0, next(result for result in answer["results"] if result["errors"])
        ids += [result["id"] for result in answer["results"]]
    return ids


def dwellings(caller: Caller, count: int, **particulars: Any) -> list[str]:
    return sent(caller, "/dwellings/batch", ({"id": str(uuid4()), **particulars} for _ in range(count)))


def trajectories(caller: Caller, dwelling_ids: Iterable[str], *schemes: str, **more: str) -> list[str]:
    lines = [{"scheme": scheme} for scheme in schemes]
    return sent(caller, "/trajectories/batch", ({"id": str(uuid4()), "dwellingId": id, "fundingLines": lines, **more} for id in dwelling_ids))


def milestones(caller: Caller, trajectory_ids: Iterable[str], track: str, **days: str) -> list[str]:
    """Of each trajectory these kinds, each on its day."""
    said = [{"track": track, "kind": kind, "effectiveOn": day} for kind, day in days.items()]
    return sent(caller, "/milestones", ({"id": str(uuid4()), "trajectoryId": id, **each} for id in trajectory_ids for each in said))


class TestVrieheide:
    """51 homes, two corporations, two schemes: each counts once, and label by label it is told how far it came."""

    HOMES: ClassVar = {"Weller": 26, "Wonen Limburg": 25}
    BEFORE = ("E", "F", "G")
    JUMPS: ClassVar = {"E": 3, "F": 4, "G": 5}

    @pytest.fixture
    def town(self, session: Session, api: FlaskClient) -> Town:
        town = a_town(session, api, "GM0917", "Heerlen")
        town.area("heerlen-noord")
        town.project("vrieheide")
        shown = {"track": "renovation", "kind": "completed"}
        town.scheme("volkshuisvestingsfonds-2021", {**shown, "evidence": "registered-label"})
        town.scheme("regio-deal-parkstad")
        return town

    @pytest.fixture
    def corporations(self, town: Town, api: FlaskClient) -> dict[str, Caller]:
        return {name: a_caller(api, "corporation-editor") for name in self.HOMES}

    def renovated(self, town: Town, corporations: dict[str, Caller]) -> tuple[dict[str, list[str]], list[str]]:
        """The trajectories of each corporation, and the milestones that say that they are completed."""
        homes = {"municipalityCode": town.code, "focusArea": "heerlen-noord", "yearBuilt": 1962, "dwellingType": "single-family", "tenure": "social-rent"}
        ids = dwellings(town.municipality, 51, **homes)
        found: dict[str, list[str]] = {}
        completed: list[str] = []
        for name, caller in corporations.items():
            assert caller.organisation
            own, ids = ids[: self.HOMES[name]], ids[self.HOMES[name] :]
            held = {"organisationId": str(caller.organisation.id), "validFrom": "2021-07-01"}
            sent(town.municipality, "/portfolio-periods", ({"id": str(uuid4()), "dwellingId": id, **held} for id in own))
            for place, id in enumerate(own):
                label = {"label": self.BEFORE[place % 3], "surveyedOn": "2018-05-01"}
                content(caller.post(f"/dwellings/{id}/energy-labels", label), 201)
            found[name] = trajectories(caller, own, "volkshuisvestingsfonds-2021", "regio-deal-parkstad", project="vrieheide")
            milestones(caller, found[name], "acquisition", completed="2021-07-01")
            milestones(caller, found[name], "renovation", started="2022-03-01")
            completed += milestones(caller, found[name], "renovation", completed="2023-10-01")
        return found, completed

    def test_each_home_counts_once_and_its_label_jump_is_told(self, town: Town, corporations: dict[str, Caller]) -> None:
        found, completed = self.renovated(town, corporations)
        confirmations = {"items": [{"milestoneId": id} for id in completed]}

        # The municipality can't confirm before the label that the Volkshuisvestingsfonds asks for is there.
        answer = content(town.municipality.post("/confirmations", confirmations))
        assert answer["summary"] == {"created": 0, "unchanged": 0, "refused": 51}
        assert {fault["code"] for result in answer["results"] for fault in result["errors"]} == {"evidence-missing"}
        assert town.count("improved", validOn="2023-12-31") == 0
        for name, caller in corporations.items():
            for id in found[name]:
                dwelling = content(caller.get(f"/trajectories/{id}"))["dwellingId"]
                content(caller.post(f"/dwellings/{dwelling}/energy-labels", {"label": "B", "surveyedOn": "2023-10-20"}), 201)
        assert content(town.municipality.post("/confirmations", confirmations))["summary"] == {"created": 51, "unchanged": 0, "refused": 0}

        schemes = ("volkshuisvestingsfonds-2021", "regio-deal-parkstad")
        assert town.count("improved", validOn="2023-12-31") == 51
        assert town.count("acquired", validOn="2021-12-31", project="vrieheide", focusArea="heerlen-noord", scheme=schemes) == 51
        assert town.rows("improved", validOn="2023-12-31", groupBy="scheme") == dict.fromkeys(schemes, 51)
        by_corporation = {str(caller.organisation and caller.organisation.id): self.HOMES[name] for name, caller in corporations.items()}
        assert town.rows("improved", validOn="2023-12-31", groupBy="corporation") == by_corporation
        assert town.rows("improved", validOn="2023-12-31", groupBy="project") == {"vrieheide": 51}

        jumps: Counter[tuple[str, str, int]] = Counter()
        for name, caller in corporations.items():
            for id in found[name]:
                detail = content(caller.get(f"/trajectories/{id}"))
                jumps[detail["labelBefore"], detail["labelAfter"], detail["labelJump"]] += 1
        by_label = Counter(self.BEFORE[place % 3] for count in self.HOMES.values() for place in range(count))
        assert jumps == {(before, "B", self.JUMPS[before]): count for before, count in by_label.items()}
        assert jumps.total() == 51


class TestDeMix:
    """One project that takes homes away, builds some elsewhere and others in their place: by definition, tenure and area exactly."""

    @pytest.fixture
    def town(self, session: Session, api: FlaskClient) -> Town:
        town = a_town(session, api, "GM0344", "Utrecht")
        town.area("utrecht-overvecht")
        town.project("de-mix")
        town.project("elsewhere")
        town.scheme("volkshuisvestingsfonds-2023")
        return town

    @pytest.fixture
    def built(self, town: Town) -> Town:
        corporation, in_area = town.corporation, {"municipalityCode": town.code, "focusArea": "utrecht-overvecht"}
        mine = {"project": "de-mix"}
        old = trajectories(corporation, dwellings(corporation, 80, **in_area, tenure="social-rent"), "volkshuisvestingsfonds-2023", **mine)
        milestones(corporation, old, "demolition", started="2023-02-01", completed="2023-06-01")
        rebuilt = trajectories(corporation, dwellings(corporation, 135, municipalityCode=town.code, tenure="social-rent"), **mine)
        milestones(corporation, rebuilt, "construction", planned="2022-01-01", started="2022-04-01", completed="2024-05-01")
        new = trajectories(corporation, dwellings(corporation, 179, **in_area, tenure="mid-rent"), "volkshuisvestingsfonds-2023", **mine)
        milestones(corporation, new, "construction", planned="2023-09-01", started="2024-03-01")
        # Works of another project on the same homes and beside them add nothing to this one.
        other = trajectories(corporation, dwellings(corporation, 7, **in_area, tenure="mid-rent"), project="elsewhere")
        milestones(corporation, other, "construction", started="2024-03-01")
        return town

    def test_it_is_counted_by_definition_tenure_and_area(self, built: Town) -> None:
        area, city = {"focusArea": "utrecht-overvecht"}, {"municipality": "GM0344"}
        on = {"validOn": "2025-01-01", "project": "de-mix"}
        expected = {
            ("demolished", "social-rent"): {"utrecht-overvecht": 80},
            ("built", "social-rent"): {None: 135},
            ("under-construction", "mid-rent"): {"utrecht-overvecht": 179},
        }
        for definition in ("demolished", "built", "under-construction", "in-preparation"):
            for tenure in ("social-rent", "mid-rent", "private-rent", "owner-occupied", "vacant"):
                by_area = built.rows(definition, **on, **city, tenure=tenure, groupBy="focusArea")
                assert by_area == expected.get((definition, tenure), {}), (definition, tenure)
        assert built.rows("demolished", **on, **area, groupBy="tenure") == {"social-rent": 80}
        assert built.rows("under-construction", **on, **area, groupBy="tenure") == {"mid-rent": 179}
        assert built.rows("built", **on, **city, groupBy="tenure") == {"social-rent": 135}
        assert built.count("built", **on, **area) == 0
        assert built.count("under-construction", validOn="2025-01-01", **area) == 179 + 7

    def test_it_is_told_as_it_went(self, built: Town) -> None:
        figures = {
            day: [built.count(definition, validOn=day, project="de-mix") for definition in ("demolished", "in-preparation", "under-construction", "built")]
            for day in ("2021-12-31", "2022-01-01", "2022-04-01", "2023-06-01", "2023-09-01", "2024-03-01", "2024-05-01")
        }
        assert figures == {
            "2021-12-31": [0, 0, 0, 0],
            "2022-01-01": [0, 135, 0, 0],
            "2022-04-01": [0, 0, 135, 0],
            "2023-06-01": [80, 0, 135, 0],
            "2023-09-01": [80, 179, 135, 0],
            "2024-03-01": [80, 0, 135 + 179, 0],
            "2024-05-01": [80, 0, 179, 135],
        }

    def test_the_homes_behind_a_figure_are_those(self, built: Town) -> None:
        query = "?validOn=2025-01-01&project=de-mix&focusArea=utrecht-overvecht&limit=500"
        found = content(built.municipality.get(f"/tallies/demolished/dwellings{query}"))["items"]
        assert (len({each["id"] for each in found}), {each["tenure"] for each in found}) == (80, {"social-rent"})
        assert len(content(built.municipality.get(f"/tallies/under-construction/dwellings{query}&tenure=mid-rent"))["items"]) == 179
        refused(built.analyst.get(f"/tallies/demolished/dwellings{query}"), 403, "not-allowed")


ANALYSE = "ANALYZE dwelling, trajectory, milestone, measure, funding_line"
WBI, SBI, OTHER = "woningbouwimpuls", "startbouwimpuls", "regio-deal"


def paid_by(n: int) -> set[str]:
    """The schemes of home ``n``: one of the two, or both in one trajectory; every tenth has a second trajectory, with money of the Startbouwimpuls."""
    return [{WBI, SBI}, {WBI}, {SBI}][n % 3] | ({SBI} if n % 10 == 0 else set())


class TestInPreparation:
    """33,000 homes with money of one scheme, the other, or both. On the day asked 15,000 are in preparation, 2,500 under construction."""

    ALL, PREPARED, STARTED, BY_REQUEST = 33_000, 15_000, 2_500, 200
    ON = "2025-09-01"

    @pytest.fixture
    def town(self, session: Session, api: FlaskClient) -> Town:
        town = a_town(session, api, "GM0917", "Heerlen")
        for slug in (WBI, SBI, OTHER):
            town.scheme(slug)
        self.by_request(town)
        self.by_statement(town, session)
        session.execute(sa.text(ANALYSE))
        return town

    def by_request(self, town: Town) -> None:
        """The first two hundred, all in preparation, and five that have no money of the two."""
        corporation = town.corporation
        ids = dwellings(corporation, self.BY_REQUEST, municipalityCode=town.code)
        first = []
        for remainder, schemes in enumerate(((WBI, SBI), (WBI,), (SBI,))):
            first += trajectories(corporation, (id for n, id in enumerate(ids, start=1) if n % 3 == remainder), *schemes)
        second = trajectories(corporation, (id for n, id in enumerate(ids, start=1) if n % 10 == 0), SBI)
        other = trajectories(corporation, dwellings(corporation, 5, municipalityCode=town.code), OTHER)
        plan = {"track": "construction", "kind": "planned", "effectiveOn": "2027-01-01", "decidedOn": "2025-06-01"}
        sent(corporation, "/milestones", ({"id": str(uuid4()), "trajectoryId": id, **plan} for id in [*first, *second, *other]))

    def by_statement(self, town: Town, session: Session) -> None:
        """The others, of which some were started and some were not decided upon before the day that is asked."""
        assert town.corporation.organisation
        values = {"first": self.BY_REQUEST + 1, "last": self.ALL, "prepared": self.PREPARED, "started": self.PREPARED + self.STARTED, "code": town.code}
        values |= {"executor": town.corporation.organisation.id, "person": uuid4(), "wbi": WBI, "sbi": SBI}
        said = "INSERT INTO milestone (trajectory_id, dwelling_id, track, kind, effective_on, decided_on, action, recorded_by)"
        for statement in (
            """CREATE TEMP TABLE home ON COMMIT DROP AS
            SELECT n, uuid_v7() AS dwelling, uuid_v7() AS first, CASE WHEN n % 10 = 0 THEN uuid_v7() END AS second FROM generate_series(:first, :last) AS n""",
            "INSERT INTO dwelling (id, municipality_code, source, registrar_id) SELECT dwelling, :code, 'api', :executor FROM home",
            """INSERT INTO trajectory (id, dwelling_id, executor_id)
            SELECT id, dwelling, :executor FROM home, LATERAL unnest(ARRAY[first, second]) AS id WHERE id IS NOT NULL""",
            ANALYSE,
            "INSERT INTO funding_line (trajectory_id, scheme) SELECT first, :wbi FROM home WHERE n % 3 IN (0, 1)",
            "INSERT INTO funding_line (trajectory_id, scheme) SELECT first, :sbi FROM home WHERE n % 3 IN (0, 2)",
            "INSERT INTO funding_line (trajectory_id, scheme) SELECT second, :sbi FROM home WHERE second IS NOT NULL",
            # The trigger locks the dwelling of each row and takes the moment then: nobody else writes here, and the default takes the same moment.
            "ALTER TABLE milestone DISABLE TRIGGER milestone_is_stamped",
            f"""{said} SELECT id, dwelling, 'construction', 'planned', DATE '2027-01-01',
                CASE WHEN n <= :started THEN DATE '2025-06-01' ELSE DATE '2025-12-01' END, 'reported', :person
            FROM home, LATERAL unnest(ARRAY[first, second]) AS id WHERE id IS NOT NULL""",
            f"""{said} SELECT id, dwelling, 'construction', 'started', DATE '2025-08-01', NULL, 'reported', :person
            FROM home, LATERAL unnest(ARRAY[first, second]) AS id WHERE id IS NOT NULL AND n > :prepared AND n <= :started""",
            "ALTER TABLE milestone ENABLE TRIGGER milestone_is_stamped",
        ):
            session.execute(sa.text(statement), values)

    def test_each_home_is_counted_once_whatever_pays_for_it(self, town: Town) -> None:
        either = (WBI, SBI)
        prepared = range(1, self.PREPARED + 1)
        tally = town.tally("in-preparation,under-construction,built", validOn=self.ON, scheme=either, groupBy="scheme")
        assert [count["dwellings"] for count in tally["total"]] == [self.PREPARED, self.STARTED, 0]
        rows = {row["key"]: row["counts"][0]["dwellings"] for row in tally["rows"]}
        assert rows == {scheme: sum(scheme in paid_by(n) for n in prepared) for scheme in either}
        assert sum(rows.values()) > self.PREPARED
        assert town.count("in-preparation", validOn=self.ON, scheme=WBI) == rows[WBI]
        assert town.count("in-preparation", validOn=self.ON) == self.PREPARED + 5
        # All 33,000, once the plans of the others are decided upon.
        later = town.tally("in-preparation,under-construction", validOn="2025-12-01", scheme=either)["total"]
        assert [count["dwellings"] for count in later] == [self.ALL - self.STARTED, self.STARTED]


class TestHouseholdsHelped:
    """35,000 homes with one to four measures, every fifth in a second trajectory too; and others that do not count."""

    HELPED, BY_REQUEST = 35_000, 200
    LATER, MISTAKEN, NOTHING = 2_000, 300, 1_000
    ON = "2024-12-31"
    KINDS = ("draught-proofing", "high-efficiency-glazing", "roof-insulation", "small-measures")

    @pytest.fixture
    def town(self, session: Session, api: FlaskClient) -> Town:
        town = a_town(session, api, "GM0917", "Heerlen")
        for slug in ("lokale-aanpak-isolatie", "energiefixers"):
            town.scheme(slug)
        self.by_request(town)
        self.by_statement(town, session)
        session.execute(sa.text(ANALYSE))
        return town

    def by_request(self, town: Town) -> None:
        corporation = town.corporation
        ids = dwellings(corporation, self.BY_REQUEST, municipalityCode=town.code, tenure="social-rent")
        first = trajectories(corporation, ids, "lokale-aanpak-isolatie")
        second = trajectories(corporation, ids[4::5], "energiefixers")
        applied = [(id, kind, "2024-05-01") for n, id in enumerate(first, start=1) for kind in self.KINDS[: n % 4 + 1]]
        applied += [(id, "small-measures", "2024-06-01") for id in second]
        sent(corporation, "/measures", ({"id": str(uuid4()), "trajectoryId": id, "kind": kind, "appliedOn": day} for id, kind, day in applied))

    def by_statement(self, town: Town, session: Session) -> None:
        assert town.corporation.organisation
        last = self.HELPED + self.LATER + self.MISTAKEN + self.NOTHING
        values = {"first": self.BY_REQUEST + 1, "helped": self.HELPED, "later": self.HELPED + self.LATER, "mistaken": last - self.NOTHING, "last": last}
        values |= {"code": town.code, "executor": town.corporation.organisation.id, "person": uuid4(), "kinds": list(self.KINDS)}
        applied = "INSERT INTO measure (trajectory_id, kind, applied_on, recorded_by)"
        for statement in (
            """CREATE TEMP TABLE home ON COMMIT DROP AS
            SELECT n, uuid_v7() AS dwelling, uuid_v7() AS first, CASE WHEN n % 5 = 0 AND n <= :helped THEN uuid_v7() END AS second
            FROM generate_series(:first, :last) AS n""",
            "INSERT INTO dwelling (id, municipality_code, source, registrar_id, tenure) SELECT dwelling, :code, 'api', :executor, 'social-rent' FROM home",
            """INSERT INTO trajectory (id, dwelling_id, executor_id)
            SELECT id, dwelling, :executor FROM home, LATERAL unnest(ARRAY[first, second]) AS id WHERE id IS NOT NULL""",
            ANALYSE,
            "INSERT INTO funding_line (trajectory_id, scheme) SELECT first, 'lokale-aanpak-isolatie' FROM home",
            "INSERT INTO funding_line (trajectory_id, scheme) SELECT second, 'energiefixers' FROM home WHERE second IS NOT NULL",
            f"""{applied} SELECT first, kind, CASE WHEN n <= :helped OR n > :later THEN DATE '2024-05-01' ELSE DATE '2025-03-01' END, :person
            FROM home, LATERAL unnest(CAST(:kinds AS text[])) WITH ORDINALITY AS of (kind, place) WHERE n <= :mistaken AND place <= n % 4 + 1""",
            f"{applied} SELECT second, 'small-measures', DATE '2024-06-01', :person FROM home WHERE second IS NOT NULL",
            """UPDATE measure SET superseded_at = clock_timestamp(), retraction_reason = 'nooit uitgevoerd'
            WHERE trajectory_id IN (SELECT first FROM home WHERE n > :later)""",
        ):
            session.execute(sa.text(statement), values)

    def test_each_household_is_counted_once_however_much_it_got(self, town: Town, session: Session) -> None:
        assert session.scalar(sa.text("SELECT count(*) FROM measure")) > 2 * self.HELPED
        tally = town.tally("household-helped", validOn=self.ON, groupBy="scheme")
        assert [count["dwellings"] for count in tally["total"]] == [self.HELPED]
        rows = {row["key"]: row["counts"][0]["dwellings"] for row in tally["rows"]}
        assert rows == {"lokale-aanpak-isolatie": self.HELPED, "energiefixers": self.HELPED // 5}
        assert town.rows("household-helped", validOn=self.ON, groupBy="municipality") == {"GM0917": self.HELPED}
        assert town.count("household-helped", validOn=self.ON, scheme=("lokale-aanpak-isolatie", "energiefixers"), tenure="social-rent") == self.HELPED
        assert [town.count("household-helped", validOn=day) for day in ("2024-04-30", "2025-03-01")] == [0, self.HELPED + self.LATER]
