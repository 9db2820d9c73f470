"""One dwelling as an Eenheid of VERA 4.3, and its condition as a Conditiemeting. Pure: what is known is passed in.

What the register does not know, or VERA has no code for, is left out: nothing is guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast
from uuid import UUID

from registry.db import Json
from registry.dwellings.bag_words import STATUS_WORDS, USE_WORDS
from registry.dwellings.model import LabelMethod, Tenure
from registry.trajectories.model import MeasureKind, Track
from registry.trajectories.rules import TrackState
from registry.values import BagObjectType, EnergyLabel
from registry.vera import codes


@dataclass(frozen=True, slots=True)
class KnownLabel:
    label: EnergyLabel
    method: LabelMethod | None
    surveyed_on: date
    expires_on: date | None
    fossil_energy_kwh_m2: Decimal | None


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """All that a unit is made of. ``tracks`` are the states of the tracks over all trajectories of the dwelling, the furthest one of each."""

    dwelling: Mapping[str, object]
    """The columns of the row."""
    organisation_id: UUID
    municipality: str
    manages_only: bool
    held_from: date
    held_until: date | None
    on: date
    tracks: Mapping[Track, TrackState]
    labels: Sequence[KnownLabel]
    measures: Sequence[MeasureKind]
    projects: Mapping[str, str]
    """Names by slug."""
    renovated_on: date | None
    cost_eur: Decimal | None
    ended_by: str | None = None
    """The kind of succession by which it is no more."""

    @property
    def id(self) -> UUID:
        return cast("UUID", self.dwelling["id"])


Part = dict[str, Json]


def unit_of(known: KnownUnit) -> Part:
    """The Eenheid. Fields as in the OpenAPI of VERA 4.3.0, domain Vastgoed."""
    held = known.dwelling
    identity = str(known.id)
    return _said(
        id=identity,
        idOrganisatie=str(known.organisation_id),
        code=held["bag_id"] or identity,
        soort=codes.DWELLING,
        detailSoort={BagObjectType.MOORING: codes.MOORING, BagObjectType.PITCH: codes.PITCH}.get(held["bag_object_type"]),  # type: ignore[call-overload]
        status=_status(known),
        bouwjaar=held["year_built"],
        gebruiksoppervlakte=held["floor_area_m2"],
        inExploitatiedatum=_day(known.held_from),
        inExploitatieReden=_reason_in(known),
        uitExploitatiedatum=_day(held["ended_on"] or known.held_until),
        uitExploitatieReden=_reason_out(known),
        bestemming=codes.DEMOLISHED if known.tracks.get(Track.DEMOLITION) in (TrackState.PLANNED, TrackState.STARTED) else None,
        adres=_address(known),
        adresseerbaarObjectBasisregistratie=_addressable_object(held),
        panden=[_said(code=building, soort=codes.BUILDINGS.get(held["dwelling_type"])) for building in _texts(held["building_ids"])],  # type: ignore[call-overload]
        energieprestaties=[each for label in known.labels for each in _performances(label)],
        isolatie=_insulation(known.measures),
        clusters=[_said(code=slug, naam=name, soort=codes.PROJECT) for slug, name in sorted(known.projects.items())],
        renovatie=_said(datum=_day(known.renovated_on), bedragInvestering=_number(known.cost_eur)) if known.renovated_on else None,
    )


def condition_of(known: KnownUnit) -> Part | None:
    """The Conditiemeting. VERA hangs it on a cluster, so the dwelling is a cluster of one; None while there is no score."""
    score = known.dwelling["condition_score"]
    if not isinstance(score, int):
        return None
    cluster = _said(id=str(known.id), soort=codes.MAINTENANCE)
    return _said(cluster=cluster, conditiescore=codes.CONDITIONS[score])


def _said(**fields: object) -> Part:
    """Without what is not known."""
    return {name: value for name, value in fields.items() if value not in (None, [], {})}  # type: ignore[misc]


def _status(known: KnownUnit) -> codes.Reference | None:
    if _is_gone(known) or _stands_empty_for_works(known):
        return codes.OUT_OF_USE
    if known.tracks.get(Track.CONSTRUCTION) in (TrackState.PLANNED, TrackState.STARTED):
        return codes.IN_DEVELOPMENT
    return codes.STATUSES.get(known.dwelling["tenure"])  # type: ignore[call-overload,no-any-return]


def _is_gone(known: KnownUnit) -> bool:
    ended_on = known.dwelling["ended_on"]
    return known.tracks.get(Track.DEMOLITION) is TrackState.COMPLETED or (isinstance(ended_on, date) and ended_on <= known.on)


def _stands_empty_for_works(known: KnownUnit) -> bool:
    return known.tracks.get(Track.RENOVATION) is TrackState.STARTED and known.dwelling["tenure"] is Tenure.VACANT


def _reason_in(known: KnownUnit) -> codes.Reference | None:
    if known.manages_only:
        return codes.ELSEWHERE
    if known.tracks.get(Track.CONSTRUCTION) is TrackState.COMPLETED:
        return codes.BUILT
    return codes.BOUGHT if known.tracks.get(Track.ACQUISITION) is TrackState.COMPLETED else None


def _reason_out(known: KnownUnit) -> codes.Reference | None:
    if _is_gone(known):
        by = {"split": codes.SPLIT, "merge": codes.MERGED, "demolition": codes.DEMOLISHED, "replacement": codes.DEMOLISHED}
        demolished = codes.DEMOLISHED if known.tracks.get(Track.DEMOLITION) is TrackState.COMPLETED else None
        return by.get(known.ended_by or "") or demolished
    return codes.BEING_RENOVATED if _stands_empty_for_works(known) else None


def _address(known: KnownUnit) -> Part:
    held = known.dwelling
    return _said(
        soort=codes.OF_DWELLING,
        straatnaam=held["street"],
        huisnummer=str(held["house_number"]) if held["house_number"] else None,
        huisletter=held["house_letter"],
        huisnummerToevoeging=held["house_number_suffix"],
        postcode=held["postcode"],
        woonplaats=_said(code=held["town_code"], naam=held["town"]),
        gemeente=_said(code=held["municipality_code"], naam=known.municipality),
    )


def _addressable_object(held: Mapping[str, object]) -> Part | None:
    if held["bag_id"] is None:
        return None
    return _said(
        bagIdentificatie=held["bag_id"],
        bagStatus=STATUS_WORDS.get(held["bag_status"]),  # type: ignore[call-overload]
        bagGebruikersOppervlakte=held["floor_area_m2"],
        bagGebruiksdoelen=[{"naam": USE_WORDS[use]} for use in _texts(held["uses"])],
        bagHoofdadres=_said(code=held["address_designation_id"]),
        bagPandenBasisregistratie=[{"bagIdentificatie": building} for building in _texts(held["building_ids"])],
    )


def _performances(known: KnownLabel) -> list[Part]:
    """The label, and the energy use behind it where that is known. A label without a method is of NTA 8800: it was registered since 2021."""
    method = LabelMethod.NTA_8800 if known.method is None else known.method
    valid = {"status": codes.REGISTERED, "begindatum": _day(known.surveyed_on), "einddatum": _day(known.expires_on)}
    label = _said(soort=codes.METHODS.get(method), **valid, label=codes.LABELS[known.label])
    if known.fossil_energy_kwh_m2 is None:
        return [label]
    return [label, _said(soort=codes.PRIMARY_ENERGY, **valid, waarde=f"{known.fossil_energy_kwh_m2:f}")]


def _insulation(measures: Sequence[MeasureKind]) -> list[Json]:
    found = {codes.INSULATION[kind]["code"]: codes.INSULATION[kind] for kind in measures if kind in codes.INSULATION}
    return [dict(found[code]) for code in sorted(found)]


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _day(value: object) -> str | None:
    return value.isoformat() if isinstance(value, date) else None


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
