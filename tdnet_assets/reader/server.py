"""The reader's process: an address, a door, and uvicorn until it is told to stop.

What belongs here: binding and refusing to bind. What does not: the application.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import uvicorn

from tdnet_assets.config import ConfigurationError, PlatformConfig, ReaderSettings
from tdnet_assets.reader.access import LOGGER, Door, is_loopback_address
from tdnet_assets.reader.application import application

DEFAULT_PORT: Final = 3100
CONNECTIONS: Final = 256
KEEP_ALIVE_SECONDS: Final = 20
_GRACE_SECONDS: Final = 10


def require_token(host: str, settings: ReaderSettings) -> None:
    """Refuse to be reachable from elsewhere without a token.

    Raises:
        ConfigurationError: the address is not of this machine alone, and no token is set.
    """
    if not is_loopback_address(host) and not settings.token:
        raise ConfigurationError(
            f"{host} can be reached from other machines: set TDNET_READER_TOKEN to 16 or more "
            "characters that readers have to know, or bind 127.0.0.1"
        )


def serve(
    config: PlatformConfig,
    settings: ReaderSettings,
    *,
    host: str,
    port: int,
    ready: Callable[[str], None],
) -> None:
    """Answer until SIGINT or SIGTERM.

    Args:
        config: where everything is; connected.
        settings: who may read.
        host: the address to bind.
        port: 0 for any that is free.
        ready: told the address once it answers.

    Raises:
        ConfigurationError: it must not bind this address.
        OSError: the port is taken.
    """
    require_token(host, settings)
    _log_requests()
    server = _Server(
        uvicorn.Config(
            application(config, Door(settings, host)),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            h11_max_incomplete_event_size=16_384,
            ws="none",
        ),
        ready,
    )
    asyncio.run(server.serve())


class _Server(uvicorn.Server):
    """A server that says where it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: object = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
            self._ready(f"http://{host}:{port}")


def _log_requests() -> None:
    """One line a request on standard error, without queries and headers."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
