"""The part of GJSON that conditions of trials use."""

from typing import Any

import pytest

from jupyter_mlplat.formats.katib.gjson import NotUnderstood, parse

JOB: Any = {
    "status": {
        "conditions": [
            {"type": "Complete", "status": "True", "n": 3},
            {"type": "Failed", "status": "False"},
        ],
        "empty": [],
        "succeeded": 1,
        "a.b": {"x": 1},
    }
}


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ('status.conditions.#(type=="Complete")#|#(status=="True")#', True),
        ('status.conditions.#(type=="Failed")#|#(status=="True")#', False),
        ('status.conditions.#(type=="Complete")', True),
        ('status.conditions.#(type=="Nothing")', False),
        ("status.conditions.0", True),
        ("status.conditions.7", False),
        ("status.conditions", True),
        ("status.empty", False),
        ("status.succeeded", False),
        ("status.conditions.#", False),
        ("status.conditions.#.n", True),
        ("status.conditions.#(n>2)#", True),
        ("status.conditions.#(n>=4)#", False),
        ("status.conditions.#(n)", True),
        ('status.conditions.#(type!="Failed")#', True),
        ('status.conditions.#(n=="3")#', False),
        (r"status.a\.b", True),
        ("nothing.at.all", False),
    ],
)
def test_path_holds_where_it_leads_to_an_object_or_to_a_list_with_something(
    path: str, holds: bool
) -> None:
    assert parse(path).holds(JOB) is holds


@pytest.mark.parametrize(
    "path",
    [
        "",
        "status.*",
        "status.cond?",
        "@this",
        "[@this].#(phase==1)#",
        "{a,b}",
        'a.#(b.#(c=="d"))',
        'a.#(b%"x*")',
        "a.#(b==c)",
        'a.#(b=="c"',
        "a..b",
        "a.#(b==[1])",
        "x" * 2000,
    ],
)
def test_what_is_not_known_is_refused_not_guessed_at(path: str) -> None:
    with pytest.raises(NotUnderstood):
        parse(path)
