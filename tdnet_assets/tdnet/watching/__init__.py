"""Watch-lists: what somebody wants to be told of, whether a disclosure is that, and the message."""
