"""Reading requests and writing answers of V1 and V2."""

import contextlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlplat.serving import v1, v2
from jupyter_mlplat.serving.exchange import Refusal
from jupyter_mlplat.serving.payloads import Tensors
from jupyter_mlplat.serving.tensors import DTYPES, decode_binary, encode_binary


def infer(*inputs, **more):
    return json.dumps({"inputs": list(inputs), **more}).encode()


def tensor(data, shape=None, datatype="FP64", name="x", **more):
    shape = [len(data)] if shape is None else shape
    return {"name": name, "shape": shape, "datatype": datatype, "data": data, **more}


def test_v1_reads_instances():
    assert v1.decode(b'{"instances": [[1, 2], [3, 4]]}').instances == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "as JSON"),
        (b"{", "as JSON"),
        (b'{"instances": [[NaN]]}', "as JSON"),
        (b'{"instances": [[1e400]]}', "as JSON"),
        (b"\xff\xfe", "as JSON"),
        (b"[" * 100_000, "as JSON"),
        (b"[1]", "found a JSON list, needed an object"),
        (b'"text"', "found a JSON str, needed an object"),
        (b"{}", "found no such field"),
        (b'{"instances": {"a": 1}}', "found a dict"),
        (b'{"instances": []}', "'instances' is empty"),
    ],
    ids=str,
)
def test_v1_says_what_is_wrong_with_a_body(body, message):
    with pytest.raises(Refusal, match=message) as caught:
        v1.decode(body)

    assert caught.value.status == 400


def test_v1_answers_one_output_as_rows_and_several_as_records():
    one = v1.encode({"predict": np.array([1, 2])})
    several = v1.encode({"label": np.array(["a", "b"]), "score": np.array([0.5, np.nan])})

    assert json.loads(one) == {"predictions": [1, 2]}
    assert json.loads(several) == {
        "predictions": [{"label": "a", "score": 0.5}, {"label": "b", "score": None}]
    }


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]]], ids=["flat", "nested"])
def test_v2_reads_flat_and_nested_data(data):
    request = v2.decode(infer(tensor(data, [2, 2])), b"")

    np.testing.assert_array_equal(request.payload.inputs["x"], [[1.0, 2.0], [3.0, 4.0]])
    assert request.payload.inputs["x"].dtype == np.float64


def test_v2_reads_null_as_missing_and_text_as_text():
    request = v2.decode(
        infer(tensor([1.5, None]), tensor(["a", "b"], datatype="BYTES", name="y")), b""
    )

    np.testing.assert_array_equal(request.payload.inputs["x"], [1.5, np.nan])
    assert request.payload.inputs["y"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "must be a list of tensors, not empty"),
        ([5], "must be an object with a name"),
        ([{"shape": [1]}], "must be an object with a name"),
        ([tensor([1], datatype="FLOAT")], "datatype 'FLOAT' is not known"),
        ([tensor([1], datatype=None)], "datatype None is not known"),
        ([tensor([1], shape="x")], "'shape' must be a list of lengths"),
        ([tensor([1], shape=[-1])], "'shape' must be a list of lengths"),
        ([tensor([1], shape=[True])], "'shape' must be a list of lengths"),
        ([tensor([1], shape=[1] * 33)], "'shape' must be a list of lengths"),
        ([tensor([1, 2], shape=[3])], r"'data' has 2 values, shape \[3\] needs 3"),
        ([tensor("abc", shape=[3])], "'data' must be a list"),
        ([tensor(["1.5"])], "found text, needed FP64 values"),
        ([tensor([True])], "found booleans, needed FP64 values"),
        ([tensor([{"a": 1}])], "found mixed values"),
        ([tensor([[1, 2], [3]], shape=[3])], "rows differ in length"),
        ([tensor([1.5], datatype="INT64")], "found fractional numbers, needed INT64"),
        ([tensor([300], datatype="UINT8")], "outside UINT8's range"),
        ([tensor([-1], datatype="UINT64")], "outside UINT64's range"),
        ([tensor([None], datatype="INT64")], "found mixed values"),
        ([tensor([1], datatype="BYTES")], "found values that are no text"),
        ([tensor([1], datatype="BOOL")], "found integers, needed BOOL"),
        ([tensor([], shape=[0])], "the inputs have no rows"),
        ([tensor([], shape=[0, 4])], "the inputs have no rows"),
        ([tensor([1]), tensor([2])], "input 'x' is given twice"),
        ([tensor([1], parameters={"binary_data_size": 8})], "no length in the body"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_v2_says_what_is_wrong_with_an_input(inputs, message):
    with pytest.raises(Refusal, match=message) as caught:
        v2.decode(infer(*inputs), b"")

    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"outputs": 5}, "'outputs' must be a list"),
        ({"outputs": [{"no": "name"}]}, "'outputs' must be a list"),
        ({"id": 5}, "'id' must be text"),
    ],
    ids=["outputs", "output name", "id"],
)
def test_v2_says_what_is_wrong_with_the_rest(more, message):
    with pytest.raises(Refusal, match=message):
        v2.decode(infer(tensor([1]), **more), b"")


