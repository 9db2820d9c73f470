"""Every kind of import, by name."""

from collections.abc import Mapping
from typing import Final

from registry.imports.bag_kind import BagExtract
from registry.imports.dwellings import Dwellings
from registry.imports.energy_labels import EnergyLabels
from registry.imports.kinds import Kind
from registry.imports.milestones import Milestones
from registry.imports.model import ImportKind
from registry.imports.portfolio import Portfolio

_ALL: Final[tuple[Kind, ...]] = (BagExtract(), Dwellings(), Portfolio(), Milestones(), EnergyLabels())
KINDS: Final[Mapping[ImportKind, Kind]] = {each.kind: each for each in _ALL}
