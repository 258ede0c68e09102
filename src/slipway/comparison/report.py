"""Champion and challenger side by side, as Markdown."""

from __future__ import annotations

from slipway.comparison.looks import LEVEL
from slipway.records import Effect, Paired
from slipway.rendering.markdown import table


def paired_lines(found: Paired) -> list[str]:
    """Return what the rows that both answered say: the verdict, each figure's difference with its interval, and what told them apart."""
    same = found.rows - found.disagreeing
    return [
        f"**{found.reason}.**\n",
        *table(
            ["figure", "champion", "challenger", "difference", f"{LEVEL:.0%} interval", "p", "by"],
            [_line(effect) for effect in effects(found)],
        ),
        "",
        f"Of {found.rows:,} rows both call {same:,} the same. Only the challenger is right about {found.only_challenger_right:,}, only the "
        f"champion about {found.only_champion_right:,}: those rows tell them apart, and McNemar's test asks whether they could fall so by "
        "chance. The intervals and p of the table hold for one look at the rows.",
    ]


def effects(found: Paired) -> list[Effect]:
    """Return the effects there are, that of the spec's metric first, each figure once."""
    every = [found.effect, found.accuracy, found.auc]
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
