"""What the Open Inference Protocol and V1 promise, through an endpoint's port."""

import json
import struct

import pytest

from jupyter_mlplat.resources.lineage import ModelSignature, TensorSpec
from jupyter_mlplat.resources.serving import DeployRequest, EndpointState, PredictRequest

ROW = [5.1, 3.5, 1.4, 0.2]
INPUT = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": ROW}


@pytest.fixture
async def iris(world):
    await world.service.deploy(DeployRequest(model="iris"))
    return world


async def test_health_and_readiness_of_server_and_model(iris):
    for path in (
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/iris/ready",
        "/v2/models/iris/versions/1/ready",
        "/v1/models/iris",
    ):
        answer = await iris.call("GET", path)
        assert answer.status == 200, path
    assert (await iris.call("GET", "/v1/models")).json == {"models": ["iris"]}
    assert (await iris.call("GET", "/v1/models/iris")).json == {"name": "iris", "ready": True}


async def test_server_metadata_has_what_the_protocol_requires(iris):
    for path in ("/v2", "/v2/"):
        answer = await iris.call("GET", path)

        assert answer.status == 200
        assert answer.json["name"] == "jupyter-mlplat"
        assert isinstance(answer.json["version"], str)
        assert answer.json["extensions"] == ["binary_tensor_data"]


async def test_model_metadata_describes_inputs_and_outputs(iris):
    for path in ("/v2/models/iris", "/v2/models/iris/versions/1"):
        assert (await iris.call("GET", path)).json == {
            "name": "iris",
            "versions": ["1"],
            "platform": "sklearn_skops",
            "inputs": [{"name": "input", "datatype": "FP64", "shape": [-1, 4]}],
            "outputs": [
                {"name": "predict", "datatype": "INT64", "shape": [-1]},
                {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 3]},
            ],
        }


async def test_metadata_is_the_registered_signature_where_there_is_one(world, iris_model):
    signature = ModelSignature(
        inputs=(TensorSpec(name="measures", datatype="FP64", shape=(-1, 4)),),
        outputs=(TensorSpec(name="species", datatype="INT64", shape=(-1,)),),
    )
    world.models.add("iris", iris_model, signature=signature)
    await world.service.deploy(DeployRequest(model="iris"))

    metadata = (await world.call("GET", "/v2/models/iris")).json
    answer = (await world.call("POST", "/v2/models/iris/infer", {"inputs": [INPUT]})).json

    assert metadata["inputs"] == [{"name": "measures", "datatype": "FP64", "shape": [-1, 4]}]
    assert metadata["outputs"] == [{"name": "species", "datatype": "INT64", "shape": [-1]}]
    assert [output["name"] for output in answer["outputs"]] == ["species"]


@pytest.mark.parametrize("path", ["/v2/models/iris/infer", "/v2/models/iris/versions/1/infer"])
async def test_inference_answers_with_tensors(iris, path):
    answer = await iris.call("POST", path, {"id": "7", "inputs": [INPUT]})

    assert answer.status == 200
    assert answer.headers["x-mlplat-revision"] == "1"
    assert answer.json == {
        "model_name": "iris",
        "model_version": "1",
        "id": "7",
        "outputs": [{"name": "predict", "shape": [1], "datatype": "INT64", "data": [0]}],
    }


async def test_outputs_are_given_as_asked(iris):
    body = {"inputs": [INPUT], "outputs": [{"name": "predict_proba"}]}

    (output,) = (await iris.call("POST", "/v2/models/iris/infer", body)).json["outputs"]

    assert output["name"] == "predict_proba"
    assert output["shape"] == [1, 3]
    assert sum(output["data"]) == pytest.approx(1.0)


