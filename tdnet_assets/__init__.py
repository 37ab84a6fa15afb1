"""TDnet's timely disclosures as daily-partitioned Dagster assets in S3.

Import concrete submodules directly; this package stays free of import-time wiring. Data flows one
way: ``tdnet/`` (pure parsing) knows nobody, ``resources/`` (HTTP, S3, DynamoDB, CloudWatch) know
``tdnet/`` and ``config``, ``assets/`` know the resources, ``definitions`` knows all.
"""
