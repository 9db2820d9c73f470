"""Tiny BAG 2.0 extracts, made the way Kadaster makes them: XML in zips in a zip."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

VBO_ID, LIG_ID, STA_ID = "0457010000000001", "0457020000000001", "0457030000000001"
NUM_ID, OPR_ID, PND_ID = "0457200000000001", "0457300000000001", "0457100000000001"
WPL_CODE, GEM_CODE = "3631", "0457"
DAY = "20211015"
SQUARE = "131000 482000 131010 482000 131010 482010 131000 482010 131000 482000"

_NAMESPACES = """xmlns:Objecten="www.kadaster.nl/schemas/lvbag/imbag/objecten/v20200601" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:Historie="www.kadaster.nl/schemas/lvbag/imbag/historie/v20200601" xmlns:Objecten-ref="www.kadaster.nl/schemas/lvbag/imbag/objecten-ref/v20200601"
 xmlns:selecties-extract="http://www.kadaster.nl/schemas/lvbag/extract-selecties/v20200601"
 xmlns:sl-bag-extract="http://www.kadaster.nl/schemas/lvbag/extract-deelbestand-lvc/v20200601"
 xmlns:sl="http://www.kadaster.nl/schemas/standlevering-generiek/1.0" """
_RELATION_NAMESPACES = """xmlns:gwr-bestand="www.kadaster.nl/schemas/lvbag/gem-wpl-rel/gwr-deelbestand-lvc/v20200601"
 xmlns:selecties-extract="http://www.kadaster.nl/schemas/lvbag/extract-selecties/v20200601"
 xmlns:bagtypes="www.kadaster.nl/schemas/lvbag/gem-wpl-rel/bag-types/v20200601"
 xmlns:gwr-product="www.kadaster.nl/schemas/lvbag/gem-wpl-rel/gwr-producten-lvc/v20200601" """


def occurrence(number: int = 1, ended: str = "") -> str:
    """The history of an object; ``ended`` names the element that makes it no longer current."""
    end = f"<Historie:{ended}>2020-01-01</Historie:{ended}>" if ended else ""
    return (
        "<Objecten:voorkomen><Historie:Voorkomen>"
        f"<Historie:voorkomenidentificatie>{number}</Historie:voorkomenidentificatie><Historie:beginGeldigheid>2010-08-31</Historie:beginGeldigheid>{end}"
        "</Historie:Voorkomen></Objecten:voorkomen>"
    )


def point(x: float = 131009.0, y: float = 482405.0) -> str:
    return f'<Objecten:punt><gml:Point srsName="urn:ogc:def:crs:EPSG::28992" srsDimension="3">\n <gml:pos>{x} {y} 0.0</gml:pos></gml:Point></Objecten:punt>'


def polygon(ring: str = SQUARE, dimension: int = 2) -> str:
    return (
        f'<gml:Polygon srsName="urn:ogc:def:crs:EPSG::28992" srsDimension="{dimension}"><gml:exterior><gml:LinearRing>'
        f"<gml:posList>{ring}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
    )


def vbo(
    id: str = VBO_ID,
    *,
    status: str = "Verblijfsobject in gebruik",
    uses: Sequence[str] = ("woonfunctie",),
    area: object = 82,
    address: str = NUM_ID,
    side_addresses: Sequence[str] = (),
    buildings: Sequence[str] = (PND_ID,),
    geometry: str = "",
    history: str = "",
) -> str:
    side = "".join(f"<Objecten-ref:NummeraanduidingRef>{each}</Objecten-ref:NummeraanduidingRef>" for each in side_addresses)
    return (
        "<Objecten:Verblijfsobject>"
        + (f"<Objecten:heeftAlsNevenadres>{side}</Objecten:heeftAlsNevenadres>" if side else "")
        + f"<Objecten:heeftAlsHoofdadres><Objecten-ref:NummeraanduidingRef>{address}</Objecten-ref:NummeraanduidingRef></Objecten:heeftAlsHoofdadres>"
        + (history or occurrence())
        + f"<Objecten:identificatie>{id}</Objecten:identificatie><Objecten:geometrie>{geometry or point()}</Objecten:geometrie>"
        + "".join(f"<Objecten:gebruiksdoel>{use}</Objecten:gebruiksdoel>" for use in uses)
        + f"<Objecten:oppervlakte>{area}</Objecten:oppervlakte><Objecten:status>{status}</Objecten:status><Objecten:maaktDeelUitVan>"
        + "".join(f"<Objecten-ref:PandRef>{each}</Objecten-ref:PandRef>" for each in buildings)
        + "</Objecten:maaktDeelUitVan></Objecten:Verblijfsobject>"
    )


def place(kind: str, id: str, *, status: str = "Plaats aangewezen", address: str = NUM_ID, ring: str = SQUARE, dimension: int = 2) -> str:
    """A Ligplaats or a Standplaats."""
    return (
        f"<Objecten:{kind}><Objecten:heeftAlsHoofdadres><Objecten-ref:NummeraanduidingRef>{address}</Objecten-ref:NummeraanduidingRef>"
        f"</Objecten:heeftAlsHoofdadres>{occurrence()}<Objecten:identificatie>{id}</Objecten:identificatie><Objecten:status>{status}</Objecten:status>"
        f"<Objecten:geometrie>{polygon(ring, dimension)}</Objecten:geometrie></Objecten:{kind}>"
    )


def num(id: str = NUM_ID, *, number: object = 15, letter: str = "", suffix: str = "", postcode: str = "1398PN", street: str = OPR_ID, town: str = "") -> str:
    return (
        f"<Objecten:Nummeraanduiding><Objecten:identificatie>{id}</Objecten:identificatie><Objecten:huisnummer>{number}</Objecten:huisnummer>"
        + (f"<Objecten:huisletter>{letter}</Objecten:huisletter>" if letter else "")
        + (f"<Objecten:huisnummertoevoeging>{suffix}</Objecten:huisnummertoevoeging>" if suffix else "")
        + (f"<Objecten:postcode>{postcode}</Objecten:postcode>" if postcode else "")
        + occurrence()
        + f"<Objecten:ligtAan><Objecten-ref:OpenbareRuimteRef>{street}</Objecten-ref:OpenbareRuimteRef></Objecten:ligtAan>"
        + (f"<Objecten:ligtIn><Objecten-ref:WoonplaatsRef>{town}</Objecten-ref:WoonplaatsRef></Objecten:ligtIn>" if town else "")
        + "</Objecten:Nummeraanduiding>"
    )


def opr(id: str = OPR_ID, *, name: str = "Achtergracht", town: str = WPL_CODE) -> str:
    return (
        f"<Objecten:OpenbareRuimte><Objecten:identificatie>{id}</Objecten:identificatie><Objecten:naam>{name}</Objecten:naam><Objecten:ligtIn>"
        f"<Objecten-ref:WoonplaatsRef>{town}</Objecten-ref:WoonplaatsRef></Objecten:ligtIn>{occurrence()}</Objecten:OpenbareRuimte>"
    )


def wpl(code: str = WPL_CODE, *, name: str = "Weesp") -> str:
    return (
        f"<Objecten:Woonplaats><Objecten:identificatie>{code}</Objecten:identificatie><Objecten:naam>{name}</Objecten:naam>{occurrence()}</Objecten:Woonplaats>"
    )


def pnd(id: str = PND_ID, *, year: object = 1935) -> str:
    return (
        f"<Objecten:Pand><Objecten:identificatie>{id}</Objecten:identificatie><Objecten:geometrie>{polygon()}</Objecten:geometrie>"
        f"<Objecten:oorspronkelijkBouwjaar>{year}</Objecten:oorspronkelijkBouwjaar>{occurrence()}</Objecten:Pand>"
    )


def relation(town: str = WPL_CODE, municipality: str = GEM_CODE, *, begin: str = "2016-01-01", end: str = "", status: str = "definitief") -> str:
    until = f"<bagtypes:einddatumTijdvakGeldigheid>{end}</bagtypes:einddatumTijdvakGeldigheid>" if end else ""
    return (
        "<gwr-product:GemeenteWoonplaatsRelatie><gwr-product:tijdvakgeldigheid>"
        f"<bagtypes:begindatumTijdvakGeldigheid>{begin}</bagtypes:begindatumTijdvakGeldigheid>{until}</gwr-product:tijdvakgeldigheid>"
        f"<gwr-product:gerelateerdeWoonplaats><gwr-product:identificatie>{town}</gwr-product:identificatie></gwr-product:gerelateerdeWoonplaats>"
        f"<gwr-product:gerelateerdeGemeente><gwr-product:identificatie>{municipality}</gwr-product:identificatie></gwr-product:gerelateerdeGemeente>"
        f"<gwr-product:status>{status}</gwr-product:status></gwr-product:GemeenteWoonplaatsRelatie>"
    )


def standing(objects: Sequence[str], *, prolog: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    stands = "".join(f"<sl:stand><sl-bag-extract:bagObject>{each}</sl-bag-extract:bagObject></sl:stand>" for each in objects)
    return f"{prolog}<sl-bag-extract:bagStand {_NAMESPACES}><sl:standBestand>{stands}</sl:standBestand></sl-bag-extract:bagStand>"


def relations(items: Sequence[str]) -> str:
    return (
        f'<?xml version="1.0"?><!-- Disclaimer --><gwr-bestand:BAG-GWR-Deelbestand-LVC {_RELATION_NAMESPACES}><gwr-bestand:SelectieGegevens>'
        "<selecties-extract:StandTechnischeDatum>2021-10-15</selecties-extract:StandTechnischeDatum></gwr-bestand:SelectieGegevens>"
        f"<gwr-bestand:Product>{''.join(items)}</gwr-bestand:Product></gwr-bestand:BAG-GWR-Deelbestand-LVC>"
    )


def zipped(members: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", method) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2021, 10, 15, 12, 0, 0))
            info.compress_type = method
            archive.writestr(info, content)
    return memory.getvalue()


def default_parts() -> dict[str, list[str]]:
    """One dwelling with everything it refers to, and no moorings or pitches."""
    return {"VBO": [vbo()], "NUM": [num()], "OPR": [opr()], "WPL": [wpl()], "PND": [pnd()], "LIG": [], "STA": [], "GEM-WPL": [relation()]}


def part_zip(part: str, xml: str | bytes) -> tuple[str, bytes]:
    return f"0457{part}{DAY}.zip", zipped({f"0457{part}{DAY}-000001.xml": xml})


def an_extract(
    path: Path,
    *,
    xml: Mapping[str, str | bytes] | None = None,
    without: Sequence[str] = (),
    parts: Mapping[str, Sequence[str]] | None = None,
    **more: Sequence[str],
) -> Path:
    """An extract at ``path``.

    ``VBO=[vbo(…)]``, or the same in ``parts``, gives the objects of a part; ``xml`` a whole file instead; ``without`` leaves parts out.
    """
    objects = {**default_parts(), **{name.replace("_", "-"): list(each) for name, each in (dict(parts or {}) | more).items()}}
    documents = {name: relations(each) if name == "GEM-WPL" else standing(each) for name, each in objects.items()} | dict(xml or {})
    inner = dict(part_zip(part, text) for part, text in documents.items() if part != "GEM-WPL" and part not in without)
    outer: dict[str, bytes | str] = {f"0457GEM{DAY}.zip": zipped(inner)}
    if "GEM-WPL" not in without:
        outer[f"GEM-WPL-RELATIE-{DAY}.zip"] = zipped({f"GEM-WPL-RELATIE-{DAY}-000001.xml": documents["GEM-WPL"]})
    path.write_bytes(zipped(outer | {"README.md": "not of the BAG"}))
    return path
