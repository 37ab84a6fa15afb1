"""How a command ends: 0 is success, click itself uses 2 for what cannot be parsed."""

FAILED = 1
"""The work was begun and did not succeed, or what was asked for is not there."""

REFUSED = 2
"""Something that a person can mend kept the work from being done."""

INTERRUPTED = 130
"""Ctrl-C, as shells have it."""

PIPE_CLOSED = 141
"""The reader of the output has gone away, as shells have it; a question has been answered: 0."""
