"""Plans carried out: write by write, each against what was seen, never without leave."""

from collections.abc import Awaitable, Callable

from jupyter_mlplat_controller.api import Api, ApiError
from jupyter_mlplat_controller.mirrors import World
from jupyter_mlplat_controller.plans import (
    Create,
    Delete,
    Key,
    Kind,
    Obj,
    Patch,
    Plan,
    Replace,
    key_of,
)


class Stale(Exception):
    """What was seen is no longer so; it was looked at again, and another plan has to be made."""


class Hands:
    """Writes what plans say and remembers the answers.

    Args:
        api: The API server.
        world: Is told what was answered, so that the next plan knows of it.
        leave: Raises where this process may not write (any more); asked before every write.
    """

    def __init__(self, api: Api, world: World, leave: Callable[[], None]) -> None:
        self._api = api
        self._world = world
        self._leave = leave

    async def carry_out(self, plan: Plan) -> None:
        """Write all of a plan.

        Raises:
            ApiError: A write was not done; those before it were.
            Stale: An object was other than it was seen.
        """
        for write in plan.writes:
            self._leave()
            match write:
                case Create(kind, body):
                    await self._create(kind, body)
                case Replace(kind, body):
                    await self._change(kind, key_of(body), self._api.replace(kind, body))
                case Patch(kind, key, version, body, subresource):
                    metadata = {**(body.get("metadata") or {}), "resourceVersion": version}
                    merged = {**body, "metadata": metadata}
                    await self._change(kind, key, self._api.patch(kind, key, merged, subresource))
                case Delete(kind, key, uid):
                    await self._delete(kind, key, uid)

    async def _create(self, kind: Kind, body: Obj) -> None:
        try:
            self._learn(kind, await self._api.create(kind, body))
        except ApiError as error:
            if not error.is_conflict:
                raise
            await self._look(kind, key_of(body))
            raise Stale(f"{kind.kind} {key_of(body).name} is there already") from error

    async def _change(self, kind: Kind, key: Key, answer: Awaitable[Obj]) -> None:
        try:
            self._learn(kind, await answer)
        except ApiError as error:
            if not (error.is_conflict or error.is_missing):
                raise
            await self._look(kind, key)
            raise Stale(f"{kind.kind} {key.name} has changed") from error

    async def _delete(self, kind: Kind, key: Key, uid: str) -> None:
        try:
            await self._api.delete(kind, key, uid)
        except ApiError as error:
            if not (error.is_conflict or error.is_missing):
                raise
            await self._look(kind, key)

    async def _look(self, kind: Kind, key: Key) -> None:
        mirror = self._world.of_kind(kind)
        try:
            body = await self._api.get(kind, key)
        except ApiError as error:
            if not error.is_missing:
                raise
            if mirror is not None:
                mirror.forget(key)
            return
        if mirror is not None:
            mirror.meet(body)

    def _learn(self, kind: Kind, body: Obj) -> None:
        mirror = self._world.of_kind(kind)
        if mirror is not None:
            mirror.learn(body)
