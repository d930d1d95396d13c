"""scikit-learn estimators stored by skops: data, with the types it may become checked first."""

import io
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from jupyter_mlplat.serving.config import Config
from jupyter_mlplat.serving.loading import native, skops_file
from jupyter_mlplat.serving.loading.errors import ModelNotLoadable
from jupyter_mlplat.serving.models import Estimator

# What fitted scikit-learn estimators are made of, beyond what skops knows: types and functions of
# the installed library that run nothing of the file's choosing when the estimator is built.
_HARMLESS = frozenset(
    {
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.Matern",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._dist_metrics.MinkowskiDistance64",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.metrics._scorer._Scorer",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.model_selection._split.TimeSeriesSplit",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)


def build(config: Config, content: bytes) -> Estimator:
    """Load an estimator from skops bytes: as plain numbers where that will do, else by skops."""
    try:
        return estimator_model(config, native.build(skops_file.read(content)), "sklearn_skops")
    except skops_file.NotUnderstood:
        return estimator_model(config, _built_by_skops(config, content), "sklearn_skops")


def _built_by_skops(config: Config, content: bytes) -> Any:
    if b"feature_names_in_" in zipfile.ZipFile(io.BytesIO(content)).read("schema.json"):
        import skops.io
    else:
        with _without_pandas():
            import skops.io
    doubtful = skops.io.get_untrusted_types(data=content)
    unknown = [name for name in doubtful if name not in _HARMLESS]
    if unknown and not config.is_trusted:
        raise ModelNotLoadable(
            f"its file names types that are not known to be harmless: {', '.join(unknown)}. "
            "If you trust where it came from, deploy it with --trust-pickle."
        )
    return skops.io.loads(content, trusted=doubtful)


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Let scikit-learn believe that pandas is not installed, while it is imported.

    It imports pandas only to recognise frames. A model that was not fitted on one is not given one,
    so half a second and 60 MB are saved.
    """
    if "pandas" in sys.modules:
        yield
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["pandas"]


def estimator_model(config: Config, estimator: Any, platform: str) -> Estimator:
    """Wrap anything with scikit-learn's `predict`."""
    if not hasattr(estimator, "predict"):
        raise ModelNotLoadable(f"a {type(estimator).__name__} has no predict method.")
    # Arrays are given in the order of the names the model was fitted with, where names do not
    # matter.
    warnings.filterwarnings("ignore", "X does not have valid feature names")
    model = Estimator(estimator, config.inputs, config.outputs, platform)
    _warm_up(model)
    return model


def _warm_up(model: Estimator) -> None:
    """Pay for what the first call pays: lazy imports, thread pools."""
    if len(model.inputs) == 1 and len(model.inputs[0].shape) == 2 and model.inputs[0].shape[1] > 0:
        try:
            model.predict(np.zeros((1, model.inputs[0].shape[1])), ())
        except (ValueError, TypeError):
            return  # zeros are not among what this model takes; real input will tell
