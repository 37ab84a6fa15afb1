"""The named jobs: what a person or a sensor starts, each with the assets of one kind of work.

What belongs here: which assets a job makes. What does not: when it is started.

Checks are evaluated with their assets, but not planned: a plan is one more event for each of them,
in the log and in the table of checks, of every run.
"""

from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition as Job,  # what dg.define_asset_job gives; not exported
)

from tdnet_assets.automation.day_runs import COLLECT_DAY
from tdnet_assets.tables.recipes import COLLECTION, DERIVATION, RECIPES, names

__all__ = ["Job", "Jobs", "build_jobs"]


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs by name."""

    collect_day: Job
    collection: Job
    derivation: Job
    yearly_copies: Job

    @property
    def all(self) -> list[Job]:
        """Every job, the one of a whole day first."""
        return [self.collect_day, self.collection, self.derivation, self.yearly_copies]


def build_jobs(yearly_copies: dg.AssetSelection) -> Jobs:
    """The jobs of this code location."""
    return Jobs(
        collect_day=dg.define_asset_job(
            COLLECT_DAY,
            selection=dg.AssetSelection.assets(*RECIPES).without_checks(),
            description="Everything of a day: asks TDnet for what is new, and makes all tables.",
        ),
        collection=dg.define_asset_job(
            COLLECTION,
            selection=dg.AssetSelection.assets(*names(COLLECTION)).without_checks(),
            description="The list and the files of a day: asks TDnet, one run at a time.",
        ),
        derivation=dg.define_asset_job(
            DERIVATION,
            selection=dg.AssetSelection.assets(*names(DERIVATION)).without_checks(),
            description="What is made of a day's list and files: asks nobody, waits for nobody.",
        ),
        yearly_copies=dg.define_asset_job(
            "yearly_copies",
            selection=yearly_copies,
            description="A year's rows by company, copied from its days.",
        ),
    )
