"""Telling people: what is due, to whom it is sent, and how, without ever slowing collection."""
