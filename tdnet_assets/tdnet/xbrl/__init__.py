"""The XBRL of TDnet's archives: bytes in, exact facts out; no taxonomy and no network needed."""
