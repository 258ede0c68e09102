"""The types of notification blocks: Prefect's for Slack and Teams, and two that it lacks.

They are a collection of Prefect's (an entry point of the project), so that its server, which sends the messages, finds them.
"""

from __future__ import annotations

from functools import partial

import httpx
from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.notifications import AppriseNotificationBlock, MicrosoftTeamsWebhook, SlackWebhook
from pydantic import Field, SecretStr

from slipway.retries import retry_async

AGAIN_AFTER = (1.0, 4.0)  # seconds; the server runs few actions at a time, so none may take long
PATIENCE = 5.0
MAY_HEAL = frozenset({408, 429, 500, 502, 503, 504})


class WebHook(NotificationBlock):
    """Sends a notification as a JSON object by POST: `text` for chat programs, `subject` and `body` for others.

    Prefect's own block for this writes the address, which is a secret, into the server's log when it fails.
    """

    _block_type_name = "Slipway web hook"
    _block_type_slug = "slipway-web-hook"
    _description = "Sends notifications as JSON to an address that is kept secret."

    url: SecretStr = Field(title="Address", description="Where notifications are sent by POST.")

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Send; try again when that may help.

        Raises:
            NotificationError: It was not taken. Neither message nor log holds the address.
        """
        message = {"text": f"{subject}\n{body}" if subject else body, "subject": subject, "body": body}
        async with httpx.AsyncClient(timeout=PATIENCE, headers={"User-Agent": "Slipway"}) as http:
            problem, _ = await retry_async(partial(self._post, http, message), pauses=AGAIN_AFTER, heals=_heals)
        if problem:
            raise NotificationError(f"the web hook {problem}")

    async def _post(self, http: httpx.AsyncClient, message: dict[str, str | None]) -> tuple[str, bool]:
        """Return what is wrong, empty if nothing, and whether another try may help."""
        try:
            response = await http.post(self.url.get_secret_value(), json=message)
        except httpx.TransportError as error:
            return f"was not reached: {type(error).__name__}", True
        return ("" if response.is_success else f"answered {response.status_code}"), response.status_code in MAY_HEAL


def _heals(outcome: object, _attempts: int) -> bool:
    return isinstance(outcome, tuple) and bool(outcome[1])


class Email(AppriseNotificationBlock):
    """Sends a notification by e-mail; the address is one of Apprise's, `mailtos://`."""

    _block_type_name = "Slipway e-mail"
    _block_type_slug = "slipway-e-mail"
    _description = "Sends notifications by e-mail through Apprise."

    url: SecretStr = Field(title="Apprise URL", description="Mail server, sender and receivers: mailtos://user:{password}@host?to=...")


BLOCKS: dict[str, type[SlackWebhook | MicrosoftTeamsWebhook | Email | WebHook]] = {
    "slack-webhook": SlackWebhook,
    "ms-teams-webhook": MicrosoftTeamsWebhook,
    "slipway-e-mail": Email,
    "slipway-web-hook": WebHook,
}
