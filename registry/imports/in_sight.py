"""What whoever sends a file sees and keeps, asked for each row that is found.

A job acts as the role of the API with the sender's claims, so row-level security decides what is found at all (`running.Job.as_sender`). `queries.visible_to`
says the same for a page; for thousands of dwellings that are named one by one it would go through all that a corporation has, for each chunk of a file.
"""

from typing import Final

import sqlalchemy as sa

from registry.dwellings.model import Dwelling

KEPT: Final = sa.func.keeps_row_of_dwelling(Dwelling.id, Dwelling.municipality_code, Dwelling.registrar_id, type_=sa.Boolean)
"""Whether she may write about the dwelling, too (`queries.kept_by`)."""
