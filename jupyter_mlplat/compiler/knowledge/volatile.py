"""Calls whose answer is another one the next time: of the clock, the network, fresh randomness."""

CLOCK, NETWORK = "reads the clock", "reads from the network"
RANDOM = "draws random numbers that no seed fixes"

_CLOCK = frozenset(
    [
        "time.time",
        "time.time_ns",
        "time.perf_counter",
        "time.perf_counter_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "time.process_time",
        "time.process_time_ns",
        "time.thread_time",
        "time.ctime",
        "time.asctime",
        "time.localtime",
        "time.gmtime",
        "time.strftime",
        "timeit.timeit",
        "timeit.repeat",
        "timeit.default_timer",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "datetime.date.today",
        "pandas.Timestamp.now",
        "pandas.Timestamp.today",
        "pandas.Timestamp.utcnow",
    ]
)
_CONVERTING = {"time.ctime": 1, "time.localtime": 1, "time.gmtime": 1, "time.asctime": 1} | {
    "time.strftime": 2
}
"""With so many arguments they convert a time that they are given."""
_NETWORK = (
    "aiohttp.",
    "ftplib.",
    "http.client.",
    "httpx.",
    "requests.",
    "smtplib.",
    "socket.",
    "urllib.request.",
    "urllib3.",
)
_ADDRESSES = ("http://", "https://", "ftp://", "s3://", "gs://")
_ENTROPY = frozenset({"os.urandom", "random.SystemRandom", "uuid.uuid1", "uuid.uuid4"})
_GENERATORS = frozenset(
    [
        "numpy.random.default_rng",
        "numpy.random.RandomState",
        "numpy.random.SeedSequence",
        "numpy.random.PCG64",
        "numpy.random.Philox",
        "numpy.random.SFC64",
        "numpy.random.MT19937",
        "random.Random",
    ]
)
_SHARED_GENERATORS = ("numpy.random.", "random.")


def volatility(
    path: str,
    given: int,
    first: object,
    *,
    is_none: bool,
    opens: bool,
    draws: bool,
    is_seeded: bool,
) -> str | None:
    """Say why a call answers otherwise every time; None where it does not, as far as is known.

    Args:
        path: The function's dotted name.
        given: How many arguments it has.
        first: The first one, if it is a literal.
        is_none: Whether that is the literal None.
        opens: Whether it may read what its first argument names.
        draws: Whether it draws from a generator that all share.
        is_seeded: Whether that one has been seeded.
    """
    if path in _CLOCK and given < _CONVERTING.get(path, 99):
        return CLOCK
    is_address = isinstance(first, str) and first.startswith(_ADDRESSES)
    if path.startswith(_NETWORK) or (opens and is_address):
        return NETWORK
    is_bare = not given or (given == 1 and is_none)
    if path in _ENTROPY or path.startswith("secrets.") or (path in _GENERATORS and is_bare):
        return RANDOM
    if draws and not is_seeded and path.startswith(_SHARED_GENERATORS):
        return RANDOM
    return None
