"""Whose name goes to the engine with a change."""

from types import SimpleNamespace

import pytest
from jupyter_server.auth import User

from jupyter_mlplat_server.handlers import RouteHandler


@pytest.mark.parametrize(
    ("user", "name"),
    [
        (User("ana", name="Whatever she wrote on her card"), "ana"),
        (User("ana@example.org"), "ana@example.org"),
        (User("0123456789abcdef0123456789abcdef", name="Anonymous Io"), None),
        (None, None),
    ],
    ids=["named", "mail", "token only", "nobody"],
)
def test_name_is_the_one_the_server_knows(user: User | None, name: str | None) -> None:
    asking = SimpleNamespace(current_user=user)

    assert RouteHandler._user_name(asking) == name  # type: ignore[arg-type]
