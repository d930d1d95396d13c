"""Settings by variables and flags."""

import pytest

from jupyter_mlplat_controller.settings import Settings


def test_flags_go_before_variables_and_these_before_defaults() -> None:
    around = {
        "MLPLAT_CONTROLLER_CULLING": "false",
        "MLPLAT_CONTROLLER_REACH_FROM": "istio-system, gateways",
        "MLPLAT_CONTROLLER_LEASE_S": "30",
    }

    found = Settings.read(["--lease-s", "20"], around)

    assert found.culling is False
    assert found.reach_from == ("istio-system", "gateways")
    assert found.lease_s == 20.0
    assert Settings.read([], {}) == Settings()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--culling", "perhaps"], "neither true nor false"),
        (["--check-every", "often"], "no length of time"),
        (["--route", "tunnel"], "none of none, ingress, gateway"),
        (["--route", "gateway"], "NAMESPACE/NAME"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        Settings.read(arguments, {})

    assert words in capsys.readouterr().err
