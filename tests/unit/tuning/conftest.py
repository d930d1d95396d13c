"""What tests of tuning share."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compute on one thread, as the tuner does: these arrays are small."""
    with threadpool_limits(1):
        yield
