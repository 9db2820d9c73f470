"""Which housing corporation a cell names: by its id, its slug, or its name, without regard to capitals, accents and punctuation."""

from collections import defaultdict
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.imports.kinds import RowFault
from registry.organisations.model import Organisation, OrganisationKind
from registry.sheets.headers import normal

_CLOSE_ENOUGH: Final = 0.6
"""For difflib, which gives 1 to the same word."""
_SUGGESTIONS: Final = 3


class Corporations:
    """All of them: there are a few hundred in the country."""

    def __init__(self, session: Session) -> None:
        query = sa.select(Organisation.id, Organisation.slug, Organisation.name).where(Organisation.kind == OrganisationKind.CORPORATION)
        found = session.execute(query.order_by(Organisation.slug)).all()
        self.names: Mapping[UUID, str] = {row.id: row.name for row in found}
        self._slugs = {row.id: row.slug for row in found}
        self._exact = {**{str(row.id): row.id for row in found}, **{row.slug: row.id for row in found}}
        self._by_name: dict[str, list[UUID]] = defaultdict(list)
        for row in found:
            self._by_name[normal(row.name)].append(row.id)
        self._answers: dict[str, UUID | RowFault] = {}

    def find(self, cell: str, column: str) -> UUID | RowFault:
        if cell not in self._answers:
            self._answers[cell] = self._find(cell, column)
        return self._answers[cell]

    def _find(self, cell: str, column: str) -> UUID | RowFault:
        exact = self._exact.get(cell.casefold())
        named = [exact] if exact else self._by_name.get(normal(cell), [])
        if len(named) == 1:
            return named[0]
        if named:
            return RowFault(column, "name-ambiguous", {"name": cell, "found": ", ".join(sorted(self._slugs[id] for id in named))})
        called = {**{normal(slug): id for id, slug in self._slugs.items()}, **{name: ids[0] for name, ids in self._by_name.items()}}
        close = get_close_matches(normal(cell)[:100], called, _SUGGESTIONS, _CLOSE_ENOUGH)
        if not close:
            return RowFault(column, "no-such-corporation", {"name": cell})
        suggestions = ", ".join(dict.fromkeys(self.names[called[name]] for name in close))
        return RowFault(column, "no-such-corporation-perhaps", {"name": cell, "suggestions": suggestions})
