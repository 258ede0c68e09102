"""The role `administer`, and what protects administrators from locking themselves out."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from slipway.access import keys, passwords, users
from slipway.access.callers import Caller, Grant, GrantsChangedError, InvalidGrantError
from slipway.access.gatekeeper import Gatekeeper
from slipway.access.guessing import Guessing, Policy
from slipway.access.oidc.provider import Provider, ProviderError
from slipway.access.refusals import ForbiddenError, LockedOutError, UnauthenticatedError
from slipway.access.users import LastAdministratorError

PASSWORD = "correct-horse-battery-staple"
HOME = "192.0.2.1"
ADMINISTER = Grant("administer")


@pytest.fixture
def add(tmp_path):
    def add(name: str, *grants: Grant) -> str:
        users.add(tmp_path, name, PASSWORD, grants or [ADMINISTER], with_second_factor=True)
        return users.known(tmp_path, name).second_factor

    return add


def test_the_role_is_for_the_gateway_and_not_for_a_model():
    with pytest.raises(InvalidGrantError, match="expected administer alone, because users and keys are those of all models"):
        Grant.parse("administer:heart-failure")


def test_an_administrator_sees_no_model_and_may_do_nothing_else():
    boss = Caller("boss", "user", frozenset([ADMINISTER]))

    assert boss.may("administer")
    assert not boss.sees("heart-failure")
    assert not any(boss.may(role, "heart-failure") for role in ("predict", "outcome", "audit", "operate"))
    with pytest.raises(ForbiddenError, match="expected the role 'administer', which was not granted"):
        Caller("anna", "user", frozenset([Grant("predict")])).require("administer")
    with pytest.raises(ForbiddenError, match="expected a user with the role 'administer'"):
        Caller("dr.who", "oidc", frozenset([Grant("predict")])).require("administer")


def test_a_key_does_not_administer(tmp_path):
    keys.issue(tmp_path, "erp", [Grant("predict")])

    for act in (lambda: keys.issue(tmp_path, "other", [ADMINISTER]), lambda: keys.grant(tmp_path, "erp", [Grant("predict"), ADMINISTER])):
        with pytest.raises(InvalidGrantError, match="Only people administer, each with a second factor"):
            act()
    assert {name: key.grants for name, key in keys.listed(tmp_path).items()} == {"erp": ("predict",)}


def test_a_provider_makes_nobody_an_administrator():
    described = {"issuer": "https://id.example", "audience": "slipway", "jwks_url": "https://id.example/keys"}
    with pytest.raises(ProviderError, match="'administer' cannot come from a provider"):
        Provider(**described, roles={"bosses": ("administer",)})

    found = Provider(**described).grants({"roles": ["administer", "predict"]})

    assert found == {Grant("predict")}


def test_the_last_administrator_stays_one_on_the_pages_and_the_command_line_may_do_it(tmp_path, add):
    add("boss")
    add("anna", Grant("predict"))
    with pytest.raises(LastAdministratorError, match="Give it to another user first"):
        users.revoke(tmp_path, "boss", keep_administrator=True)
    with pytest.raises(LastAdministratorError):
        users.grant(tmp_path, "boss", [Grant("predict")], keep_administrator=True)
    assert users.known(tmp_path, "boss").grants == ("administer",)

    users.grant(tmp_path, "anna", [ADMINISTER], keep_administrator=True)
    users.revoke(tmp_path, "boss", keep_administrator=True)
    users.revoke(tmp_path, "anna")

    assert users.listed(tmp_path) == {}


def test_roles_are_not_replaced_if_they_are_no_longer_those_that_were_seen(tmp_path, add):
    add("anna", Grant("predict"), Grant("audit"))
    keys.issue(tmp_path, "erp", [Grant("predict")])

    for grant, name in ((users.grant, "anna"), (keys.grant, "erp")):
        with pytest.raises(GrantsChangedError, match=f"the roles of '{name}' were changed in the meantime"):
            grant(tmp_path, name, [Grant("operate")], seen=["outcome"])
    users.grant(tmp_path, "anna", [Grant("operate")], seen=["predict", "audit"])
    keys.grant(tmp_path, "erp", [Grant("operate")], seen=["predict"])

    assert users.known(tmp_path, "anna").grants == keys.known(tmp_path, "erp").grants == ("operate",)


def test_of_administrators_who_revoke_each_other_at_the_same_time_one_stays(tmp_path, add):
    names = ["ada", "bob", "cleo", "dan"]
    for name in names:
        add(name)

    def revoke(name: str) -> bool:
        try:
            users.revoke(tmp_path, name, keep_administrator=True)
        except LastAdministratorError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(revoke, names))

    assert sorted(done) == [False, True, True, True]
    assert len(users.administrators(users.listed(tmp_path))) == 1


def test_a_code_confirms_once_and_wrong_ones_lock_the_name(tmp_path, add):
    secret = add("boss")

    async def confirm() -> None:
        gatekeeper = Gatekeeper(tmp_path, guessing=Guessing(Policy(free=2, lock_after=3)))
        code = pyotp.TOTP(secret).now()
        await gatekeeper.confirm("boss", code, HOME)
        for wrong in (code, "000000", ""):
            with pytest.raises(UnauthenticatedError):
                await gatekeeper.confirm("boss", wrong, HOME)
        with pytest.raises(LockedOutError):
            await gatekeeper.confirm("boss", code, HOME)
        with pytest.raises(UnauthenticatedError):
            await gatekeeper.confirm("nobody", code, HOME)

    asyncio.run(confirm())


def test_a_user_who_is_locked_out_is_listed_and_may_try_again_when_an_administrator_says_so(tmp_path, add):
    add("boss")
    users.add(tmp_path, "anna", PASSWORD, [Grant("predict")])

    async def attempts() -> None:
        gatekeeper = Gatekeeper(tmp_path, guessing=Guessing(Policy(free=1, lock_after=2)))

        async def lock() -> None:
            for _ in range(2):
                with pytest.raises(UnauthenticatedError):
                    await gatekeeper.open_session("anna", "wrong-horse-battery", None, HOME)
            with pytest.raises(LockedOutError):
                await gatekeeper.open_session("anna", PASSWORD, None, HOME)

        await lock()
        with pytest.raises(UnauthenticatedError):
            await gatekeeper.open_session("nobody", PASSWORD, None, HOME)
        assert set(gatekeeper.locked()) == {"anna"}  # of invented names nothing is shown
        users.unlock(tmp_path, "anna")
        assert await gatekeeper.open_session("anna", PASSWORD, None, HOME)

        await lock()  # an administrator's word counts once
        users.rotate(tmp_path, "anna", f"{PASSWORD}-2")
        assert await gatekeeper.open_session("anna", f"{PASSWORD}-2", None, HOME)
        assert gatekeeper.locked() == {}
        gatekeeper.close()

    asyncio.run(attempts())


def test_a_new_password_is_strong_also_for_a_user_whose_name_is_a_letter():
    made = {passwords.generate("a") for _ in range(50)}

    assert len(made) == 50
    for password in made:
        passwords.require_strong("a", password)
        assert "a" not in password
