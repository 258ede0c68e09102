"""The log of what was answered, what became of it, what another version would have answered, what was refused, and who administered what.

A reply leaves only after its lines are committed. Databases: `sqlite`, `postgres`; keys of subject ids: `key_file`, `subjects`;
by command: `retention`, `rotation`.
"""

from slipway.gateway.audit.administering import administered
from slipway.gateway.audit.book import OutcomeBook
from slipway.gateway.audit.errors import AuditError
from slipway.gateway.audit.known import Known, Outcome, history, known
from slipway.gateway.audit.lines import Administered, Answered, Refused, Shadowed, prediction_id
from slipway.gateway.audit.outcomes import Claim, Recorded, Sent, Unfit, UnfitError
from slipway.gateway.audit.places import AUDIT, Place
from slipway.gateway.audit.reading import Act, Line, Refusal, Shadow, Wanted, administration, predictions, read, refusals, shadows
from slipway.gateway.audit.served import served
from slipway.gateway.audit.writer import AuditLog

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
    "Place",
    "Recorded",
    "Refusal",
    "Refused",
    "Sent",
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
