"""The process of the page, started by the hub: ``python -m swarmhub_spawner.page``."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import signal
import sys
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from tornado.log import app_log
from tornado.web import Application

from swarmhub_spawner.page.feed import Feed
from swarmhub_spawner.page.handlers import routes
from swarmhub_spawner.page.rendering import Renderer
from swarmhub_spawner.page.service import ACCESS, BIND, CERTIFICATES, NAME, STATE_URL, TOKEN, URL
from swarmhub_spawner.page.tls import certificate, listening


async def serve() -> None:
    """Serve until the hub says that it is over."""
    place, token = urlsplit(os.environ[URL]), os.environ[TOKEN]
    base = os.environ.get("JUPYTERHUB_BASE_URL", "/")
    prefix = f"{base}services/{NAME}/"
    files = certificate(os.environ.get(CERTIFICATES, ""))
    HubOAuth.instance(  # the one that all handlers ask
        api_token=token,
        base_url=prefix,
        oauth_client_id=f"service-{NAME}",
        oauth_redirect_uri=f"{prefix}oauth_callback",
        access_scopes={"access:services", ACCESS},
        **files,
    )
    loop = asyncio.get_running_loop()
    feed = Feed(os.environ[STATE_URL], loop)
    feed.start()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    application = Application(
        routes(prefix, feed, Renderer(prefix, f"{base}hub/")),
        cookie_secret=hashlib.sha256(f"swarmhub-page {token}".encode()).digest(),
        xsrf_cookies=True,
    )
    server = HTTPServer(application, xheaders=True, ssl_options=listening(files))
    server.listen(place.port or 80, os.environ.get(BIND) or place.hostname)
    app_log.info("The page listens at %s", place.geturl())
    await ended.wait()
    server.stop()
    feed.close()


def main() -> None:
    """Run the page."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="[%(levelname)1.1s %(asctime)s swarmhub-page] %(message)s",
    )
    logging.getLogger("tornado.access").setLevel(logging.WARNING)
    asyncio.run(serve())


if __name__ == "__main__":
    main()
