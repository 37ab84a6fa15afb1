"""The reader: pages, an API and a feed over the catalogue, for people who read disclosures.

What belongs here: what is asked for over HTTP, and what is answered. Nothing is written anywhere,
and nothing of Dagster is needed. What does not: which files answer a question (``catalog.py``).
"""
