from jupyter_mlplat.serving.metrics import Counter, Histogram, exposition, merge


def test_metrics_are_written_in_the_text_format():
    requests = Counter("requests_total", "Requests.")
    requests.add(model='a"b\\c\n', status=200)
    requests.add(model='a"b\\c\n', status=200)
    seconds = Histogram("seconds", "Time.", (0.1, 1), model="m")
    for value in (0.05, 0.1, 0.5, 7):
        seconds.observe(value)

    assert exposition((requests, seconds)).decode() == (
        "# HELP requests_total Requests.\n"
        "# TYPE requests_total counter\n"
        'requests_total{model="a\\"b\\\\c\\n",status="200"} 2\n'
        "# HELP seconds Time.\n"
        "# TYPE seconds histogram\n"
        'seconds_bucket{model="m",le="0.1"} 2\n'
        'seconds_bucket{model="m",le="1"} 3\n'
        'seconds_bucket{model="m",le="+Inf"} 4\n'
        'seconds_sum{model="m"} 7.650000\n'
        'seconds_count{model="m"} 4\n'
    )


def test_samples_of_one_family_stand_together_when_metrics_are_merged():
    def of(revision):
        counter = Counter("requests_total", "Requests.")
        counter.add(revision=revision)
        other = Counter("other_total", "Other.")
        other.add(revision=revision)
        return exposition((counter, other))

    assert merge([of(1), of(2), b""]).decode() == (
        "# HELP requests_total Requests.\n"
        "# TYPE requests_total counter\n"
        'requests_total{revision="1"} 1\n'
        'requests_total{revision="2"} 1\n'
        "# HELP other_total Other.\n"
        "# TYPE other_total counter\n"
        'other_total{revision="1"} 1\n'
        'other_total{revision="2"} 1\n'
    )


def test_what_is_written_is_read_by_prometheus_own_parser():
    from prometheus_client.parser import text_string_to_metric_families

    seconds = Histogram("seconds", "Time.", (0.1, 1), model="m")
    seconds.observe(0.5)

    (family,) = text_string_to_metric_families(exposition((seconds,)).decode())

    assert (family.name, family.type) == ("seconds", "histogram")
    assert {s.labels.get("le"): s.value for s in family.samples if s.name == "seconds_bucket"} == {
        "0.1": 0,
        "1": 1,
        "+Inf": 1,
    }
