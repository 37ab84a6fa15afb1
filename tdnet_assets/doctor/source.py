"""TDnet: may it be asked, and does it answer?

What belongs here: the terms, and at most one request, which waits for nobody. What does not: what
is published today, which is the sensor's.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from tdnet_assets.config import is_loopback
from tdnet_assets.doctor.examination import TIMEOUT_SECONDS, Examination
from tdnet_assets.doctor.findings import Check, Finding, failed, ok, warning
from tdnet_assets.resources.source.answers import SessionBusyError, TransientSourceError
from tdnet_assets.resources.source.session import TdnetResource
from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.listing import TOKYO, page_name, parse_list_page

_TERMS: Final = "TDnet terms"
_TDNET: Final = "TDnet"


def terms(examination: Examination) -> Iterator[Finding]:
    """The operator has said that the configured host may be asked, and who asks."""
    config = examination.config
    if examination.refusal:
        yield failed(
            _TERMS, examination.refusal, "set the variable that it names; nothing is asked"
        )
    elif is_loopback(config.tdnet_base_url):
        yield ok(_TERMS, "not needed on this machine")
    else:
        yield ok(
            _TERMS,
            f"accepted, as {config.contact}, {config.requests_per_second:g} requests a second",
        )


def reachability(examination: Examination) -> Iterator[Finding]:
    """The first list page of the day before is there and can be read: one request, no retry.

    That day is over, so its page is there at any hour, and on any day of the week.
    """
    config = examination.config
    day = examination.clock().astimezone(TOKYO).date() - timedelta(days=1)
    tdnet = TdnetResource(config=config)
    try:
        answer = asyncio.run(
            tdnet.look(page_name(day, 1), if_modified_since=None, timeout_seconds=TIMEOUT_SECONDS)
        )
        page = parse_list_page(answer.content or b"", day=day, page=1)
    except SessionBusyError as busy:
        yield warning(_TDNET, f"not asked: {busy}", "run `tdnet doctor` again when it is over")
    except TransientSourceError as error:
        yield failed(
            _TDNET, str(error), f"see whether {config.tdnet_base_url} answers from this machine"
        )
    except TdnetError as error:
        yield failed(
            _TDNET,
            str(error),
            "is TDNET_BASE_URL where the list pages are? If so, the page has changed: see the "
            "checks of the last run",
        )
    else:
        yield ok(_TDNET, f"{config.tdnet_base_url} lists {page.total} disclosures of {day}")


CHECKS: Final = (Check(_TERMS, terms), Check(_TDNET, reachability, needs=(_TERMS,)))
