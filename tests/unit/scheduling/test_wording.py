"""Common cron expressions in words; the others as they are."""

import pytest

from jupyter_mlplat.resources.run import SubmitRequest
from jupyter_mlplat.resources.schedule import CronTrigger, ScheduleRequest
from jupyter_mlplat.services.scheduling.cron import parse
from jupyter_mlplat.services.scheduling.planning import read_trigger
from jupyter_mlplat.services.scheduling.wording import in_words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * * *", "every minute"),
        ("15 * * * *", "every hour at :15"),
        ("*/5 * * * *", "every 5 minutes"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("0 */2 * * *", "every 2 hours at :00"),
        ("0 */6 * * *", "every day at 00:00, 06:00, 12:00 and 18:00"),
        ("0 9-17 * * 1-5", "Monday to Friday every hour from 09:00 to 17:00"),
        ("0 7 * * mon-fri", "Monday to Friday at 07:00"),
        ("0 7,12 * * sat,sun", "every Saturday and Sunday at 07:00 and 12:00"),
        ("@weekly", "every Sunday at 00:00"),
        ("*/15 * * * 1", "every 15 minutes, every Monday"),
        ("0 0 1 * *", "on day 1 of every month at 00:00"),
        ("0 0 L * *", "on the last day of every month at 00:00"),
        ("30 6 1 1 *", "on 1 January at 06:30"),
    ],
)
def test_common_expressions_are_said_in_words(expression: str, words: str) -> None:
    assert in_words(parse(expression)) == words


@pytest.mark.parametrize(
    "expression",
    ["*/7 * * * *", "15 10 * * 5L", "0 0 1 * 1", "* 9-17 * * *", "0 0 */2 * *", "0 0 1,15 * *"],
)
def test_what_is_no_simpler_in_words_is_left_as_it_is(expression: str) -> None:
    assert in_words(parse(expression)) is None


@pytest.mark.parametrize(
    ("expression", "reading"),
    [
        ("15 * * * *", "Every hour at :15, Europe/Berlin."),
        ("0 15 * * * *", "Every hour at :15, Europe/Berlin. Read with the second first."),
        (
            "0 0 */2 * *",
            "Read with five fields, the minute first: minute 0, hour 0, day */2, month *, "
            "weekday *; in Europe/Berlin.",
        ),
    ],
)
def test_a_reading_says_which_way_the_fields_were_taken(expression: str, reading: str) -> None:
    trigger = CronTrigger(expression=expression, time_zone="Europe/Berlin")
    schedule = ScheduleRequest(name="s", work=SubmitRequest(path="/a.ipynb"), trigger=trigger)

    assert read_trigger(schedule) == reading