async def test_binary_tensors_go_in_and_come_out(iris):
    header = json.dumps(
        {
            "inputs": [
                {
                    "name": "x",
                    "shape": [2, 4],
                    "datatype": "FP64",
                    "parameters": {"binary_data_size": 64},
                }
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()
    body = header + struct.pack("<8d", *ROW, 6.0, 3.0, 5.0, 2.0)

    answer = await iris.call(
        "POST",
        "/v2/models/iris/infer",
        body,
        Inference_Header_Content_Length=str(len(header)),
        Content_Type="application/octet-stream",
    )

    length = int(answer.headers["inference-header-content-length"])
    (output,) = json.loads(answer.body[:length])["outputs"]
    assert output == {
        "name": "predict",
        "shape": [2],
        "datatype": "INT64",
        "parameters": {"binary_data_size": 16},
    }
    assert struct.unpack("<2q", answer.body[length:]) == (0, 2)


async def test_v1_predicts_rows(iris):
    answer = await iris.call("POST", "/v1/models/iris:predict", {"instances": [ROW, ROW]})

    assert (answer.status, answer.json) == (200, {"predictions": [0, 0]})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/v2/models/other", None, 404, "this endpoint serves model 'iris' version 1"),
        ("POST", "/v2/models/other/infer", b"{}", 404, "Cannot find"),
        ("POST", "/v2/models/iris/versions/9/infer", b"{}", 404, "does not serve version 9"),
        ("GET", "/", None, 404, "Cannot find '/'"),
        ("GET", "/v2/models/iris/../../../etc/passwd", None, 404, "Cannot find"),
        ("GET", "/v2/models/iris/infer", None, 405, "send the rows in a POST"),
        ("DELETE", "/v2/models/iris", None, 405, "only read"),
        ("POST", "/v2/models/iris/infer", b"not json", 400, "as JSON"),
        ("POST", "/v2/models/iris/infer", b'{"inputs": 5}', 400, "must be a list of tensors"),
        ("POST", "/v1/models/iris:predict", b'{"instances": [[1,2]]}', 400, "2 features"),
        ("POST", "/v1/models/iris:predict", b'{"instances": [[1,2,3,"x"]]}', 400, "text"),
        ("POST", "/v1/models/iris:predict", b'{"instances": [[1,2,3,null]]}', 400, "NaN"),
        ("POST", "/v1/models/iris:predict", b'{"instances": [[1,2,3,NaN]]}', 400, "as JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else None,
)
async def test_wrong_requests_get_the_protocols_error(iris, method, path, body, status, message):
    answer = await iris.call(method, path, body)

    assert answer.status == status
    assert list(answer.json) == ["error"]
    assert message in answer.json["error"]


async def test_too_many_rows_are_refused_in_words(iris):
    answer = await iris.call("POST", "/v1/models/iris:predict", {"instances": [ROW] * 100_001})

    assert answer.status == 413
    assert "at most 100000" in answer.json["error"]


async def test_metrics_tell_requests_by_revision_and_time_in_the_model(iris):
    await iris.call("POST", "/v1/models/iris:predict", {"instances": [ROW]})
    await iris.call("POST", "/v1/models/iris:predict", {"instances": "x"})

    await iris.call("GET", "/metrics")
    answer = await iris.call("GET", "/metrics")

    lines = answer.body.decode().splitlines()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'mlplat_endpoint_requests_total{endpoint="iris",revision="1",status="200"} 1' in lines
    assert 'mlplat_endpoint_requests_total{endpoint="iris",revision="1",status="400"} 1' in lines
    assert 'mlplat_model_batch_rows_sum{endpoint="iris",revision="1"} 1.000000' in lines
    assert len([x for x in lines if x.startswith("# TYPE")]) == len(
        {x for x in lines if x.startswith("# TYPE")}
    )


async def test_the_service_predicts_rows_records_and_a_single_row(iris):
    service = iris.service

    for inputs in ([ROW], ROW):
        answer = await service.predict("iris", PredictRequest(inputs=inputs))
        assert answer.pop("duration_s") > 0
        assert answer == {"outputs": [0], "revision": 1}
    assert service.get("iris").state is EndpointState.READY
