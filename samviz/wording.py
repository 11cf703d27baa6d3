"""Texts that come from elsewhere (a path, a file, a library), made fit for one line of a message."""

import re

_REASON = re.compile(r"error message = '([^']+)'")  # the system's, in the many lines of HDF5


def printable(text: str) -> str:
    """The text on one line that does nothing to a terminal, whatever a path or a file put into it."""
    return "".join(letter if letter.isprintable() else "\\" + hex(ord(letter))[1:] for letter in text)


def first_line(error: BaseException) -> str:
    """What an error of the operating system, of HDF5 or of another library says, in one line."""
    text = str(getattr(error, "strerror", None) or error).strip() or type(error).__name__
    told = _REASON.search(text)
    return told[1] if told else text.splitlines()[0]
