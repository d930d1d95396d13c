"""The numpy twins must answer as scikit-learn does, bit for bit."""

import zipfile
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from jupyter_mlplat.serving.loading import native, skops_file

RNG = np.random.default_rng(7)
ROWS = RNG.normal(size=(300, 8)) * 10
GAPPY = np.where(RNG.random(ROWS.shape) < 0.05, np.nan, ROWS)
BINARY = (ROWS[:, 0] * ROWS[:, 1] + ROWS[:, 2] > 0).astype(int)
THREE = np.array(["a", "b", "c"])[np.digitize(ROWS[:, 0] + ROWS[:, 3], [-5, 5])]
REAL = ROWS[:, 0] ** 2 + ROWS[:, 1]
UNSEEN = RNG.normal(size=(1000, 8)) * 10
UNSEEN_GAPPY = np.where(RNG.random(UNSEEN.shape) < 0.05, np.nan, UNSEEN)

CASES = [
    (LogisticRegression(max_iter=2000), ROWS, BINARY, UNSEEN),
    (LogisticRegression(max_iter=2000), ROWS, THREE, UNSEEN),
    (LinearRegression(), ROWS, REAL, UNSEEN),
    (Ridge(), ROWS, REAL, UNSEEN),
    (Lasso(), ROWS, REAL, UNSEEN),
    (ElasticNet(), ROWS, REAL, UNSEEN),
    (DecisionTreeClassifier(random_state=0), ROWS, THREE, UNSEEN),
    (DecisionTreeRegressor(max_depth=4, random_state=0), ROWS, REAL, UNSEEN),
    (RandomForestClassifier(60, random_state=0), ROWS, BINARY, UNSEEN),
    (RandomForestClassifier(33, random_state=1), GAPPY, THREE, UNSEEN_GAPPY),
    (RandomForestRegressor(40, random_state=0), ROWS, REAL, UNSEEN),
    (RandomForestRegressor(40, random_state=0), GAPPY, REAL, UNSEEN_GAPPY),
    (make_pipeline(StandardScaler(), LogisticRegression()), ROWS, THREE, UNSEEN),
    (make_pipeline(MinMaxScaler(), Ridge()), ROWS, REAL, UNSEEN),
    (
        make_pipeline(StandardScaler(with_mean=False), RandomForestClassifier(20, random_state=0)),
        ROWS,
        THREE,
        UNSEEN,
    ),
]


def twin(estimator):
    return native.build(skops_file.read(skops.io.dumps(estimator)))


@pytest.mark.parametrize(
    ("estimator", "rows", "target", "unseen"),
    CASES,
    ids=[f"{type(case[0]).__name__}-{n}" for n, case in enumerate(CASES)],
)
def test_twin_answers_as_scikit_learn_does(estimator, rows, target, unseen):
    estimator.fit(rows, target)
    ours = twin(estimator)

    for count in (1, 2, 64, 1000):
        expected = estimator.predict(unseen[:count])
        found = ours.predict(unseen[:count])
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_allclose(
            ours.predict_proba(unseen), estimator.predict_proba(unseen), rtol=1e-12, atol=1e-15
        )
    assert hasattr(ours, "predict_proba") == hasattr(estimator, "predict_proba")


@pytest.mark.parametrize(
    "estimator",
    [
        GradientBoostingClassifier(n_estimators=2),
        ExtraTreesClassifier(2),
        LogisticRegression(solver="liblinear"),
        make_pipeline(PolynomialFeatures(), Ridge()),
        DecisionTreeClassifier(monotonic_cst=[1] + [0] * 7),
    ],
    ids=lambda e: type(e).__name__,
)
def test_what_has_no_twin_is_left_to_scikit_learn(estimator):
    estimator.fit(ROWS, BINARY)

    with pytest.raises(skops_file.NotUnderstood):
        twin(estimator)


def test_a_model_fitted_on_a_frame_knows_its_columns():
    frame = pd.DataFrame(ROWS, columns=[f"c{n}" for n in range(8)])
    for estimator in (
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestRegressor(5, random_state=0),
    ):
        estimator.fit(frame, BINARY)

        ours = twin(estimator)

        assert list(ours.feature_names_in_) == list(frame.columns)
        np.testing.assert_array_equal(ours.predict(ROWS), estimator.predict(frame))


def test_several_targets_are_left_to_scikit_learn():
    two = np.column_stack([REAL, REAL])

    for estimator in (LinearRegression(), RandomForestRegressor(3)):
        with pytest.raises(skops_file.NotUnderstood):
            twin(estimator.fit(ROWS, two))


def test_missing_values_are_refused_where_the_model_cannot_take_them():
    ours = twin(LogisticRegression(max_iter=2000).fit(ROWS, BINARY))

    with pytest.raises(ValueError, match="contains NaN"):
        ours.predict(UNSEEN_GAPPY)


def test_a_number_too_large_for_a_tree_is_refused():
    ours = twin(DecisionTreeClassifier().fit(ROWS, BINARY))

    with pytest.raises(ValueError, match="too large for float32"):
        ours.predict(np.full((1, 8), 1e300))


def rewritten(content, change):
    """Return a skops file whose arrays went through `change(name, array)`."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith(".npy"):
                buffer = BytesIO()
                np.save(buffer, change(np.load(BytesIO(data))))
                data = buffer.getvalue()
            target.writestr(name, data)
    return out.getvalue()


def test_a_tree_that_leads_outside_of_itself_is_not_walked():
    content = skops.io.dumps(DecisionTreeClassifier().fit(ROWS, BINARY))

    def poison(array):
        if array.dtype.names and "left_child" in array.dtype.names:
            array["left_child"][0] = 2**40
        return array

    with pytest.raises(skops_file.NotUnderstood, match="outside of itself"):
        native.build(skops_file.read(rewritten(content, poison)))


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 nonsense", b"\x80\x04N."],
    ids=["empty", "torn", "pickle"],
)
def test_what_is_no_skops_file_is_not_understood(content):
    with pytest.raises(skops_file.NotUnderstood):
        skops_file.read(content)


def test_a_schema_that_is_too_deep_is_not_understood():
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        text = '{"__loader__":"ListNode","content":[' * 50_000 + "1" + "]}" * 50_000
        archive.writestr("schema.json", text)

    with pytest.raises(skops_file.NotUnderstood):
        skops_file.read(out.getvalue())
