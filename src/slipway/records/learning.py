"""What a release learnt from the log."""

from __future__ import annotations

from slipway.records.base import Record


class Covered(Record):
    """How many answers of one part had an outcome: of one label, of one band of scores, or of one slice."""

    part: str
    answers: int
    outcomes: int

    @property
    def share(self) -> float:
        return self.outcomes / self.answers if self.answers else 0.0


class LearntRows(Record):
    """What a release learnt from the log beside the rows of its data set, whose checksum is `rows_sha256`.

    `until`: later outcomes did not count. `learnt` rows were learnt from, `apart` were set apart to judge; `outcomes_sha256` is the
    checksum of both. `new` counts those whose outcome came after the release of the version in service. `left_out` counts by the reason.
    If it was found to be better, a row counts half after `half_life_rows` newer ones, or only the `newest_rows` of the log count fully.
    `not_judged` says why the rows set apart do not judge; "" if they do.
    """

    until: str
    first: str | None
    last: str | None
    learnt: int
    apart: int
    new: int
    versions: dict[int, int]
    left_out: dict[str, int]
    coverage: list[Covered]
    not_judged: str
    rows_sha256: str
    outcomes_sha256: str
    half_life_rows: int | None = None
    newest_rows: int | None = None
