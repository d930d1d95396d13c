"""Settings that the process keeps are described, and put in place alike."""

import decimal
import logging
import logging.handlers
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlplat.runtime import logs, settings
from jupyter_mlplat.runtime.explain import NotSerialisable


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of the notebook's own, left as it was."""
    made = logging.getLogger("of-a-notebook")
    yield made
    for handler in made.handlers:
        handler.close()
    made.handlers.clear()
    made.filters.clear()
    made.setLevel(logging.NOTSET)
    made.propagate = True


def carried(start: settings.Settings, logger: logging.Logger) -> None:
    """Describe what has changed, forget it, and put it in place again."""
    state = settings.changed(start)
    for handler in logger.handlers:
        handler.close()
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    settings.write(state)


def test_a_log_file_goes_on_where_it_ended(logger: logging.Logger, tmp_path: Path) -> None:
    start = settings.read()
    handler = logging.FileHandler(tmp_path / "run.log", mode="w")
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.info("one")
    carried(start, logger)
    logger.info("two")
    logger.debug("three")
    assert (tmp_path / "run.log").read_text() == "INFO one\nINFO two\n"


def test_a_handler_of_the_output_is_made_for_the_new_process(logger: logging.Logger) -> None:
    start = settings.read()
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.propagate = False
    carried(start, logger)
    (handler,) = logger.handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stdout
    assert not logger.propagate


def test_a_handler_that_keeps_records_is_refused(logger: logging.Logger) -> None:
    start = settings.read()
    logger.addHandler(logging.handlers.MemoryHandler(10))
    with pytest.raises(NotSerialisable, match=r"of-a-notebook.*MemoryHandler"):
        settings.changed(start)


def test_a_logger_travels_by_name_only_where_its_set_up_does(logger: logging.Logger) -> None:
    logs.begin(travels=False)
    assert logs.is_known(logger)
    logger.setLevel(logging.ERROR)
    assert not logs.is_known(logger)
    logs.begin(travels=False)
    assert logs.is_known(logger)
    logger.setLevel(logging.INFO)
    logs.begin(travels=True)
    assert logs.is_known(logger)


def test_nothing_is_shipped_when_nothing_has_changed() -> None:
    assert settings.changed(settings.read()) == {}


def test_a_decimal_context_is_put_in_place() -> None:
    with decimal.localcontext():
        start = settings.read()
        decimal.getcontext().prec = 7
        state = settings.changed(start)
        decimal.getcontext().prec = 3
        settings.write(state)
        assert str(decimal.Decimal(1) / 3) == "0.3333333"
