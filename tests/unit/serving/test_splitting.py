from collections import Counter

import pytest

from jupyter_mlplat.serving.splitting import TrafficSplit


@pytest.mark.parametrize(
    "percent",
    [{1: 95, 2: 5}, {1: 50, 2: 50}, {1: 1, 2: 99}, {1: 33, 2: 33, 3: 34}, {1: 90, 2: 9, 3: 1}],
    ids=str,
)
def test_counts_follow_the_percentages_exactly_every_hundred_requests(percent):
    split = TrafficSplit(percent)

    counts = Counter(split.choose(percent) for _ in range(10_000))

    assert counts == {revision: share * 100 for revision, share in percent.items()}


def test_counts_are_never_more_than_one_request_per_revision_off():
    split = TrafficSplit({1: 95, 2: 5})
    canary = 0

    for sent in range(1, 2001):
        canary += split.choose({1, 2}) == 2
        assert abs(canary - sent * 0.05) < 2


def test_the_share_of_a_revision_that_is_gone_goes_to_those_that_are_there():
    split = TrafficSplit({1: 50, 2: 30, 3: 20})

    counts = Counter(split.choose({2, 3}) for _ in range(1000))

    assert counts == {2: 600, 3: 400}


def test_nobody_is_chosen_when_nobody_with_traffic_is_available():
    assert TrafficSplit({1: 100, 2: 0}).choose({2}) is None
    assert TrafficSplit({1: 60, 2: 40}).choose({3}) is None
    assert TrafficSplit({}).choose({1}) is None


def test_a_revision_without_share_gets_nothing():
    split = TrafficSplit({1: 100, 2: 0})

    assert {split.choose({1, 2}) for _ in range(100)} == {1}
