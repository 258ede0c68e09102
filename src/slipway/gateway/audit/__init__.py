"""The log of what was answered, what another version would have answered, what was refused, and who administered what.

A reply leaves only after its lines are committed. Databases: `sqlite`, `postgres`; keys of subject ids: `key_file`, `subjects`;
by command: `retention`, `rotation`.
"""

from slipway.gateway.audit.administering import administered
from slipway.gateway.audit.errors import AuditError
from slipway.gateway.audit.lines import Administered, Answered, Refused, Shadowed, prediction_id
from slipway.gateway.audit.places import AUDIT, Place
from slipway.gateway.audit.reading import Act, Line, Refusal, Shadow, Wanted, administration, predictions, read, refusals, shadows
from slipway.gateway.audit.writer import AuditLog

__all__ = [
    "AUDIT",
    "Act",
    "Administered",
    "Answered",
    "AuditError",
    "AuditLog",
    "Line",
    "Place",
    "Refusal",
    "Refused",
    "Shadow",
    "Shadowed",
    "Wanted",
    "administered",
    "administration",
    "prediction_id",
    "predictions",
    "read",
    "refusals",
    "shadows",
]
