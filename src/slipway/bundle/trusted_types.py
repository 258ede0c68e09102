"""The types that a stored scikit-learn model may contain: those that skops trusts, our list, and those that the model's file trusts.

Our list is in the code, and what a model's file trusts comes by the ledger and the gateway's pointer (decision 0054): a list stored beside
the model would prove nothing. The types of our list hold arrays, numbers and other parts of scikit-learn, or are functions of NumPy and
scikit-learn that only compute. Types of other packages are not on it, also where they are as common as LightGBM's: such a package reads a
format of its own, in C++, from bytes that may have been replaced, so a person decides about it in the model's file.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from slipway.bundle.contents import refuse_large_zip
from slipway.errors import BundleError, UnsafeModelError

ALLOWED = (
    "collections.OrderedDict",
    "numpy.asarray",
    "numpy.average",
    "numpy.clip",
    "numpy.diff",
    "numpy.dot",
    "numpy.dtype",
    "numpy.interp",
    "numpy.mean",
    "numpy.prod",
    "numpy.ravel",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn._loss.loss.HalfTweedieLoss",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._mutual_info.mutual_info_classif",
    "sklearn.feature_selection._mutual_info.mutual_info_regression",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.feature_selection._univariate_selection.r_regression",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.DotProduct",
    "sklearn.gaussian_process.kernels.ExpSineSquared",
    "sklearn.gaussian_process.kernels.Matern",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.gaussian_process.kernels.RationalQuadratic",
    "sklearn.gaussian_process.kernels.Sum",
    "sklearn.gaussian_process.kernels.WhiteKernel",
    "sklearn.metrics._dist_metrics.ChebyshevDistance64",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.metrics._dist_metrics.MinkowskiDistance64",
    "sklearn.multiclass._ConstantPredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)


def refuse_other_types(path: Path, trusted: Collection[str] = ()) -> None:
    """Inspect a skops file without loading it; see `refuse_other_types_in`."""
    refuse_other_types_in(path.read_bytes(), path.name, trusted)


def refuse_other_types_in(content: bytes, name: str, trusted: Collection[str] = ()) -> None:
    """Inspect the content of a skops file without loading it; `name` is named in the error.

    Args:
        trusted: Further types, which the model's file trusts.
    Raises:
        UnsafeModelError: It has a type that skops does not trust by itself, that is not on our list, and that is not trusted.
        BundleError: It is not a skops file, or expands to too much.
    """
    try:
        refuse_large_zip(content, name)
        strangers = other_types(content, trusted)
    except BundleError:
        raise
    except Exception as error:  # of a malformed schema, skops raises any error
        raise BundleError(f"{name} is not a skops file ({type(error).__name__}: {error}). Release the model again.") from None
    if strangers:
        raise UnsafeModelError(
            f"{name} contains the types {strangers}, which are not on the allow-list in slipway/bundle/trusted_types.py, and which the "
            "model's file did not trust when the version was released. It was not loaded. If they belong to a model of yours, write them "
            "into its file, as trusted=(...), and release it again."
        )


def other_types(content: bytes, trusted: Collection[str] = ()) -> list[str]:
    """Return the types in the content of a skops file that neither skops nor our list trusts, nor `trusted` names, without loading it."""
    from skops.io import get_untrusted_types

    return sorted(set(get_untrusted_types(data=content)) - {*ALLOWED, *trusted})
