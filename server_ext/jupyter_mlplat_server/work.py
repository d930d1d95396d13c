"""What the engine beside this server is at: whoever stops idle servers has to know.

To ask starts no engine and is no activity.
"""

import asyncio

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlplat.client.link import EngineLink
from jupyter_mlplat_server.handlers import PlatformHandler


class WorkHandler(PlatformHandler):
    """Tells of running work."""

    _track_activity = False

    @web.authenticated
    @authorized("read")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Answer how many runs and tasks there are; none of an engine elsewhere, which goes on."""
        link = EngineLink(start=False)
        status = None if link.remote is not None else await asyncio.to_thread(link.ping)
        found = status or {}
        self.finish({name: found.get(name, 0) for name in ("running_runs", "running_tasks")})
