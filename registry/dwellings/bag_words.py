"""The words of the BAG (IMBAG 2.0, schema of 2020-06-01) for what the register says in English."""

from typing import Final

from registry.dwellings.model import BagStatus, Use

USES: Final = {
    "woonfunctie": Use.RESIDENTIAL,
    "bijeenkomstfunctie": Use.ASSEMBLY,
    "celfunctie": Use.CELL,
    "gezondheidszorgfunctie": Use.HEALTHCARE,
    "industriefunctie": Use.INDUSTRY,
    "kantoorfunctie": Use.OFFICE,
    "logiesfunctie": Use.LODGING,
    "onderwijsfunctie": Use.EDUCATION,
    "sportfunctie": Use.SPORT,
    "winkelfunctie": Use.RETAIL,
    "overige gebruiksfunctie": Use.OTHER,
}
STATUSES: Final = {
    "Verblijfsobject in gebruik (niet ingemeten)": BagStatus.IN_USE_UNMEASURED,
    "Verblijfsobject in gebruik": BagStatus.IN_USE,
    "Verbouwing verblijfsobject": BagStatus.UNDER_ALTERATION,
    "Verblijfsobject buiten gebruik": BagStatus.OUT_OF_USE,
    "Plaats aangewezen": BagStatus.DESIGNATED,
}
"""Of objects that exist; those of others are in `registry/imports/bag/rules.py`."""
USE_WORDS: Final = {use.value: word for word, use in USES.items()}
STATUS_WORDS: Final = {status: word for word, status in STATUSES.items()}
