"""Files of documents: what each comes to, and what it needs of this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlplat.errors import InvalidInput
from jupyter_mlplat.formats.kubernetes.wanted import Wanted
from jupyter_mlplat.resources.images import ImageRule, SecretKind
from jupyter_mlplat.resources.training import TrainRequest, TrainRuntime
from jupyter_mlplat.resources.tuning import TuneRequest
from jupyter_mlplat.services.documents.fitting import Job, fit
from jupyter_mlplat.services.documents.reading import Entry, Kept, Known, in_order, read_file
from jupyter_mlplat.services.pipelines.admission import Inventory
from jupyter_mlplat.services.workflows.images import checked
from tests.unit.formats.kubeflow_documents import EXPERIMENT, RUNTIME, TORCH, TRAIN_JOB, changed

MACHINE = Inventory(cpu=2, memory_bytes=2**34)
MNIST = ImageRule(pattern="team/mnist:*", paths={"/opt": "/here"})


def known(kept: Mapping[tuple[str, SecretKind], Mapping[str, str]] | None = None) -> Known:
    return Known({TORCH.name: TORCH}, lambda name, kind: (kept or {}).get((name, kind)))


def read(*documents: Mapping[str, Any], of: Known | None = None) -> list[Entry]:
    return read_file(yaml.safe_dump_all([dict(one) for one in documents]), of or known())


def fitted(document: Mapping[str, Any], *rules: ImageRule, of: Known | None = None) -> Job:
    of = of or known()
    [entry] = read(document, of=of)
    assert isinstance(entry.means, Wanted)
    return fit(entry.means, rules, of, MACHINE)


def secret(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def test_what_a_job_names_may_come_after_it_in_its_file() -> None:
    job = changed(TRAIN_JOB, "spec/runtimeRef/name", "torch-volcano").raw

    entries = read(job, RUNTIME, secret("keys", A="b"))

    assert [entry.document.kind for entry in entries] == [
        "TrainJob",
        "ClusterTrainingRuntime",
        "Secret",
    ]
    assert isinstance(entries[1].means, TrainRuntime)
    assert entries[2].means == Kept("secret", {"A": "b"})
    assert [entry.document.kind for entry in in_order(entries)][-1] == "TrainJob"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"apiVersion": "v1", "kind": "Pod"}, "'Pod' is nothing that is taken here. What is: Tr"),
        (
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "?"}},
            "data.a: is no text in base64",
        ),
        (secret("s", **{"a/b": "c"}), "no slashes"),
    ],
)
def test_other_documents_are_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message.replace("?", r"\?")):
        read(document)


def test_image_without_a_rule_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="jupyter mlplat images map 'team/mnist:latest'"):
        fitted(EXPERIMENT)


def test_rule_for_components_takes_only_code_that_comes_with_the_document() -> None:
    code = changed(TRAIN_JOB, "spec/trainer/image", "python:3.11-slim").raw
    assert isinstance(fitted(code), TrainRequest)

    document = changed(dict(code), "spec/trainer/command", ["python", "train.py"])
    with pytest.raises(InvalidInput, match="only for Python code that comes with the document"):
        fitted(document.raw)


def test_paths_of_the_image_are_looked_for_where_the_rule_says() -> None:
    request = fitted(EXPERIMENT, MNIST)

    assert request.payload.command[1] == "/here/mnist.py"


def test_paths_of_a_rule_are_checked(tmp_path: Path) -> None:
    rule = ImageRule(pattern="a", paths={"/opt/x/": str(tmp_path)})
    assert checked(rule).paths == {"/opt/x": str(tmp_path)}

    for paths in ({"opt": str(tmp_path)}, {"/": str(tmp_path)}, {"/opt": str(tmp_path / "no")}):
        with pytest.raises(InvalidInput):
            checked(ImageRule(pattern="a", paths=paths))


def test_variables_come_from_secrets_of_this_machine() -> None:
    env = [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}]
    document = changed(TRAIN_JOB, "spec/trainer/env", env).raw

    request = fitted(document, of=known({("hub", "secret"): {"token": "s3cret"}}))
    assert request.env == {"TOKEN": "s3cret"}

    with pytest.raises(InvalidInput, match="jupyter mlplat secrets set hub token"):
        fitted(document)


def test_more_than_the_machine_has_is_lowered_and_noted_but_not_gpus() -> None:
    resources = {"requests": {"cpu": "4"}, "limits": {"nvidia.com/gpu": 1}}
    request = fitted(changed(TRAIN_JOB, "spec/trainer/resourcesPerNode", resources).raw)

    assert (request.cpu, request.gpu) == (2, 3)
    assert request.notes == ("asks for 12 CPUs; this machine has 2",)


def test_trials_that_run_at_once_need_the_machine_together() -> None:
    request = fitted(EXPERIMENT, MNIST)

    assert isinstance(request, TuneRequest)
    assert (request.cpu, request.memory) == (1.5, str(3 * 2**30))
