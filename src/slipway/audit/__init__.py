"""The log of answers, their outcomes, shadows, refusals and acts of administration.

A reply is sent only after its lines are committed. Databases: `databases`; keys of subject ids: `subjects`; searches of its
pages: `search`; commands that change it: `upkeep`; subject ids for those who may see them: `disclosure`.
"""

from slipway.audit.acts import record_act
from slipway.audit.book import OutcomeBook
from slipway.audit.errors import AuditError
from slipway.audit.ground_truth import Known, Outcome, history, known_outcomes
from slipway.audit.lines import Administered, Answered, Explained, Refused, Shadowed, prediction_id
from slipway.audit.outcomes import Claim, OutcomeCounts, OutcomeRequest, Unfit, UnfitError
from slipway.audit.places import AUDIT, Place
from slipway.audit.reading import (
    Act,
    Line,
    LoggedExplanation,
    Refusal,
    Shadow,
    Wanted,
    administration,
    explanations,
    predictions,
    read,
    refusals,
    shadows,
)
from slipway.audit.traffic import SETTLED, served_rows
from slipway.audit.writer import AuditLog

__all__ = [
    "AUDIT",
    "SETTLED",
    "Act",
    "Administered",
    "Answered",
    "AuditError",
    "AuditLog",
    "Claim",
    "Explained",
    "Known",
    "Line",
    "LoggedExplanation",
    "Outcome",
    "OutcomeBook",
    "OutcomeCounts",
    "OutcomeRequest",
    "Place",
    "Refusal",
    "Refused",
    "Shadow",
    "Shadowed",
    "Unfit",
    "UnfitError",
    "Wanted",
    "administration",
    "explanations",
    "history",
    "known_outcomes",
    "prediction_id",
    "predictions",
    "read",
    "record_act",
    "refusals",
    "served_rows",
    "shadows",
]
