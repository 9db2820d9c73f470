"""What schemathesis must be told to send bytes of a media type that it does not know."""

from typing import Any

import schemathesis
from schemathesis import SerializationContext

from api.tus import MEDIA_TYPE
from registry.checklists.xlsform.workbook import XLSX


@schemathesis.serializer(MEDIA_TYPE, XLSX)
def as_bytes(context: SerializationContext, value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value).encode()
