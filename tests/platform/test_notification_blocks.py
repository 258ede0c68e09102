"""The channels, as Prefect's server uses them: blocks that send over real HTTP and SMTP."""

from __future__ import annotations

import asyncio
import email
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prefect.blocks.abstract import NotificationError
from prefect.blocks.core import Block
from pydantic import SecretStr

from deployments.server import channels
from deployments.server.notification_blocks import BLOCKS, WebHook
from slipway.settings import Settings
from tests.support.receiver import Receiver, mail_server, web_hook

PATH = "/hooks/a-key-that-must-not-show"
TEAMS = "https://prod-1.westeurope.logic.azure.com:443/workflows/0ab1/triggers/manual/paths/invoke?api-version=2016-06-01&sig=environment"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with web_hook(PATH) as found:
        yield found


def notify(block: Block) -> None:
    async def send() -> None:
        with block.raise_on_failure():
            await block.notify(subject="release-toy: failed", body="why\nand where")

    asyncio.run(send())


def block_of(settings: Settings) -> Block:
    (channel,) = channels.configured(settings)
    return BLOCKS[channel.block_type](url=channel.url)


def test_a_web_hook_is_sent_subject_and_body(receiver):
    notify(WebHook(url=receiver.url))

    (sent,) = receiver.messages
    assert (sent["path"], sent["subject"], sent["body"]) == (PATH, "release-toy: failed", "why\nand where")
    assert sent["text"] == "release-toy: failed\nwhy\nand where"  # what chat programs show


def test_a_web_hook_that_fails_for_a_moment_is_tried_again(receiver):
    receiver.statuses = [500, 503]

    notify(WebHook(url=receiver.url))

    assert [sent["answered"] for sent in receiver.messages] == [500, 503, 200]


def test_a_web_hook_that_goes_on_failing_is_an_error_without_its_address(receiver):
    receiver.status = 500

    with pytest.raises(NotificationError) as failed:
        notify(WebHook(url=receiver.url))

    assert failed.value.log == "the web hook answered 500"
    assert len(receiver.messages) == 3


def test_a_web_hook_that_is_gone_is_not_tried_again(receiver):
    receiver.status = 404

    with pytest.raises(NotificationError) as failed:
        notify(WebHook(url=receiver.url))

    assert failed.value.log == "the web hook answered 404"
    assert len(receiver.messages) == 1


def test_a_web_hook_that_nobody_answers_is_an_error_without_its_address():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(NotificationError) as failed:
        notify(WebHook(url=f"http://127.0.0.1:{port}{PATH}"))

    assert failed.value.log == "the web hook was not reached: ConnectError"


def test_an_e_mail_arrives_with_its_lines(tmp_path: Path):
    with mail_server() as mailbox:
        url = f"mailto://127.0.0.1:{mailbox.port}?from=slipway@example.org&to=on-call@example.org"
        notify(block_of(Settings(home=tmp_path, notify_email=SecretStr(url))))

    (mail,) = [email.message_from_string(text) for text in mailbox.mails]
    assert mail["Subject"] == "release-toy: failed"
    assert "on-call@example.org" in mail["To"]
    assert mail.get_content_type() == "text/plain"
    assert mail.get_payload(decode=True).decode().split() == ["why", "and", "where"]


@pytest.mark.parametrize(
    ("channel", "url"),
    [("notify_slack", "https://hooks.slack.com/services/T0123ABCD/B0123ABCD/0123456789abcdefABCDEFGH"), ("notify_teams", TEAMS)],
)
def test_slack_and_teams_are_prefects_own_blocks_and_try_twice_more(tmp_path, channel, url):
    """Their servers are elsewhere: what is sent to them is Prefect's and Apprise's business, and tested there."""
    block = block_of(Settings(home=tmp_path, **{channel: SecretStr(url)}))

    (server,) = block._apprise_client
    assert (type(server).__name__, server.retry, server.wait) == (
        "NotifySlack" if channel == "notify_slack" else "NotifyWorkflows", 2, 3.0)  # fmt: skip
    assert type(block).__module__ == "prefect.blocks.notifications"


def test_what_an_address_says_itself_is_kept(tmp_path):
    (channel,) = channels.configured(Settings(home=tmp_path, notify_email=SecretStr("mailtos://mail.example.org?to=me&retry=0")))

    assert channel.url.get_secret_value() == "mailtos://mail.example.org?to=me&retry=0&wait=3&format=text"


def test_prefects_server_finds_our_blocks_by_itself():
    """It loads them as a collection, so that it can send through them."""
    assert Block.get_block_class_from_key("slipway-web-hook") is WebHook
