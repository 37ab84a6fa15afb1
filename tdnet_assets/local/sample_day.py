"""The day of the sample site that a demonstration collects."""

from datetime import date, timedelta

from tdnet_assets.local.services import require_sample_site


def latest_whole_business_day(today: date) -> date:
    """The last day before today (JST) on which the sample exchange was open.

    Raises:
        tdnet_assets.local.services.ServicesError: this installation has no sample site.
    """
    require_sample_site()
    # Not at the top: the production image leaves the sample site out.
    from tdnet_assets.sample_site.business_days import is_business_day  # noqa: PLC0415

    day = today - timedelta(days=1)
    while not is_business_day(day):
        day -= timedelta(days=1)
    return day
