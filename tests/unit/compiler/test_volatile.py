"""What comes out otherwise every time is not cached, and says why."""

import pytest

from tests.unit.compiler.conftest import Compile

CLOCK, NETWORK = "reads the clock (cell 1)", "reads from the network (cell 1)"
RANDOM = "draws random numbers that no seed fixes (cell 1)"


@pytest.mark.parametrize(
    ("source", "volatile"),
    [
        ("import time\nt0 = time.time()\nprint(time.time() - t0)", (CLOCK,)),
        ("from time import perf_counter as pc\nt = pc()", (CLOCK,)),
        ("from datetime import datetime\nnow = datetime.now()", (CLOCK,)),
        ("import datetime as dt\nday = dt.date.today().isoformat()", (CLOCK,)),
        ("import pandas as pd\nnow = pd.Timestamp.now()", (CLOCK,)),
        ("import time\ndef stamp():\n    return time.strftime('%F')\ns = stamp()", (CLOCK,)),
        ("import requests\npage = requests.get('https://example.org').text", (NETWORK,)),
        ("from urllib.request import urlopen\npage = urlopen('https://example.org')", (NETWORK,)),
        ("import pandas as pd\ndf = pd.read_csv('https://example.org/a.csv')", (NETWORK,)),
        ("import uuid\nname = uuid.uuid4().hex", (RANDOM,)),
        ("import secrets\ntoken = secrets.token_hex()", (RANDOM,)),
        ("import os\nnoise = os.urandom(8)", (RANDOM,)),
        ("import numpy as np\nx = np.random.default_rng().normal()", (RANDOM,)),
        ("import numpy as np\nx = np.random.default_rng(None).normal()", (RANDOM,)),
        ("import numpy as np\nx = np.random.rand(3)", (RANDOM,)),
        ("import random\nx = random.random()", (RANDOM,)),
        ("import numpy as np\nx = np.random.default_rng(7).normal()", ()),
        ("import numpy as np\nnp.random.seed(1)\nx = np.random.rand(3)", ()),
        ("import time\nday = time.strftime('%F', time.gmtime(0))", ()),
        ("import time\ntime.sleep(0)\nx = 1", ()),
        ("import uuid\nx = uuid.uuid5(uuid.NAMESPACE_DNS, 'a')", ()),
        ("x = 'https://example.org'\ny = len(x)", ()),
        ("import datetime as dt\nd = dt.datetime(2026, 1, 1)", ()),
    ],
)
def test_step_says_what_makes_it_come_out_otherwise(
    compiled: Compile, source: str, volatile: tuple[str, ...]
) -> None:
    (step,) = compiled(source).steps

    assert step.volatile == volatile
    assert step.settings.cache is not bool(volatile or step.effects)


def test_cell_that_calls_a_function_of_another_cell_is_the_one_named(compiled: Compile) -> None:
    pipeline = compiled("import time\ndef now():\n    return time.time()", "a = now()", "b = now()")

    assert [step.volatile for step in pipeline.steps] == [
        (),
        ("reads the clock (cell 2)",),
        ("reads the clock (cell 3)",),
    ]


def test_user_may_have_it_cached_all_the_same(compiled: Compile) -> None:
    cell = {
        "cell_type": "code",
        "source": "import time\nt = time.time()",
        "metadata": {"mlplat": {"cache": True}},
    }

    assert compiled(cell).steps[0].settings.cache
