"""The card of a run as a notebook keeps it, drawn anew from what the engine says now.

A kernel draws the cards it has shown for as long as it lives. What it has left behind is drawn
here: after a restart of the kernel, after a reload without one. No engine is started for it.
"""

import asyncio

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlplat_server.handlers import PlatformHandler


class CardHandler(PlatformHandler):
    """Draws the card of a run, or of one step of it that is a job."""

    @web.authenticated
    @authorized("read")  # type: ignore[untyped-decorator]
    async def get(self, run: str) -> None:
        """Answer a bundle of MIME types."""
        step = self.get_query_argument("step", None)
        self.finish(await asyncio.to_thread(_draw, run, step))


def _draw(run: str, step: str | None) -> dict[str, str]:
    # Imported on demand: a server that nobody asks must not carry pydantic.
    from jupyter_mlplat.client.engine import EngineClient
    from jupyter_mlplat.client.job_finding import as_job, find_job
    from jupyter_mlplat.client.views import html

    client = EngineClient(start=False)
    shown = find_job(client, run, step) if step else as_job(client, client.get_run(run))
    shown.measure()
    return {"text/html": html.draw(shown.view()), "text/plain": repr(shown)}
