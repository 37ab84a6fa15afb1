"""TDnet's timely disclosures as daily-partitioned Dagster assets in S3.

Import concrete submodules directly; this package stays free of import-time wiring. Nothing imports
upward: the layers are contracts in ``setup.cfg``, and ``docs/architecture.md`` says what is where.
"""
