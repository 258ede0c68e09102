"""The comparison of champion and challenger as Markdown."""

from __future__ import annotations

from slipway.problems.estimates import LEVEL
from slipway.records import Effect, Paired
from slipway.rendering.markdown import table


def paired_lines(found: Paired) -> list[str]:
    """Return the verdict, a table with the difference and interval of each figure, and the number of discordant rows."""
    return [
        f"**{found.reason}.**\n",
        *table(
            ["figure", "champion", "challenger", "difference", f"{LEVEL:.0%} interval", "p", "by"],
            [_line(effect) for effect in effects(found)],
        ),
        "",
        f"{_rows(found)} The intervals and p of the table hold for one look at the rows.",
    ]


def _rows(found: Paired) -> str:
    same, champion, challenger = found.rows - found.disagreeing, found.only_champion_right, found.only_challenger_right
    if found.accuracy is None:
        return (
            f"The challenger is nearer to the outcome of {challenger:,} of {found.rows:,} rows, the champion of {champion:,}. "
            "For errors, a difference below 0 is an improvement."
        )
    return (
        f"Both give the same label to {same:,} of {found.rows:,} rows. Only the challenger is right about {challenger:,}, "
        f"only the champion about {champion:,}: these rows show the difference, and McNemar's test says whether chance "
        "explains it."
    )


def effects(found: Paired) -> list[Effect]:
    """Return the effects, each figure once; the spec's metric is first."""
    every = [found.effect, found.accuracy, found.auc, found.error]
    return list({effect.figure: effect for effect in every if effect is not None}.values())


def _line(effect: Effect) -> list[str]:
    return [
        effect.figure,
        f"{effect.champion:.4f}",
        f"{effect.challenger:.4f}",
        f"{effect.difference:+.4f}",
        f"{effect.low:+.4f} to {effect.high:+.4f}",
        f"{effect.p_value:.3g}",
        effect.method,
    ]
