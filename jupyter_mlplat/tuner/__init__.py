"""The tuner: a process that says what a tuning job tries next (`python -m jupyter_mlplat.tuner`).

Lives here: JSON lines in, JSON lines out. Does not: what is answered (`services/tuning`), files,
the trials themselves. It keeps nothing that the trial table does not say: kill it, start another,
begin with the table, and it goes on.

One line in, one line out:

    {"op": "begin", "spec": TuneSpec, "trials": [Trial + "reports"], "earlier": [Trial], "key": ""}
        -> {"ok": true}
    {"op": "exchange", "tell": [{"number", "state", "value"}],
     "report": [{"number", "position", "value"}], "ask": n}
        -> {"trials": [{"number", "parameters", "label"}], "stop": [number],
            "over": null or why, "outcome": null, "goal", "budget", "exhausted" or "failures"}
    {"op": "importance", "spec": TuneSpec, "trials": [Trial]} -> {"importance": {name: share}}

A trial that the table did not have at `begin` is told with its `parameters` and `label` as well.
`trials` of an exchange are fewer than asked for when it is over, or when trials that run have to
end first: ask again after the next end. What cannot be done is answered with
`{"error": {"code", "message"}}`, and the next line is read. A trial whose label has `parent` goes
on from the checkpoint of that trial.
"""
