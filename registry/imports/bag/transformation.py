"""From RD New (EPSG:28992) to longitude and latitude on ETRS89 (EPSG:4258), by pyproj, without the network.

The official RDNAPTRANS needs a correction grid. pyproj brings none; without it the Dutch seven-parameter transformation is used. ETRS89 is within
a metre of WGS 84, which the accuracy below leaves out.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pyproj
from pyproj.transformer import Transformer, TransformerGroup

DEGREE_DECIMALS = 8
"""About a millimetre; and no difference between two versions of PROJ shows up as a change of every dwelling."""


@dataclass(frozen=True, slots=True)
class Transformation:
    """``accuracy_m`` is what EPSG says about it; none when unknown."""

    name: str
    accuracy_m: float | None
    uses_correction_grid: bool


def describe_transformation() -> Transformation:
    transformer = _transformer()
    return Transformation(
        name=transformer.description,
        accuracy_m=transformer.accuracy if transformer.accuracy >= 0 else None,
        uses_correction_grid="grids=" in transformer.definition,
    )


def lon_lat(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    """Degrees for coordinates in metres, which must lie in the area of RD."""
    longitudes, latitudes = _transformer().transform(xs, ys)
    return [(round(lon, DEGREE_DECIMALS), round(lat, DEGREE_DECIMALS)) for lon, lat in zip(longitudes, latitudes, strict=True)]


@cache
def _transformer() -> Transformer:
    pyproj.network.set_network_enabled(False)  # type: ignore[attr-defined]  # documented, but missing from the module's __all__
    with warnings.catch_warnings():
        # "Best transformation is not available": the report says so in better words.
        warnings.simplefilter("ignore", UserWarning)
        return TransformerGroup("EPSG:28992", "EPSG:4258", always_xy=True, allow_ballpark=False).transformers[0]
