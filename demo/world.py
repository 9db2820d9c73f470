"""The world of the demo: the 20 focus areas and 19 municipalities as they are, the rest made up.

The names and codes of areas and municipalities are the published ones. What happens in them is invented so that the totals of the programme's progress
overview come out; the figures for one area are ours and say nothing about that area. Positions are of town quarters, CRS84 degrees.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid5

NAMESPACE = UUID("8c8f9a52-2d0c-5d36-9f0e-6d3a1f0f9917")
"""The namespace of every id of the demo: the same name gives the same id in each run."""

VALID_ON = date(2025, 12, 31)
"""The peildatum of the figures."""
PROMISED_IMPROVED = 1394
PROMISED_STARTED = 4602
PROMISED_VRIEHEIDE = 51

VRIEHEIDE = "vrieheide"
VRIEHEIDE_AREA = "heerlen-noord"
SECOND_PHASE = "vrieheide-fase-2"
HEERLEN = "heerlen"
DE_MIX = "de-mix"
DE_MIX_AREA = "utrecht-overvecht"
UTRECHT = "utrecht"
NIEUWEGEIN = "nieuwegein"
NIEUWEGEIN_AREA = "nieuwegein-centrale-as"
VHF = "volkshuisvestingsfonds"
REGIO_DEAL = "regio-deal"
INSULATION = "lokale-aanpak-isolatie"
HOUSEHOLDS = "isolatie-nieuwegein"


def id_of(*parts: object) -> UUID:
    return uuid5(NAMESPACE, "/".join(map(str, parts)))


@dataclass(frozen=True, slots=True)
class Area:
    """A focus area in one municipality, and how many of its dwellings are improved and started on the valid date (started includes improved)."""

    slug: str
    name: str
    municipality: str
    longitude: float
    latitude: float
    improved: int
    started: int


@dataclass(frozen=True, slots=True)
class Municipality:
    code: str
    slug: str
    name: str
    province: str


@dataclass(frozen=True, slots=True)
class Organisation:
    slug: str
    name: str
    kind: str
    municipality: str | None = None

    @property
    def id(self) -> UUID:
        return id_of("organisation", self.slug)


@dataclass(frozen=True, slots=True)
class Project:
    slug: str
    name: str
    municipality: str
    owner: str
    """Slug of the municipality that runs it."""


AREAS = (
    Area("leeuwarden-oost", "Leeuwarden-Oost", "GM0080", 5.815, 53.205, 42, 140),
    Area("groningen-noord", "Groningen Noord", "GM0014", 6.555, 53.240, 58, 190),
    Area("arnhem-oost", "Arnhem Oost", "GM0202", 5.945, 51.985, 61, 210),
    Area("heerlen-noord", "Heerlen Noord", "GM0917", 5.951, 50.921, 118, 330),
    Area("breda-noord", "Breda Noord", "GM0758", 4.775, 51.605, 35, 120),
    Area("eindhoven-woensel-zuid", "Eindhoven Woensel-Zuid", "GM0772", 5.475, 51.455, 47, 165),
    Area("tilburg-noordwest", "Tilburg Noordwest", "GM0855", 5.050, 51.575, 66, 220),
    Area("roosendaal-stad", "Roosendaal-stad", "GM1674", 4.460, 51.535, 38, 125),
    Area("schiedam-nieuwland-oost", "Schiedam Nieuwland-Oost", "GM0606", 4.395, 51.925, 74, 235),
    Area("rotterdam-zuid", "Rotterdam-Zuid", "GM0599", 4.495, 51.885, 236, 790),
    Area("den-haag-zuidwest", "Den Haag Zuidwest", "GM0518", 4.270, 52.050, 163, 540),
    Area("vlaardingen-west", "Vlaardingen West", "GM0622", 4.320, 51.915, 41, 130),
    Area("delft-west", "Delft West", "GM0503", 4.340, 51.998, 33, 115),
    Area("dordrecht-west", "Dordrecht West", "GM0505", 4.655, 51.800, 57, 180),
    Area("amsterdam-zuidoost", "Amsterdam Zuidoost", "GM0363", 4.960, 52.315, 69, 240),
    Area("amsterdam-nieuw-west", "Amsterdam Nieuw-West", "GM0363", 4.805, 52.365, 84, 290),
    Area("zaandam-oost", "Zaandam Oost", "GM0479", 4.840, 52.440, 72, 225),
    Area("lelystad-oost", "Lelystad Oost", "GM0995", 5.495, 52.510, 27, 95),
    Area("utrecht-overvecht", "Utrecht Overvecht", "GM0344", 5.110, 52.118, 49, 170),
    Area("nieuwegein-centrale-as", "Nieuwegein Centrale-As", "GM0356", 5.085, 52.030, 24, 92),
)
AREA_OF = {area.slug: area for area in AREAS}

MUNICIPALITIES = (
    Municipality("GM0080", "leeuwarden", "Leeuwarden", "Friesland"),
    Municipality("GM0014", "groningen", "Groningen", "Groningen"),
    Municipality("GM0202", "arnhem", "Arnhem", "Gelderland"),
    Municipality("GM0917", HEERLEN, "Heerlen", "Limburg"),
    Municipality("GM0758", "breda", "Breda", "Noord-Brabant"),
    Municipality("GM0772", "eindhoven", "Eindhoven", "Noord-Brabant"),
    Municipality("GM0855", "tilburg", "Tilburg", "Noord-Brabant"),
    Municipality("GM1674", "roosendaal", "Roosendaal", "Noord-Brabant"),
    Municipality("GM0606", "schiedam", "Schiedam", "Zuid-Holland"),
    Municipality("GM0599", "rotterdam", "Rotterdam", "Zuid-Holland"),
    Municipality("GM0518", "den-haag", "'s-Gravenhage", "Zuid-Holland"),
    Municipality("GM0622", "vlaardingen", "Vlaardingen", "Zuid-Holland"),
    Municipality("GM0503", "delft", "Delft", "Zuid-Holland"),
    Municipality("GM0505", "dordrecht", "Dordrecht", "Zuid-Holland"),
    Municipality("GM0363", "amsterdam", "Amsterdam", "Noord-Holland"),
    Municipality("GM0479", "zaanstad", "Zaanstad", "Noord-Holland"),
    Municipality("GM0995", "lelystad", "Lelystad", "Flevoland"),
    Municipality("GM0344", "utrecht", "Utrecht", "Utrecht"),
    Municipality("GM0356", "nieuwegein", "Nieuwegein", "Utrecht"),
)
BY_CODE = {municipality.code: municipality for municipality in MUNICIPALITIES}

MINISTRY = Organisation("ministerie-vro", "Ministerie van Volkshuisvesting en Ruimtelijke Ordening", "ministry")
WELLER = Organisation("weller-wonen", "Weller Wonen", "corporation")
WONEN_LIMBURG = Organisation("wonen-limburg", "Wonen Limburg", "corporation")
INVENTED_CORPORATION = Organisation("voorbeeldcorporatie", "Voorbeeldcorporatie (verzonnen)", "corporation")
INSPECTION_BODY = Organisation("voorbeeld-opname", "Voorbeeld Opnamebureau (verzonnen)", "inspection-body")

ORGANISATIONS = (
    WELLER,
    WONEN_LIMBURG,
    INVENTED_CORPORATION,
    INSPECTION_BODY,
    *(Organisation(each.slug, f"Gemeente {each.name}", "municipality", each.code) for each in MUNICIPALITIES),
)

SCHEMES = {VHF: "Volkshuisvestingsfonds", REGIO_DEAL: "Regio Deal", INSULATION: "Lokale Aanpak Isolatie"}


def project_of(area: Area) -> str:
    return f"aanpak-{area.slug}"


PROJECTS = (
    Project(VRIEHEIDE, "Vrieheide", "GM0917", HEERLEN),
    Project(SECOND_PHASE, "Vrieheide, tweede fase", "GM0917", HEERLEN),
    Project(DE_MIX, "De Mix", "GM0344", UTRECHT),
    Project(HOUSEHOLDS, "Isolatie Nieuwegein", "GM0356", NIEUWEGEIN),
    *(Project(project_of(area), f"Woningverbetering {area.name}", area.municipality, BY_CODE[area.municipality].slug) for area in AREAS),
)
