"""The root of all errors of this project, and how a refusal shows what it saw.

What belongs here: the base classes, so that a caller can catch every error of the project, or every
refusal of what TDnet sent, in one place, and the safe display of foreign text. What does not: the
errors themselves, which live beside the code that raises them, apart from the one that a whole
package shares.
"""

SHOWN_LENGTH = 80


class TdnetAssetsError(Exception):
    """An error with a name of this project; its message is for a person: what was seen, what to do.

    Whatever else is raised is a fault of the code, or comes from a library.
    """


class TdnetError(TdnetAssetsError):
    """Something that TDnet sent is not what it should be; the message says what and what to do."""


class FilingError(TdnetError):
    """An archive cannot be read as a whole; no fact of it may be used.

    The message says which document, where in it, what was seen and what to do.
    """


def shown(seen: str | bytes) -> str:
    """Foreign text or bytes, fit for a message: quoted, escaped, at most 80 characters of it."""
    return f"{seen[:SHOWN_LENGTH]!r}{'…' if len(seen) > SHOWN_LENGTH else ''}"
