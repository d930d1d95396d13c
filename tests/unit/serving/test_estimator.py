"""What requests become before an estimator sees them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVR

from jupyter_mlplat.serving.exchange import Refusal
from jupyter_mlplat.serving.models import Estimator
from jupyter_mlplat.serving.payloads import Rows, Tensors
from jupyter_mlplat.serving.tensors import TensorSpec

ROWS = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 3.0]])
LABELS = np.array(["no", "no", "yes", "yes"])
PLAIN = LogisticRegression().fit(ROWS, LABELS)
FRAME = pd.DataFrame({"age": [1.0, 2.0, 30.0, 40.0], "city": ["a", "b", "a", "b"]})
MIXED = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough"), Ridge()
).fit(FRAME, [1.0, 2.0, 30.0, 40.0])
NAMED = SVR().fit(pd.DataFrame(ROWS, columns=["a", "b"]), [1, 2, 3, 4])


def model(estimator, inputs=(), outputs=()):
    return Estimator(estimator, inputs, outputs, "sklearn_skops")


def test_rows_of_several_requests_are_one_matrix():
    matrix = model(PLAIN).collate([Rows([[0, 1]]), Rows([[1.5, 0], [2, None]])])

    np.testing.assert_array_equal(matrix, [[0, 1], [1.5, 0], [2, np.nan]])


def test_tensors_and_rows_join_too():
    tensors = Tensors({"anything": np.array([[3, 4]])})

    matrix = model(PLAIN).collate([Rows([[1, 2]]), tensors])

    np.testing.assert_array_equal(matrix, [[1, 2], [3, 4]])


def test_metadata_is_derived_from_the_fitted_model():
    described = model(PLAIN)

    assert described.inputs == (TensorSpec("input", "FP64", (-1, 2)),)
    assert described.outputs == (
        TensorSpec("predict", "BYTES", (-1,)),
        TensorSpec("predict_proba", "FP64", (-1, 2)),
    )


def test_outputs_are_chosen_by_name():
    outputs = model(PLAIN).predict(ROWS[:1], ("predict_proba", "predict"))

    assert list(outputs) == ["predict_proba", "predict"]
    assert outputs["predict_proba"].shape == (1, 2)
    assert outputs["predict"].tolist() == ["no"]
    with pytest.raises(Refusal, match="Cannot give output 'x': this model has 'predict'"):
        model(PLAIN).predict(ROWS, ("x",))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (Rows([[1, 2, 3]]), "rows have 3 features, this model needs 2"),
        (Rows([1, 2]), "each row must be a list of numbers"),
        (Rows([[1, 2], [3]]), "rows differ in length"),
        (Rows([["1", "2"]]), "found text"),
        (Rows([[True, False]]), "found booleans"),
        (Rows([[1, [2]]]), "rows differ in length"),
        (Rows([{"a": 1}]), "fitted without feature names"),
        (Rows([[1, 2], {"a": 1}]), "rows differ in length"),
        (Tensors({"x": np.zeros((1, 3))}), "rows have 3 features"),
        (Tensors({"x": np.zeros(2)}), r"needed one input tensor of shape \[-1, 2\]"),
        (Tensors({"x": np.array([["a", "b"]], dtype=object)}), "found BYTES"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_does_not_fit_a_matrix_is_refused(payload, message):
    with pytest.raises(Refusal, match=message) as caught:
        model(PLAIN).collate([payload])

    assert caught.value.status == 400


def test_records_become_a_frame_for_a_model_that_chooses_columns_by_name():
    served = model(MIXED)
    records = Rows([{"city": "b", "age": 2}, {"age": 40, "city": "b"}])

    frame = served.collate([records, Rows([[30.0, "a"]])])

    assert list(frame.columns) == ["age", "city"]
    np.testing.assert_allclose(
        served.predict(frame, ())["predict"],
        MIXED.predict(pd.DataFrame({"age": [2, 40, 30.0], "city": ["b", "b", "a"]})),
    )


def test_columns_of_tensors_become_a_frame_too():
    tensors = {"age": np.array([2.0]), "city": np.array(["b"], dtype=object)}

    frame = model(MIXED).collate([Tensors(tensors)])

    pd.testing.assert_frame_equal(
        frame, pd.DataFrame({"age": [2.0], "city": np.array(["b"], dtype=object)})
    )


def test_a_numeric_model_with_names_is_given_arrays_and_nobody_warns():
    signature = (TensorSpec("a", "FP64", (-1,)), TensorSpec("b", "FP64", (-1,)))
    served = model(NAMED, signature)

    matrix = served.collate([Rows([{"b": 1, "a": 0}]), Rows([[1, 0]])])

    assert isinstance(matrix, np.ndarray)
    np.testing.assert_array_equal(matrix, [[0, 1], [1, 0]])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        expected = NAMED.predict(pd.DataFrame(matrix, columns=["a", "b"]))
        np.testing.assert_array_equal(served.predict(matrix, ())["predict"], expected)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (Rows([{"age": 1}]), "a record misses 'city'"),
        (Rows([{"age": 1, "city": "a", "x": 1}]), "a record has 'x' too many"),
        (Rows([{"age": 1, "city": "a"}, [1, "a"]]), "partly records"),
        (Rows([[1]]), "rows have 1 features, this model needs 2"),
        (Rows([5]), "must be a list or a record"),
        (Tensors({"age": np.array([1.0])}), "the request misses 'city'"),
        (
            Tensors({"age": np.array([1.0]), "city": np.array(["a", "b"], dtype=object)}),
            "columns of one length",
        ),
        (
            Tensors({"age": np.zeros((1, 2)), "city": np.array(["a"], dtype=object)}),
            "columns of one length",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_does_not_fit_a_frame_is_refused(payload, message):
    with pytest.raises(Refusal, match=message):
        model(MIXED).collate([payload])


def test_types_of_the_signature_are_enforced_in_records():
    signature = (TensorSpec("age", "FP64", (-1,)), TensorSpec("city", "BYTES", (-1,)))

    with pytest.raises(Refusal, match="Cannot read feature 'age': found text"):
        model(MIXED, signature).collate([Rows([{"age": "old", "city": "a"}])])
