"""The files of a measured model in its run: plots, evidence and the model card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from slipway.training import plots
from slipway.training.card.card import card
from slipway.training.evidence.evidence import Evidence, TrainedModel, figures_as_json, gather
from slipway.training.evidence.importance import loss_of
from slipway.training.evidence.profile import as_markdown
from slipway.training.evidence.slices import masks

if TYPE_CHECKING:
    import optuna


def write(trained: TrainedModel, folder: Path, commit: str, study: optuna.Study | None = None) -> None:
    """Write `plots/*.png`, `evidence/*` and `card.md` into a folder.

    Args:
        commit: The commit of the running code, for the card.
        study: The search that found the parameters; without it, or if it has no trials, its two plots are left out.
    """
    evidence = gather(trained)
    for name in ("plots", "evidence"):
        (folder / name).mkdir()
    _draw(trained, evidence, folder / "plots")
    if study is not None:
        title = f"{trained.spec.name}: {study.study_name}"
        plots.history(folder / "plots" / "optuna_history.png", study, trained.spec.metric, title)
        plots.importance_of_hyperparameters(folder / "plots" / "optuna_importance.png", study, title)
    _json(folder / "evidence" / "figures.json", figures_as_json(trained, evidence))
    _json(folder / "evidence" / "importance.json", [asdict(item) for item in evidence.importances])
    _json(folder / "evidence" / "profile.json", evidence.profile)
    # the index is the row's place among the validated rows
    pd.DataFrame(trained.measured.evaluation.columns(), index=trained.rows.test.index).to_csv(
        folder / "evidence" / "answers.csv", index_label="row"
    )
    (folder / "evidence" / "profile.md").write_text(as_markdown(evidence.profile), encoding="utf-8")
    (folder / "card.md").write_text(card(trained, evidence, commit), encoding="utf-8")


def _draw(trained: TrainedModel, evidence: Evidence, folder: Path) -> None:
    spec, evaluation = trained.spec, trained.measured.evaluation
    title = f"{spec.name}{' (sample rows)' if trained.snapshot.sample else ''}: {evaluation.rows:,} test rows"
    slices = {name: mask for _, name, mask in masks(spec, trained.rows.test)}
    spec.problem.draw(folder, evaluation, title, slices)
    plots.importance_of_columns(folder / "permutation_importance.png", evidence.importances, loss_of(spec), title)


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
