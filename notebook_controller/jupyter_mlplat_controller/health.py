"""What watches over the controller asks: is it alive, does it work, how much."""

from collections.abc import Callable

from aiohttp import web

Answer = Callable[[], tuple[bool, str]]


async def serve(port: int, alive: Answer, ready: Answer, metrics: Callable[[], bytes]) -> int:
    """Serve `/healthz`, `/readyz` and `/metrics`; return the port, chosen where 0 was given."""

    def check(answer: Answer) -> Callable[[web.Request], web.Response]:
        def respond(request: web.Request) -> web.Response:
            is_well, words = answer()
            return web.Response(text=words + "\n", status=200 if is_well else 503)

        return respond

    async def healthz(request: web.Request) -> web.Response:
        return check(alive)(request)

    async def readyz(request: web.Request) -> web.Response:
        return check(ready)(request)

    async def figures(request: web.Request) -> web.Response:
        return web.Response(body=metrics(), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", figures)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, None, port)
    await site.start()
    return port
