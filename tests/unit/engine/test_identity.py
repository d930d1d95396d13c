"""Who asks is proved, or nobody is let in."""

import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
import pytest
from starlette.requests import Request

from jupyter_mlplat.engine.api.identity import Identities, User, profile_of
from jupyter_mlplat.engine.api.keys import Keys
from jupyter_mlplat.engine.sharing import OidcConfig, ProxyConfig, read_server
from jupyter_mlplat.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from tests.fakes.sharing import AUDIENCE, ISSUER, Issuer, claims, private_key, public_jwk, token


def asking(address: str = "192.0.2.1", **headers: str) -> Request:
    sent = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in headers.items()
    ]
    return Request({"type": "http", "headers": sent, "client": (address, 1), "path": "/"})


async def who(bearer: str, issuer: Issuer | None = None, **config: Any) -> User:
    identities = Identities([(issuer or Issuer()).believed(**config)])
    return await identities.of(asking(authorization=f"Bearer {bearer}"))


async def test_user_and_groups_are_those_of_the_token() -> None:
    user = await who(
        token("anna@example.org", groups=["team", "staff"], exp=2_000_000_000),
        user_prefix="oidc:",
        groups_prefix="oidc:",
    )

    expires_at = 2_000_000_030.0
    assert user == User("oidc:anna@example.org", ("oidc:team", "oidc:staff"), expires_at)


