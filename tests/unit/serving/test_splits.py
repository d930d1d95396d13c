import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.resources.serving import Traffic
from jupyter_mlplat.services.serving.splits import checked, with_share


def split(**percent):
    return tuple(Traffic(revision=int(k[1:]), percent=v) for k, v in percent.items())


@pytest.mark.parametrize(
    ("current", "revision", "percent", "expected"),
    [
        ((), 1, 10, split(r1=100)),
        (split(r1=100), 2, 5, split(r1=95, r2=5)),
        (split(r1=100), 2, 0, split(r1=100, r2=0)),
        (split(r1=100), 2, 100, split(r2=100)),
        (split(r1=90, r2=10), 3, 10, split(r1=81, r2=9, r3=10)),
        (split(r1=100, r2=0), 3, 50, split(r1=50, r3=50)),
        (split(r1=50, r2=50), 3, 33, split(r1=34, r2=33, r3=33)),
    ],
)
def test_a_new_share_leaves_the_others_their_proportions(current, revision, percent, expected):
    assert with_share(current, revision, percent) == expected


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=6),
    st.integers(0, 100),
)
def test_shares_always_sum_to_a_hundred(weights, percent):
    total = sum(weights)
    shares = [weight * 100 // total for weight in weights]
    shares[0] += 100 - sum(shares)
    current = tuple(Traffic(revision=n, percent=p) for n, p in enumerate(shares, 1))

    changed = with_share(current, 99, percent)

    assert sum(part.percent for part in changed) == 100


@pytest.mark.parametrize(
    ("traffic", "message"),
    [
        (split(r1=50, r2=49), "the shares sum to 99, needed 100"),
        (split(r1=50, r3=50), "it has no revision 3. It has 1, 2"),
        ((*split(r1=50), *split(r1=50)), "a revision is named twice"),
        ((), "the shares sum to 0, needed 100"),
    ],
    ids=["sum", "unknown", "twice", "empty"],
)
def test_a_wrong_split_is_refused_in_words(traffic, message):
    with pytest.raises(InvalidInput, match=message):
        checked(traffic, {1, 2}, "churn")
