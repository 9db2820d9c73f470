"""The words of the importer: the parts of an extract, and everything that can be wrong with a file."""

from dataclasses import dataclass
from enum import StrEnum

from registry.errors import RegistryError

SHOWN_CHARACTERS = 160
"""A name or value out of a file appears in a message cut to this many characters, escaped: it may be hostile."""


class Part(StrEnum):
    """What one XML file of an extract holds; the value is Kadaster's abbreviation in the file name."""

    OCCUPIABLE_OBJECT = "VBO"
    MOORING = "LIG"
    PITCH = "STA"
    ADDRESS_DESIGNATION = "NUM"
    STREET = "OPR"
    TOWN = "WPL"
    BUILDING = "PND"
    TOWN_MUNICIPALITY = "GEM-WPL"
    DELIVERY = "Leveringsdocument"


ADDRESSABLE_OBJECTS = (Part.OCCUPIABLE_OBJECT, Part.MOORING, Part.PITCH)
REQUIRED_PARTS = (Part.OCCUPIABLE_OBJECT, Part.ADDRESS_DESIGNATION, Part.STREET, Part.TOWN, Part.BUILDING, Part.TOWN_MUNICIPALITY)
"""Without one of these no dwelling gets a complete record. A municipality without moorings or pitches exists, so those may be absent."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the import is; both in bytes of the outermost zip file. ``stage`` is read, join or apply."""

    stage: str
    done_bytes: int
    total_bytes: int


def shown(value: object) -> str:
    text = ascii(str(value))[1:-1]
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


class BagFileError(RegistryError):
    """The file can't be imported. The facts are printable, also when the file is hostile."""

    code = "bag-file-refused"

    def __init__(self, **facts: object) -> None:
        super().__init__((), **{name: fact if isinstance(fact, int) else shown(fact) for name, fact in facts.items()})


class FileUnreadable(BagFileError):
    code = "file-unreadable"


class NotAZip(BagFileError):
    code = "not-a-zip"


class ZipTruncated(BagFileError):
    code = "zip-truncated"


class ZipDamaged(BagFileError):
    code = "zip-damaged"


class ZipHostileName(BagFileError):
    code = "zip-hostile-name"


class ZipDuplicateName(BagFileError):
    code = "zip-duplicate-name"


class ZipEncrypted(BagFileError):
    code = "zip-encrypted"


class ZipMethodRefused(BagFileError):
    code = "zip-method-refused"


class ZipTooDeep(BagFileError):
    code = "zip-too-deep"


class ZipTooManyMembers(BagFileError):
    code = "zip-too-many-members"


class ZipBomb(BagFileError):
    code = "zip-bomb"


class XmlMalformed(BagFileError):
    code = "xml-malformed"


class XmlDoctypeRefused(BagFileError):
    code = "xml-doctype-refused"


class XmlEncodingRefused(BagFileError):
    code = "xml-encoding-refused"


class XmlUnexpectedRoot(BagFileError):
    code = "xml-unexpected-root"


class XmlObjectTooLarge(BagFileError):
    code = "xml-object-too-large"


class BagNothingFound(BagFileError):
    code = "bag-nothing-found"


class BagPartMissing(BagFileError):
    code = "bag-part-missing"


class BagValueInvalid(BagFileError):
    code = "bag-value-invalid"
