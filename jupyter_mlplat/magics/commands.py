"""What each `%mlplat` command does. Every one returns an object that shows itself."""

import json
import re
from argparse import Namespace
from pathlib import Path
from typing import Any

from jupyter_mlplat.client import api, gpus, scheduling, server_words, servers
from jupyter_mlplat.client.documents import (
    EngineCard,
    FiringRows,
    LeaseCard,
    MachineCard,
    OfferCard,
    Pipeline,
    ScheduleCard,
    ScheduleCards,
    VerifyReport,
)
from jupyter_mlplat.client.engine import EngineClient
from jupyter_mlplat.client.job_finding import get_job, jobs
from jupyter_mlplat.client.job_handles import TrainJob
from jupyter_mlplat.client.references import parse_parameters, parse_wanted_tags
from jupyter_mlplat.client.runs import Run
from jupyter_mlplat.client.tuning_handles import TuningJob
from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.magics.notebook import (
    find_notebook,
    need_notebook,
    notebook_of_history,
    observed_content,
)
from jupyter_mlplat.widgets.live import show_live

_BRACES = re.compile(
    r"(?<!\{)\{(\s*(?:fire_time|previous_\w+|now|index|row|schedule|event\.)[^{}]*)\}"
)
"""IPython takes one pair of braces off what is typed after a magic."""


def run(options: Namespace, shell: Any) -> Any:
    """Run one command."""
    return _COMMANDS[options.word](options, shell)


def _compile(options: Namespace, shell: Any) -> Any:
    pipeline = _steps(options, shell)
    if options.output is not None:
        pipeline.to_kfp(options.output, image=options.image, packages=options.packages)
        print(f"Wrote {options.output}.")
    return pipeline


def _steps(options: Namespace, shell: Any) -> Any:
    path = find_notebook(shell, options.named or options.notebook)
    if path is None:
        session = Path.cwd() / "session.ipynb"
        history = notebook_of_history(shell)
        return Pipeline.of(EngineClient().compile_content(history, session, options.split))
    content = observed_content(shell, path)
    if content is None:
        return api.compile(path, split=options.split)
    return Pipeline.of(EngineClient().compile_content(content, path, options.split))


def _verify(options: Namespace, shell: Any) -> Any:
    path = need_notebook(shell, options.named or options.notebook)
    content = observed_content(shell, path)
    return VerifyReport.of(EngineClient().verify(path, options.split, options.timeout, content))


def _run(options: Namespace, shell: Any) -> Any:
    path = need_notebook(shell, options.named or options.notebook)
    client = EngineClient()
    parameters: dict[str, Any] = {}
    if options.parameters:
        known = client.compile(path, options.split).parameters
        parameters = parse_parameters(options.parameters, known)
    submitted = client.submit(
        path,
        notebook=observed_content(shell, path),
        parameters=parameters,
        split=options.split,
        experiment=options.experiment,
        cache=not options.no_cache,
        until=options.until,
        whole=options.whole,
        run_on=options.on,
    )
    return Run(client, submitted) if options.no_wait else show_live(client, submitted, shell)


def _retry(options: Namespace, shell: Any) -> Any:
    client = EngineClient()
    failed, path = client.get_run(options.run), find_notebook(shell, None)
    # The latest run may be one of another notebook, whose code this one's must not replace.
    code = path if path is not None and str(path) == failed.notebook else None
    content = observed_content(shell, code) if code is not None else None
    return show_live(client, client.retry_run(failed.id, code, options.from_step, content), shell)


def _cancel(options: Namespace, shell: Any) -> Any:
    return api.get_run(options.run).cancel()


def _runs(options: Namespace, shell: Any) -> Any:
    if options.run:
        return api.get_run(options.run)
    return api.runs(options.limit, state=options.state, tags=parse_wanted_tags(options.tags))


def _restore(options: Namespace, shell: Any) -> Any:
    return api.restore(options.run, options.step, namespace=shell.user_ns)


def _logs(options: Namespace, shell: Any) -> None:
    run = api.get_run(options.run)
    if options.rank is not None and not isinstance(run, TrainJob):
        raise InvalidInput(f"Run {run.number} has no ranks: it is no train job.")
    if options.trial is not None and not isinstance(run, TuningJob):
        raise InvalidInput(f"Run {run.number} has no trials: it is no tuning job.")
    if isinstance(run, TrainJob):
        print(run.logs(options.step, rank=options.rank), end="")
    elif isinstance(run, TuningJob):
        print(run.logs(options.step, trial=options.trial), end="")
    else:
        print(run.logs(options.step), end="")


def _pause(options: Namespace, shell: Any) -> Any:
    return api.get_run(options.run).pause()


def _resume(options: Namespace, shell: Any) -> Any:
    return api.get_run(options.run).resume()


def _jobs(options: Namespace, shell: Any) -> Any:
    return get_job(options.job) if options.job else jobs(options.limit)


def _lineage(options: Namespace, shell: Any) -> Any:
    return api.lineage(options.node, direction=options.direction, depth=options.depth)


def _models(options: Namespace, shell: Any) -> Any:
    if options.history and options.model is None:
        raise InvalidInput("Say of which model the history is to be shown: models NAME --history.")
    if options.history:
        return api.model_history(options.model)
    return api.model(options.model) if options.model else api.models()


def _register(options: Namespace, shell: Any) -> Any:
    return api.register(
        options.model, options.run, logged_as=options.logged_as, alias=options.aliases
    )


def _deploy(options: Namespace, shell: Any) -> Any:
    return api.deploy(
        options.model,
        name=options.name,
        traffic=options.traffic,
        trust_pickle=options.trust_pickle,
    )


