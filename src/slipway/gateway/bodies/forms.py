"""The body of an HTML form: `application/x-www-form-urlencoded`, as browsers send it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from slipway.gateway.replies import BAD_REQUEST, UNSUPPORTED_MEDIA_TYPE, RequestError

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 2_000


@dataclass(frozen=True, slots=True)
class SentForm:
    """The fields of a form. A field that was sent several times has several values."""

    fields: dict[str, list[str]] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return the last value of a field, "" if it was not sent."""
        return self.fields[name][-1] if name in self.fields else ""

    def all(self, name: str) -> list[str]:
        return self.fields.get(name, [])


def decode(content_type: str, body: bytes) -> SentForm:
    """Return the fields of a form.

    Raises:
        RequestError: 415, the body is no form; 400, it cannot be read.
    """
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise RequestError(415, UNSUPPORTED_MEDIA_TYPE, f"expected Content-Type {FORM}, received {content_type[:100]!r}.")
    fields: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:  # its message may quote the body
        raise RequestError(400, BAD_REQUEST, f"expected a form of at most {MOST_FIELDS:,} fields in UTF-8; it cannot be read.") from None
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return SentForm(fields)
