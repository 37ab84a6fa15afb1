"""A day that grows while it is derived: what a batch of new archives costs when many are stored.

What belongs here: collecting all of a peak day but some archives, deriving it, then telling of the
rest a batch at a time and deriving again, as a live session does, in one process. What does not:
the whole day at once (``peak_day.py``).

Run it with ``python -m benchmarks.live_batches``.
"""

import asyncio
import os
import time

import click
import polars as pl

from benchmarks.peak_day import DAY, collect, setting
from tdnet_assets.assets.day_run import make
from tdnet_assets.assets.progress import RunProgress
from tdnet_assets.assets.steps import Day
from tdnet_assets.config import PlatformConfig
from tdnet_assets.definitions import DERIVATION_STEPS
from tdnet_assets.resources.aws.executions import ExecutionsResource
from tdnet_assets.resources.aws.index_table import DisclosureIndexResource
from tdnet_assets.resources.day_states import read_day_state
from tdnet_assets.resources.lake.store import LakeResource
from tdnet_assets.tables.wholeness import MADE_FROM, READER, RESULT

COLLECTION = "listing_pages,disclosures,documents"


@click.command()
@click.option("--size", default=2694, show_default=True, help="Disclosures of the day.")
@click.option("--batch", default=50, show_default=True, help="Archives of a batch.")
def main(size: int, batch: int) -> None:
    """Measure the derivation of a day's last batches of archives, step by step."""
    with setting({DAY: size}, 5_000) as parts:
        collect(parts, DAY, "--select", COLLECTION)
        config = PlatformConfig.from_environment(parts.variables).changed(embedded_aws=True)
        lake = LakeResource(config=config)
        documents = lake.read_table("documents", DAY)
        if documents is None:
            raise RuntimeError("nothing was collected")
        numbers = documents.frame.filter(pl.col("kind") == "xbrl")["disclosure_id"].sort()
        print(f"\n{len(numbers)} archives, {os.cpu_count()} processors: CPU s")
        print(f"{'archives':>10}" + "".join(f"{step.name:>20}" for step in DERIVATION_STEPS))
        for known in range(len(numbers) - 3 * batch, len(numbers) + 1, batch):
            late = numbers[known:].to_list()
            is_late = (pl.col("kind") == "xbrl") & pl.col("disclosure_id").is_in(late)
            metadata = {name: documents.metadata[name] for name in (READER, RESULT, MADE_FROM)}
            lake.write_table("documents", DAY, documents.frame.filter(~is_late), metadata)
            seconds = _derive(config, lake)
            total = sum(seconds)
            print(f"{known:>10}" + "".join(f"{one:>20.2f}" for one in seconds) + f"{total:>9.2f}")


def _derive(config: PlatformConfig, lake: LakeResource) -> list[float]:
    index = DisclosureIndexResource(config=config)
    progress = RunProgress(ExecutionsResource(config=config), "nobody", days=1)
    state = read_day_state(lake, index, DAY)
    day = Day(DAY, lake, index, progress, state, say=print)
    seconds = []
    for step in DERIVATION_STEPS:
        before = time.process_time()
        day.versions.clear()
        asyncio.run(make(step, day))
        day.refresh()
        seconds.append(time.process_time() - before)
    return seconds


if __name__ == "__main__":
    main()