def test_v2_answers_with_the_id_it_was_asked_with():
    request = v2.decode(infer(tensor([1]), id="42"), b"")

    body, content_type, extra = v2.encode("m", "3", request, {"predict": np.array([7, 8])})

    assert json.loads(body) == {
        "model_name": "m",
        "model_version": "3",
        "id": "42",
        "outputs": [{"name": "predict", "shape": [2], "datatype": "INT64", "data": [7, 8]}],
    }
    assert (content_type, extra) == (b"application/json", b"")


def test_v2_takes_and_gives_binary_tensors():
    header = infer(
        {
            "name": "x",
            "shape": [1, 2],
            "datatype": "FP32",
            "parameters": {"binary_data_size": 8},
        },
        tensor([5], datatype="INT64", name="y"),
        outputs=[{"name": "a", "parameters": {"binary_data": True}}, {"name": "b"}],
    )

    request = v2.decode(header + struct.pack("<2f", 1.5, 2.5), str(len(header)).encode())
    outputs = {"a": np.array(["é", "b"], dtype=object), "b": np.array([1.0])}
    body, content_type, extra = v2.encode("m", "1", request, outputs)

    np.testing.assert_array_equal(request.payload.inputs["x"], [[1.5, 2.5]])
    assert request.payload.inputs["y"].tolist() == [5]
    assert content_type == b"application/octet-stream"
    length = int(extra.split(b":")[1])
    assert json.loads(body[:length])["outputs"] == [
        {"name": "a", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": 11}},
        {"name": "b", "shape": [1], "datatype": "FP64", "data": [1.0]},
    ]
    assert body[length:] == b"\x02\0\0\0\xc3\xa9\x01\0\0\0b"


@pytest.mark.parametrize(
    ("tail", "length", "message"),
    [
        (b"12345678", b"x", "no length within it"),
        (b"12345678", b"99999", "no length within it"),
        (b"1234", None, "no length in the body"),
        (b"12345678901", None, "3 bytes belong to no input"),
    ],
    ids=["no number", "too long", "too short", "left over"],
)
def test_v2_checks_binary_lengths(tail, length, message):
    header = infer(
        {"name": "x", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}
    )

    with pytest.raises(Refusal, match=message):
        v2.decode(header + tail, length or str(len(header)).encode())


@pytest.mark.parametrize("datatype", sorted(DTYPES))
def test_binary_tensors_come_back_as_they_went(datatype):
    dtype = DTYPES[datatype]
    values = ["", "a", "ü" * 300] if dtype.kind == "O" else [0, 1, 1]
    array = np.array(values, dtype=dtype)

    again = decode_binary(encode_binary(array), dtype, (3,), "x")

    np.testing.assert_array_equal(again, array)
    assert again.dtype == dtype


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
INPUT = st.fixed_dictionaries(
    {"name": st.just("x") | JSON, "shape": st.just([1]) | JSON, "data": JSON},
    optional={
        "datatype": st.sampled_from(sorted(DTYPES)) | JSON,
        "parameters": st.just({"binary_data_size": 2}) | JSON,
    },
)


@given(st.fixed_dictionaries({"inputs": st.lists(INPUT, max_size=3) | JSON}), st.binary())
def test_v2_refuses_or_understands_whatever_comes(document, tail):
    header = json.dumps(document).encode()

    with contextlib.suppress(Refusal):
        request = v2.decode(header + tail, str(len(header)).encode())
        assert isinstance(request.payload, Tensors)
