"""A fitted model that was made elsewhere, in the place of an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slipway.errors import SpecError

SHOWN = 12  # digits of a checksum


@dataclass(frozen=True, slots=True)
class Adopted:
    """What `slipway adopt` read from MLflow, and stored without a pickle beside the model's file. Nothing is trained.

    It takes the columns of the model by their names, as they are: no preparation is added. Put an estimator, its preparation and its
    search in its place, and releases train it.

    Args:
        version: Where it came from, such as models:/churn/3.
        file: The skops file, as `Path(__file__).with_name("churn.skops")`.
        sha256: The checksum of that file; another one is refused.
        predicts: "classes" or "number".
    """

    version: str
    file: Path
    sha256: str
    predicts: Literal["classes", "number"]

    def __post_init__(self) -> None:
        if not self.version.startswith("models:/"):
            raise SpecError(f"version={self.version!r} is no version of a registered model; expected models:/NAME/VERSION.")

    def __repr__(self) -> str:
        return f"Adopted({self.version!r}, sha256={self.sha256[:SHOWN]!r})"

    # what a declaration asks of an estimator

    def fit(self, *rows: Any) -> Any:
        """Refuse to learn.

        Raises:
            SpecError: Always.
        """
        raise SpecError(f"{self!r} is fitted already.")

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return no parameter: none can be searched."""
        return {}

    def set_params(self, **params: Any) -> Adopted:
        """Return the same; there is no parameter to set."""
        return self

    def __getattr__(self, name: str) -> Any:
        if name == "predict" or (name == "predict_proba" and self.predicts == "classes"):
            return self.fit  # the stored model has it
        raise AttributeError(name)
