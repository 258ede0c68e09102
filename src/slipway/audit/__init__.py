"""The log of what was answered, what became of it, what another version would have answered, what was refused, and who administered what.

A reply leaves only after its lines are committed. Databases: `sqlite`, `postgres`; keys of subject ids: `key_file`, `subjects`;
by command: `retention`, `rotation`.
"""

from slipway.audit.administering import administered
from slipway.audit.book import OutcomeBook
from slipway.audit.errors import AuditError
from slipway.audit.known import Known, Outcome, history, known
from slipway.audit.lines import Administered, Answered, Refused, Shadowed, prediction_id
from slipway.audit.outcomes import Claim, OutcomeCounts, OutcomeRequest, Unfit, UnfitError
from slipway.audit.places import AUDIT, Place
from slipway.audit.reading import Act, Line, Refusal, Shadow, Wanted, administration, predictions, read, refusals, shadows
from slipway.audit.served import served
from slipway.audit.writer import AuditLog

__all__ = [
    "AUDIT",
    "Act",
    "Administered",
    "Answered",
    "AuditError",
    "AuditLog",
    "Claim",
    "Known",
    "Line",
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
    "administered",
    "administration",
    "history",
    "known",
    "prediction_id",
    "predictions",
    "read",
    "refusals",
    "served",
    "shadows",
]
