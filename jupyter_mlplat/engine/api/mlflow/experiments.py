"""Experiments."""

from functools import partial

from jupyter_mlplat.engine.api.mlflow.calls import Call, page
from jupyter_mlplat.errors import InvalidInput, NotFound, Unsupported
from jupyter_mlplat.ports.selecting import Selection
from jupyter_mlplat.ports.tracking import Side, Value
from jupyter_mlplat.resources.catalogue import DEFAULT_EXPERIMENT, Experiment, ExperimentRequest
from jupyter_mlplat.services.mlflow_api.filters import keep, parse, parse_order
from jupyter_mlplat.services.mlflow_api.given import checked_key, checked_value
from jupyter_mlplat.services.mlflow_api.messages import (
    Message,
    experiment_id,
    experiment_message,
    milliseconds,
)

_LONGEST_NAME = 200
_MOST = 50_000
_VIEWS = {"ACTIVE_ONLY": False, "DELETED_ONLY": True, "ALL": None}


def view_of(text: str | None) -> bool | None:
    """Return which are wanted: those put away, those not, or (None) both."""
    name = (text or "ACTIVE_ONLY").upper()
    named = {"1": "ACTIVE_ONLY", "2": "DELETED_ONLY", "3": "ALL"}.get(name, name)
    if named not in _VIEWS:
        raise InvalidInput(f"Invalid view type {name!r}: needed one of {', '.join(_VIEWS)}.")
    return _VIEWS[named]


async def create(call: Call) -> Message:
    name = _name(call.given.text("name"))
    if call.given.find("artifact_location"):
        raise Unsupported(
            f"Cannot create experiment {name!r} with an artifact_location of its own: artifacts "
            "are kept in the engine's state directory. Leave artifact_location out."
        )
    tags = call.given.pairs("tags")
    made = await call.engine.write(call.engine.experiments.create, ExperimentRequest(title=name))
    await call.engine.read(call.engine.store.put_facts, made.id, "tag", tags)
    _choose(call, made)
    return {"experiment_id": made.id}


async def get(call: Call) -> Message:
    found = await call.engine.read(call.experiment, call.given.text("experiment_id"))
    return {"experiment": await _message(call, found)}


async def get_by_name(call: Call) -> Message:
    name = call.given.text("experiment_name")
    found = await call.engine.read(call.engine.store.find_experiment, name)
    if found is None:
        raise NotFound(f"Could not find experiment with name {name!r}")
    _choose(call, found)
    return {"experiment": await _message(call, found)}


def _choose(call: Call, experiment: Experiment) -> None:
    """Remember what a step's `mlflow.set_experiment` asked for."""
    if call.place is not None:
        if len(call.memory.chosen) > 1000:  # steps that are over; more than run at once
            call.memory.chosen.clear()
        call.memory.chosen[call.place] = experiment_id(experiment)


async def search(call: Call) -> Message:
    given = call.given
    conditions = parse(given.find("filter") or "")
    order = parse_order(given.texts("order_by"))
    archived = view_of(given.find("view_type"))
    limit = given.count("max_results", 1000, _MOST)

    def found() -> list[Message]:
        store = call.engine.store
        selected = store.select_experiments(Selection(limit=_MOST)).records
        shown = [it for it in selected if archived is None or it.archived == archived]
        tags = store.facts_of([it.id for it in shown], "tag")

        def value_of(it: Experiment, side: Side, key: str) -> Value:
            if side == "tag":
                return tags[it.id].get(key)
            return _attribute(it, key)

        kept = [it for it in shown if keep(conditions, partial(value_of, it))]
        kept.sort(key=lambda it: milliseconds(it.created_at), reverse=True)
        for ordering in reversed(order):
            kept.sort(
                key=lambda it: str(value_of(it, ordering.side, ordering.key)),
                reverse=ordering.is_descending,
            )
        return [experiment_message(it, tags[it.id]) for it in kept]

    return page("experiments", await call.engine.read(found), call.offset(), limit)


def _attribute(experiment: Experiment, key: str) -> Value:
    match key:
        case "name":
            return experiment.title
        case "experiment_id":
            return experiment_id(experiment)
        case "creation_time":
            return float(milliseconds(experiment.created_at))
        case "last_update_time":
            return float(milliseconds(experiment.last_run_at or experiment.created_at))
    raise InvalidInput(
        f"Cannot look for experiments by {key!r}: known are name, creation_time, "
        "last_update_time and tags."
    )


async def update(call: Call) -> Message:
    found = await call.engine.read(call.experiment, call.given.text("experiment_id"))
    if new := call.given.find("new_name"):
        rename = call.engine.store.rename_experiment
        renamed = await call.engine.write(rename, found.id, _name(new))
        call.engine.publish("experiment.updated", renamed.name, renamed.to_wire())
    return {}


async def delete(call: Call) -> Message:
    found = await call.engine.read(call.experiment, call.given.text("experiment_id"))
    if found.name == DEFAULT_EXPERIMENT:
        raise InvalidInput("Cannot delete the default experiment: runs that name none are in it.")
    await call.engine.archive_experiment(found.id, True)
    return {}


async def restore(call: Call) -> Message:
    found = await call.engine.read(call.experiment, call.given.text("experiment_id"))
    await call.engine.archive_experiment(found.id, False)
    return {}


async def set_tag(call: Call) -> Message:
    found = await call.engine.read(call.experiment, call.given.text("experiment_id"))
    key = checked_key(call.given.text("key"))
    value = checked_value(call.given.find("value") or "", 5000)
    await call.engine.read(call.engine.store.put_facts, found.id, "tag", {key: value})
    return {}


async def delete_tag(call: Call) -> Message:
    found = await call.engine.read(call.experiment, call.given.text("experiment_id"))
    key = call.given.text("key")
    await call.engine.read(call.engine.store.put_facts, found.id, "tag", {key: None})
    return {}


async def _message(call: Call, experiment: Experiment) -> Message:
    tags = await call.engine.read(call.engine.store.facts_of, [experiment.id], "tag")
    return experiment_message(experiment, tags[experiment.id])


def _name(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            f"Cannot call an experiment {name[:80]!r}: needed one line of 1 to {_LONGEST_NAME} "
            "characters."
        )
    return name


HANDLERS = {
    "experiments.create": create,
    "experiments.get": get,
    "experiments.get_by_name": get_by_name,
    "experiments.search": search,
    "experiments.update": update,
    "experiments.delete": delete,
    "experiments.restore": restore,
    "experiments.set_tag": set_tag,
    "experiments.delete_tag": delete_tag,
}
