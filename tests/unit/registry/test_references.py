"""How references to models are read."""

import pytest

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.services.registry import Reference


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("churn", Reference("churn")),
        ("churn@champion", Reference("churn", alias="champion")),
        ("churn/3", Reference("churn", version=3)),
        ("a", Reference("a")),
        ("a.b_c-d", Reference("a.b_c-d")),
    ],
)
def test_a_reference_names_a_model_and_perhaps_a_version(text: str, reference: Reference) -> None:
    assert Reference.parse(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@champion",
        "churn@",
        "churn/",
        "churn/0",
        "churn/-1",
        "churn/1e3",
        "churn/9999999999",
        "churn@Champion",
        "churn@champion/3",
        "Churn",
        "churn\n",
        "../churn",
        "churn/../other",
        "churn@1",
        "-churn",
        "x" * 64,
        "churn⁄3",
    ],
)
def test_what_is_no_reference_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Reference.parse(text)

    assert repr(text) in raised.value.message