def _predict(options: Namespace, shell: Any) -> Any:
    if options.data.isidentifier() and options.data in shell.user_ns:
        rows = shell.user_ns[options.data]
    else:
        try:
            rows = json.loads(options.data)
        except ValueError as error:
            raise InvalidInput(
                f"{options.data!r} is neither a variable nor JSON: {error}. "
                "Give a variable's name, or rows such as '[[1.0, 2.0]]'."
            ) from error
    return api.endpoint(options.endpoint).predict(rows)


def _endpoints(options: Namespace, shell: Any) -> Any:
    return api.endpoint(options.endpoint) if options.endpoint else api.endpoints()


def _schedule(options: Namespace, shell: Any) -> Any:
    client, name, action = EngineClient(), options.name, options.action
    if action == "list":
        return ScheduleCards(client.list_schedules())
    if name is None:
        raise InvalidInput(f"Say which schedule: %mlplat schedule {action} NAME.")
    if action == "add":
        path = need_notebook(shell, options.notebook)
        options.parameters = [_BRACES.sub(r"{{\1}}", text) for text in options.parameters]
        request = scheduling.request_of(client, name, path, options)
        create = client.preview_schedule if options.dry_run else client.create_schedule
        return ScheduleCard(create(request))
    if action == "show":
        return ScheduleCard(client.get_schedule(name), client.list_firings(name, 10).firings)
    if action == "run":
        return FiringRows(f"Schedule {name}", client.run_schedule(name))
    if action == "backfill":
        if options.since is None or options.until is None:
            raise InvalidInput("Say which stretch: schedule backfill NAME --from TIME --to TIME.")
        firings = client.backfill_schedule(
            name,
            scheduling.moment_of(options.since),
            scheduling.moment_of(options.until, is_end=True),
            limit=options.limit,
            dry_run=options.dry_run,
        )
        return FiringRows(f"Back-fill of {name}", firings)
    if action == "remove":
        client.delete_schedule(name)
        print(f"Schedule {name} is forgotten; its runs are kept.")
        return None
    change = client.pause_schedule if action == "pause" else client.resume_schedule
    return ScheduleCard(change(name))


def _server(options: Namespace, shell: Any) -> Any:
    client, name, action, on = EngineClient(), options.name, options.action, options.on
    if action == "list":
        return servers.servers()
    if action == "kinds":
        return OfferCard.of(client.get_server_offer(on))
    if name is None:
        raise InvalidInput(f"Say which server: %mlplat server {action} NAME.")
    if action == "create":
        kind = options.kind or servers.first_kind(client, on)
        document = client.create_server(server_words.request_of(name, kind, options), on)
        return _awaited(servers.NotebookServer(client, document), options)
    server = servers.server(name, on=on)
    if action == "start":
        return _awaited(server.start(), options)
    if action == "stop":
        return server.stop()
    if action == "logs":
        print(server.logs(options.lines), end="")
        return None
    if action == "delete":
        server.delete(with_home=options.with_home)
        home = "and its home with it" if options.with_home else "its home is kept"
        print(f"Server {name} is being deleted; {home}.")
        return None
    if action == "open":
        print(server.url or f"Nobody has said where a browser finds {name}: see browser_url.")
        return None
    return server


def _awaited(server: servers.NotebookServer, options: Namespace) -> servers.NotebookServer:
    """Wait until a server runs, telling what it waits for; the stop button gives up waiting."""
    if options.no_wait:
        return server
    return server.wait(on_change=lambda told: print(told.message or told.state.lower()))


def _mlflow(options: Namespace, shell: Any) -> None:
    host = api.mlflow(notebook=find_notebook(shell, None))
    print(f"mlflow in this kernel tracks to {host}: its runs are in the panel's Runs.")


def _gpu(options: Namespace, shell: Any) -> Any:
    client, what = EngineClient(), options.what
    if what is None:
        return MachineCard.of(client.inventory())
    if what == "release":
        print("Given back." if gpus.release(client) else "This kernel holds no GPU.")
        return None
    try:
        wanted = float(what)
    except ValueError as error:
        raise InvalidInput(
            f"Cannot lease {what!r}: needed a number of GPUs, a share such as 0.5, or `release`."
        ) from error
    path = find_notebook(shell, None)
    name = str(path) if path else ""
    tell = "Waiting for {}. The stop button gives up.".format
    held = gpus.lease(
        client, wanted, name, wait=not options.no_wait, on_wait=lambda why: print(tell(why))
    )
    return LeaseCard.of(held)


def _engine(options: Namespace, shell: Any) -> Any:
    client = EngineClient()
    if options.action == "stop":
        print("The engine has stopped." if client.stop_engine() else "No engine was running.")
        return None
    status = client.get_engine() if options.action == "start" else client.find_engine()
    if status is None:
        print(f"No engine runs for {str(client.home.root)!r}. The first command starts it.")
        return None
    return EngineCard.of(status)


_COMMANDS = {
    "steps": _steps,
    "compile": _compile,
    "verify": _verify,
    "run": _run,
    "retry": _retry,
    "cancel": _cancel,
    "pause": _pause,
    "resume": _resume,
    "jobs": _jobs,
    "restore": _restore,
    "runs": _runs,
    "logs": _logs,
    "lineage": _lineage,
    "models": _models,
    "register": _register,
    "deploy": _deploy,
    "predict": _predict,
    "endpoints": _endpoints,
    "schedule": _schedule,
    "server": _server,
    "mlflow": _mlflow,
    "gpu": _gpu,
    "engine": _engine,
}
