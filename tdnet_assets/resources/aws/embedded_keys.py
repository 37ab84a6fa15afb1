"""The keys of the embedded AWS, which are no secret; no import, so that anything may import them.

The embedded AWS takes any key, but it checks presigned URLs with these; and the operator's own keys
must never be sent to it.
"""

EMBEDDED_ACCESS_KEY = "embedded"
EMBEDDED_SECRET_KEY = "embedded"  # noqa: S105 - see above
