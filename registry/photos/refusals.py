"""Why the decoder shows nothing of a file. For the child: it imports nothing."""


class Refused(Exception):
    """``str()`` says more, for the log."""

    code: str


class Damaged(Refused):
    """The file is not whole."""

    code = "damaged"


class TooManyPixels(Refused):
    code = "too-many-pixels"


class NotUnderstood(Refused):
    """The decoder falls short of the file; a later one may not. Nothing is held against the photo."""

    code = "not-understood"
