"""What the XBRL reader refuses.

What belongs here: the one error of this package, raised by each of its modules.
"""

from tdnet_assets.tdnet.errors import TdnetError


class FilingError(TdnetError):
    """An archive cannot be read as a whole; no fact of it may be used.

    The message says which document, where in it, what was seen and what to do.
    """
