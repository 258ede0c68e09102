"""Whether a candidate may replace the champion. Bundles and rows in, a verdict out; nothing is changed here.

`comparison`, `slices` and `footprint` measure, `rules` judges their numbers, and `verdict` calls them all.
"""

from slipway.gate.comparison import Champion, Comparison, StoredChampion
from slipway.gate.footprint import Footprint
from slipway.gate.verdict import Occasion, decide, judge

__all__ = ["Champion", "Comparison", "Footprint", "Occasion", "StoredChampion", "decide", "judge"]
