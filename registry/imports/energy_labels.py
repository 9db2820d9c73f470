"""Energy labels from a file: of the register's own template, or the public file of EP-Online (RVO) as it is.

**What of the file of EP-Online is passed over**, counted as unchanged and not kept: rows that are not of a home (Gebouwklasse other than W), rows of a permit
(Status Vergunningsaanvraag: a label of a plan), and rows of dwellings that the sender does not have. The file is national: of its millions of rows an
organisation has thousands, and what is not in her register is nobody's mistake. In a file of her own making it is, and is refused.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right
from registry.db import Json
from registry.dwellings.model import LabelMethod, LabelSource, RegisteredLabel
from registry.dwellings.rules import Label, check_label
from registry.imports import dwelling_of_row, label_writes
from registry.imports.dwelling_of_row import NAMED_BY, Found
from registry.imports.kinds import Effect, Identified, Judgement, RowFault, StagedRow, Values
from registry.imports.label_writes import NewLabel
from registry.imports.model import EffectAction, ImportKind, SubjectKind
from registry.sheets import cells
from registry.sheets.columns import CellRefused, Column
from registry.sheets.headers import normal
from registry.values import EnergyLabel
from registry.versioned import Outcome

RESIDENTIAL: Final = "W"
PERMIT: Final = "vergunningsaanvraag"
_LABELS: Final = {label.value: label for label in reversed(EnergyLabel)}
_METHODS: Final = {
    "nta8800": LabelMethod.NTA_8800,
    "nadervoorschrift": LabelMethod.ENERGY_INDEX,
    "energieindex": LabelMethod.ENERGY_INDEX,
    "energyindex": LabelMethod.ENERGY_INDEX,
    "isso82": LabelMethod.ENERGY_INDEX,
    "rekenmethodiekdefinitiefenergielabel": LabelMethod.SIMPLIFIED,
    "vereenvoudigd": LabelMethod.SIMPLIFIED,
    "simplified": LabelMethod.SIMPLIFIED,
}


def label(cell: str) -> str:
    """As printed on the label, in capitals or not; the pluses count, so that words are not compared as elsewhere."""
    found = _LABELS.get(cell.replace(" ", "").upper())
    return found.value if found else str(_one_label(cell))


def _one_label(cell: str) -> str:
    raise CellRefused("not-one-of", {"allowed": ", ".join(_LABELS), "found": cell[:60]})


def method(cell: str) -> str | None:
    """By how the name of the method begins: 'NTA 8800:2022 (basisopname woningbouw)'. None for one that the register does not know."""
    word = normal(cell)
    return next((method.value for begin, method in _METHODS.items() if word.startswith(begin)), None)


_OF_DWELLING: Final = tuple(
    Column(each.name, (*each.headers, "BAGVerblijfsobjectID", "Pand_bagverblijfsobjectid"), each.convert, each.about_nl, each.about_en, each.example)
    if each.name == "bagId"
    else each
    for each in dwelling_of_row.COLUMNS
)
COLUMNS: Final = (
    *_OF_DWELLING,
    Column(
        "bagMooringId",
        ("BAG-ligplaats", "BAG mooring", "BAGLigplaatsID"),
        cells.bag_id,
        "De BAG-id van een ligplaats.",
        "The BAG id of a mooring.",
        "0363020000000001",
    ),
    Column(
        "bagPitchId",
        ("BAG-standplaats", "BAG pitch", "BAGStandplaatsID"),
        cells.bag_id,
        "De BAG-id van een standplaats.",
        "The BAG id of a pitch.",
        "0363030000000001",
    ),
    Column(
        "label",
        ("Energielabel", "Energy label", "Energieklasse", "Pand_energieklasse", "Label", "Labelletter"),
        label,
        "De letter op het label, van A++++ tot G.",
        "The letter on the label, from A++++ to G.",
        "B",
        required=True,
        choices=tuple(_LABELS),
    ),
    Column(
        "surveyedOn",
        ("Opnamedatum", "Surveyed on", "Pand_opnamedatum", "Datum opname"),
        cells.day,
        "De dag waarop de woning is opgenomen.",
        "The day on which the dwelling was surveyed.",
        "2026-03-31",
        required=True,
    ),
    Column(
        "registeredOn",
        ("Registratiedatum", "Registered on", "Pand_registratiedatum"),
        cells.day,
        "De dag waarop het label in EP-Online is geregistreerd.",
        "The day on which the label was registered in EP-Online.",
        "2026-04-02",
    ),
    Column(
        "expiresOn",
        ("Geldig tot", "Expires on", "Meting_geldig_tot", "GeldigTot"),
        cells.day,
        "De dag waarop het label verloopt; een verlopen label blijft bewaard.",
        "The day on which the label expires; an expired label is kept.",
        "2036-04-02",
    ),
    Column(
        "method",
        ("Berekeningstype", "Method", "Pand_berekeningstype", "Rekenmethode"),
        method,
        "De rekenmethode: NTA 8800, Energie-Index of vereenvoudigd.",
        "The method: NTA 8800, Energie-Index or simplified.",
        "NTA 8800",
    ),
    Column(
        "fossilEnergyKwhM2",
        ("Primaire fossiele energie", "Fossil energy kWh/m2", "PrimaireFossieleEnergie", "Pand_primaire_fossiele_energie", "EP2"),
        cells.decimal(),
        "De primaire fossiele energie in kWh per m² per jaar.",
        "The primary fossil energy in kWh per m² a year.",
        "178,37",
    ),
    Column("buildingClass", ("Gebouwklasse", "Building class", "Pand_gebouwklasse"), cells.text(10), "W voor woningbouw.", "W for homes.", "W"),
    Column("status", ("Status", "Pand_status"), cells.text(40), "De status in EP-Online.", "The status in EP-Online.", "Bestaand"),
)
_NOT_USED: Final = (
    *("Certificaathouder", "SoortOpname", "OpBasisVanReferentiegebouw", "Gebouwtype", "Gebouwsubtype", "SBICode", "Bouwjaar", "Compactheid"),
    *("GebruiksoppervlakteThermischeZone", "EnergieIndex", "EnergieIndexEMGForfaitair", "Energiebehoefte", "Warmtebehoefte", "BAGPandIDs"),
    *("PrimaireFossieleEnergieEMGForfaitair", "AandeelHernieuwbareEnergie", "AandeelHernieuwbareEnergieEMGForfaitair", "BerekendeCO2Emissie"),
    *("BerekendeEnergieverbruik", "Temperatuuroverschrijding", "EisEnergiebehoefte", "EisPrimaireFossieleEnergie", "EisAandeelHernieuwbareEnergie"),
    *("EisTemperatuuroverschrijding", "Projectnaam", "Projectobject", "Detailaanduiding"),
)
"""Columns of EP-Online that the register has no use for."""


@dataclass(frozen=True, slots=True)
class _Known:
    """``kept`` are the dwellings that the actor may write about, ``labels`` what each of them has: (day of survey, label)."""

    kept: frozenset[UUID]
    labels: Mapping[UUID, set[tuple[date, str]]]


class EnergyLabels:
    kind = ImportKind.ENERGY_LABELS
    right = Right.REPORT_PROGRESS
    columns = COLUMNS
    named_by = (*NAMED_BY, ("bagMooringId",), ("bagPitchId",))
    ignores_others = False
    left_out = _NOT_USED

    def identify(self, session: Session, actor: Actor, rows: Sequence[tuple[int, Values]]) -> list[Identified]:
        ours = [place for place, (_, values) in enumerate(rows) if not _is_foreign(values)]
        found = dwelling_of_row.find(session, actor, [_naming(rows[place][1]) for place in ours])
        identified = [Identified(None, passed_over=True) for _ in rows]
        for place, one in zip(ours, found, strict=True):
            identified[place] = _identified(rows[place][1], one)
        return identified

    def judge(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> list[Judgement]:  # noqa: ARG002
        known = _known(session, {UUID(row.key) for row in rows})
        first: dict[tuple[str, str], tuple[int, Label]] = {}
        today = clock.today()
        return [_judge(row, known, first, today) for row in rows]

    def lock(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> None:  # noqa: ARG002
        label_writes.lock(session, {UUID(row.key) for row in rows})

    def write(self, session: Session, actor: Actor, judged: Sequence[tuple[StagedRow, Judgement]]) -> list[Effect]:
        new = [each.plan for _, each in judged if isinstance(each.plan, NewLabel)]
        label_writes.add(session, actor, new)
        return [Effect(row.row, SubjectKind.LABEL, each.subject_id, EffectAction.CREATED) for row, each in judged if each.subject_id]

    def undo(self, session: Session, actor: Actor, effects: Sequence[Effect]) -> list[RowFault]:
        return label_writes.take_back(session, actor, [effect.subject_id for effect in effects])


def _of_ep_online(values: Values) -> bool:
    return "buildingClass" in values


def _is_foreign(values: Values) -> bool:
    """A row of the public file that is not about a home as it is."""
    return _of_ep_online(values) and (values["buildingClass"] != RESIDENTIAL or str(values.get("status", "")).lower() == PERMIT)


def _naming(values: Values) -> Values:
    """By what the row names its dwelling. In the public file the BAG id says which it is, however the address is written."""
    bag_id = values.get("bagId") or values.get("bagMooringId") or values.get("bagPitchId")
    if bag_id is None:
        return values
    return {"bagId": bag_id} if _of_ep_online(values) else {**values, "bagId": bag_id}


def _identified(values: Values, found: Found) -> Identified:
    if found.place is not None and not found.faults:
        return Identified(str(found.place.id))
    if _of_ep_online(values):
        return Identified(None, passed_over=True)
    return Identified(None, found.faults or [RowFault(None, "dwelling-not-named")])


def _known(session: Session, ids: set[UUID]) -> _Known:
    listed = sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Uuid)))
    labels: dict[UUID, set[tuple[date, str]]] = defaultdict(set)
    query = sa.select(RegisteredLabel.dwelling_id, RegisteredLabel.surveyed_on, sa.cast(RegisteredLabel.label, sa.Text))
    for id, surveyed_on, letter in session.execute(query.where(RegisteredLabel.dwelling_id == listed, RegisteredLabel.retracted_at.is_(None))):
        labels[id].add((surveyed_on, letter))
    return _Known(label_writes.kept(session, ids), labels)


def _judge(row: StagedRow, known: _Known, first: dict[tuple[str, str], tuple[int, Label]], today: date) -> Judgement:
    dwelling_id = UUID(row.key)
    faults = [] if dwelling_id in known.kept else [RowFault(None, "dwelling-not-kept")]
    if "label" not in row.values or "surveyedOn" not in row.values:
        return Judgement(Outcome.REFUSED, None, faults)  # what is wrong with these cells is told already
    one = _label(row.values)
    faults += [RowFault(fault.pointer[1:], fault.code) for fault in check_label(one, today=today)]
    if faults:
        return Judgement(Outcome.REFUSED, None, faults)
    # The same day twice: the same label is the same one; another one registered on another day corrects it, and otherwise nobody can tell which one is right.
    before, other = first.setdefault((row.key, one.surveyed_on.isoformat()), (row.row, one))
    if other.label is not one.label and other.registered_on == one.registered_on:
        return Judgement(Outcome.REFUSED, None, [RowFault("label", "label-contradicts", {"first": before, "label": other.label.value})])
    if (one.surveyed_on, one.label.value) in known.labels.get(dwelling_id, ()) or (before != row.row and other.label is one.label):
        return Judgement(Outcome.UNCHANGED, dwelling_id)
    source = LabelSource.EP_ONLINE if _of_ep_online(row.values) else LabelSource.API
    changes: dict[str, Json] = {"label": [None, one.label.value], "surveyedOn": [None, one.surveyed_on.isoformat()]}
    return Judgement(Outcome.CREATED, row.new_id, changes=changes, plan=NewLabel(row.new_id, dwelling_id, one, source))


def _label(values: Values) -> Label:
    def on(name: str) -> date | None:
        value = values.get(name)
        return date.fromisoformat(str(value)) if value else None

    energy = values.get("fossilEnergyKwhM2")
    how = values.get("method")
    return Label(
        label=EnergyLabel(str(values["label"])),
        surveyed_on=date.fromisoformat(str(values["surveyedOn"])),
        registered_on=on("registeredOn"),
        expires_on=on("expiresOn"),
        method=LabelMethod(str(how)) if how else None,
        fossil_energy_kwh_m2=Decimal(str(energy)).quantize(Decimal("0.01")) if energy is not None else None,
    )