def forged(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    def part(value: bytes) -> str:
        return urlsafe_b64encode(value).rstrip(b"=").decode()

    parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
    return ".".join(part(value) for value in parts)


def signed_with_public_key() -> str:
    """The classic: the public key, taken for the secret of an HMAC."""
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = private_key().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = forged({"alg": "HS256", "kid": "k1"}, claims("eve")).rstrip(".")
    signature = hmac.new(pem, text.encode(), hashlib.sha256).digest()
    return f"{text}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def with_another_user() -> str:
    header, _, signature = token("anna").split(".")
    body = urlsafe_b64encode(json.dumps(claims("eve")).encode()).rstrip(b"=").decode()
    return f"{header}.{body}.{signature}"


NOW = int(time.time())
WORTHLESS = {
    "empty": lambda: "",
    "no token": lambda: "anna",
    "not signed": lambda: forged({"alg": "none", "kid": "k1"}, claims("eve")),
    "not signed, in capitals": lambda: forged({"alg": "NONE", "kid": "k1"}, claims("eve")),
    "signature left out": lambda: forged({"alg": "RS256", "kid": "k1"}, claims("eve")),
    "public key as a secret": signed_with_public_key,
    "other user put in": with_another_user,
    "signed by somebody else": lambda: jwt.encode(
        claims("eve"), private_key("mallory"), "RS256", headers={"kid": "k1"}
    ),
    "key that the issuer has not": lambda: token("eve", key="k9"),
    "key in the token": lambda: jwt.encode(
        claims("eve"),
        private_key("mallory"),
        "RS256",
        headers={"kid": "k9", "jwk": public_jwk("mallory")},
    ),
    "algorithm that is not accepted": lambda: jwt.encode(
        claims("eve"), private_key(), "RS512", headers={"kid": "k1"}
    ),
    "expired": lambda: token("anna", exp=NOW - 60),
    "without an end": lambda: token("anna", exp=None),
    "end that is no number": lambda: token("anna", exp=True),
    "from tomorrow on": lambda: token("anna", nbf=NOW + 86_400),
    "of another audience": lambda: token("anna", aud="grafana"),
    "of no audience": lambda: token("anna", aud=None),
    "of another issuer": lambda: token("anna", iss="https://evil.example"),
    "of no issuer": lambda: token("anna", iss=None),
    "issuer that is a list": lambda: forged(
        {"alg": "RS256", "kid": "k1"}, {**claims("eve"), "iss": [ISSUER]}
    ),
    "nobody": lambda: token("anna", sub=None),
    "user of the cluster's own": lambda: token("system:admin"),
    "the same with another case": lambda: token("System:Admin"),
    "group of the cluster's own": lambda: token("anna", groups=["system:masters"]),
    "name with an end of line": lambda: token("anna\nroot"),
    "very long": lambda: token("a" * 20_000),
}


@pytest.mark.parametrize("make", WORTHLESS.values(), ids=WORTHLESS.keys())
async def test_worthless_token_lets_nobody_in(make: Any) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await who(make())

    assert make()[:20] not in refused.value.message or not make()


@pytest.mark.parametrize(
    "header", ["", "Basic YTpi", "Bearer", "Bearer ", "Token x", "bearer a b"], ids=repr
)
async def test_only_bearer_tokens_count(header: str) -> None:
    with pytest.raises(Unauthenticated):
        await Identities([Issuer().believed()]).of(asking(authorization=header))


async def test_nothing_in_a_cookie_or_a_query_counts() -> None:
    request = asking(cookie=f"token={token('anna')}")

    with pytest.raises(Unauthenticated, match="bearer token"):
        await Identities([Issuer().believed()]).of(request)


def test_shared_secrets_cannot_be_set() -> None:
    with pytest.raises(ValueError, match="no signature with a public key"):
        OidcConfig(issuer=ISSUER, audience=AUDIENCE, algorithms=("HS256",))


async def test_unverified_email_is_no_name() -> None:
    bearer = token("1", email="anna@example.org", email_verified=False)

    with pytest.raises(Unauthenticated, match="never verified"):
        await who(bearer, user="email")


async def test_service_account_is_one_of_the_cluster() -> None:
    user = await who(token("system:serviceaccount:anna:default-editor"), service_accounts=True)

    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:anna")
    assert user.own_profile == "anna"


async def test_cluster_names_service_accounts_only() -> None:
    with pytest.raises(Unauthenticated, match="service account"):
        await who(token("system:node:a"), service_accounts=True)


# - keys -


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_keys_are_fetched_once_and_again_when_the_issuer_has_new_ones() -> None:
    issuer, clock = Issuer(), Clock()
    keys = Keys(OidcConfig(issuer=ISSUER, audience=AUDIENCE), issuer.fetch, clock)
    await keys.get("k1")
    await keys.get("k1")
    assert len(issuer.fetched) == 2  # where they are, and the keys

    issuer.keys.append(public_jwk("k2"))
    clock.now = 31.0
    assert (await keys.get("k2")).key_id == "k2"


async def test_unknown_keys_do_not_make_the_engine_ask_without_end() -> None:
    issuer, clock = Issuer(), Clock()
    keys = Keys(OidcConfig(issuer=ISSUER, audience=AUDIENCE), issuer.fetch, clock)

    for name in range(50):
        with pytest.raises(Unauthenticated):
            await keys.get(f"forged-{name}")

    assert len(issuer.fetched) == 2


async def test_keys_outlast_an_issuer_that_is_away_for_a_while() -> None:
    issuer, clock = Issuer(), Clock()
    keys = Keys(OidcConfig(issuer=ISSUER, audience=AUDIENCE), issuer.fetch, clock)
    await keys.get("k1")

    issuer.is_away, clock.now = True, 3600.0
    await keys.get("k1")
    clock.now = 25 * 3600.0
    with pytest.raises(Unavailable, match="cannot be had now"):
        await keys.get("k1")


async def test_symmetric_and_encryption_keys_are_no_keys() -> None:
    issuer = Issuer([{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}, {**public_jwk(), "use": "enc"}])

    with pytest.raises(Unavailable):
        await who(token("anna"), issuer)


# - a proxy that says who asks -

PROXY = ProxyConfig(user_header="kubeflow-userid", groups_header="groups", addresses=("10.0.0.7",))


async def test_proxy_is_believed() -> None:
    request = asking("10.0.0.7", kubeflow_userid="jürgen@example.org", groups="team, staff")

    user = await Identities([], PROXY).of(request)

    assert user == User("jürgen@example.org", ("team", "staff"))


@pytest.mark.parametrize("address", ["10.0.0.8", "::ffff:10.0.0.8", "", "testclient"])
async def test_header_from_elsewhere_is_refused_even_with_a_good_token(address: str) -> None:
    identities = Identities([Issuer().believed()], PROXY)
    request = asking(address, kubeflow_userid="eve", authorization=f"Bearer {token('anna')}")

    with pytest.raises(Unauthenticated, match="not the proxy"):
        await identities.of(request)


async def test_header_means_nothing_where_no_proxy_is_set() -> None:
    request = asking("10.0.0.7", kubeflow_userid="eve", x_forwarded_user="eve")

    with pytest.raises(Unauthenticated, match="bearer token"):
        await Identities([Issuer().believed()]).of(request)


async def test_forwarded_address_is_not_believed() -> None:
    request = asking("10.0.0.8", kubeflow_userid="eve", x_forwarded_for="10.0.0.7")

    with pytest.raises(Unauthenticated):
        await Identities([], PROXY).of(request)


@pytest.mark.parametrize("shown", ["", "wrong", "0123456789abcdef "], ids=repr)
async def test_proxy_must_know_the_secret(tmp_path: Path, shown: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef\n")
    config = ProxyConfig(user_header="user", secret_file=secret)
    good = asking(user="anna", **{"mlplat-proxy-secret": "0123456789abcdef"})
    assert (await Identities([], config).of(good)).name == "anna"

    with pytest.raises(Unauthenticated):
        await Identities([], config).of(asking(user="anna", **{"mlplat-proxy-secret": shown}))


async def test_empty_secret_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    config = ProxyConfig(user_header="user", secret_file=tmp_path / "secret")

    with pytest.raises(Unavailable, match="at least 16"):
        await Identities([], config).of(asking(user="anna"))


async def test_proxy_cannot_name_the_cluster_s_own() -> None:
    request = asking("10.0.0.7", kubeflow_userid="system:masters")

    with pytest.raises(Unauthenticated, match="names nobody"):
        await Identities([], PROXY).of(request)


# - profiles -


@pytest.mark.parametrize(
    ("user", "own"),
    [
        ("anna@example.org", "anna"),
        ("Anna.Lee@example.org", "anna-lee"),
        ("system:serviceaccount:team-a:default", "team-a"),
        ("x" * 100, "x" * 63),
    ],
)
def test_own_profile_follows_the_name(user: str, own: str) -> None:
    assert User(user).own_profile == own


def test_user_without_a_letter_has_to_name_a_profile() -> None:
    with pytest.raises(InvalidInput, match="Name one"):
        _ = User("@@@").own_profile


BAD_NAMES = ["..", ".", "", "%2e%2e", "..%2fbea", "Bea", "bea.", "-bea", "bea-", "b\u00e9a"]
BAD_NAMES += ["\u0430nna", "anna%00", "anna\n", "x" * 64, "anna;", "anna\\bea", "~", "\uff0e\uff0e"]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_name_that_is_none_names_no_profile(name: str) -> None:
    request = Request({"type": "http", "headers": []})
    with pytest.raises(NotFound):
        profile_of(request, f"/profiles/{name}/api/v1/runs", User("eve"))


def test_header_and_path_must_not_contradict_each_other() -> None:
    request = asking(**{"mlplat-profile": "bea"})

    with pytest.raises(InvalidInput, match="names the profile"):
        profile_of(request, "/profiles/anna/api/v1/runs", User("eve"))


# - settings -

OPEN = {
    "nobody tells who asks": '[server]\naddress = "127.0.0.1:1"',
    "anybody could send its header": (
        '[server]\naddress = "127.0.0.1:1"\n[server.proxy]\nuser_header = "u"'
    ),
    "without TLS": (
        '[server]\naddress = "0.0.0.0:1"\n[server.oidc]\nissuer = "https://a"\naudience = "x"'
    ),
    "belong together": (
        '[server]\naddress = "0.0.0.0:1"\ntls_cert = "/c"\n'
        '[server.oidc]\nissuer = "https://a"\naudience = "x"'
    ),
    "https:// address": (
        '[server]\naddress = "127.0.0.1:1"\n[server.oidc]\nissuer = "http://a"\naudience = "x"'
    ),
    "host:port": '[server]\naddress = "here"\n[server.oidc]\nissuer = "https://a"\naudience = "x"',
    "server.colour": '[server]\naddress = "127.0.0.1:1"\ncolour = "red"',
}


@pytest.mark.parametrize(("words", "text"), OPEN.items(), ids=OPEN.keys())
def test_settings_that_would_let_anybody_in_are_refused(
    tmp_path: Path, words: str, text: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)

    with pytest.raises(InvalidInput) as refused:
        read_server(path)

    assert words.replace("nobody", "nothing") in refused.value.message


def test_engine_is_not_shared_unless_it_says_so(tmp_path: Path) -> None:
    assert read_server(tmp_path / "config.toml") is None
    (tmp_path / "config.toml").write_text("[engine]\ncpu = 1\n")
    assert read_server(tmp_path / "config.toml") is None
