"""AutoGluon on one table, in an environment of its own: PYTHON with_autogluon.py LEARNT HELD_OUT TARGET SECONDS METRIC ANSWERS"""

from __future__ import annotations

import sys

import pandas as pd
from autogluon.tabular import TabularPredictor


def main(learnt: str, held_out: str, target: str, seconds: str, metric: str, answers: str) -> None:
    number = "regression" if metric.endswith("error") else None  # or else whole numbers may be taken for classes
    predictor = TabularPredictor(label=target, eval_metric=metric, problem_type=number, verbosity=0, path=f"{answers}.models")
    predictor.fit(pd.read_csv(learnt), time_limit=int(seconds))
    rows = pd.read_csv(held_out)
    found = (
        pd.DataFrame({"prediction": predictor.predict(rows)}) if predictor.problem_type == "regression" else predictor.predict_proba(rows)
    )
    found.to_csv(answers, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
