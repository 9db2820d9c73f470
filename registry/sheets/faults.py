"""What can be wrong with a file of rows as a whole."""

from registry.errors import Cell, Fault, RuleViolation, pointer


class FileRefused(RuleViolation):
    """The file can't be read as rows, or not further than where it breaks off. One fault says why; its ``cell`` says where, when there is a place."""

    code = "file-refused"


def refused(code: str, **facts: object) -> FileRefused:
    """Of the file as a whole."""
    return FileRefused([Fault("", code, facts)])


def broken_off(row: int, code: str, **facts: object) -> FileRefused:
    """From ``row`` on the file can't be read."""
    return FileRefused([Fault(pointer("rows", row), code, facts, Cell(row, "", str(row)))])
