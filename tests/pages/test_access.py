"""The pages for administrators: users, keys, roles, and what somebody could try with them."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import msgspec
import pytest
from filelock import FileLock

from slipway.access import keys, users
from slipway.access.callers import Grant
from slipway.access.last_use import last_uses
from slipway.access.records import ACCESS, change, read
from slipway.audit import Wanted, administration
from slipway.gateway.endpoints.routes import ROUTES
from tests.pages.conftest import Person, Visitor

NUMBERS = itertools.count()
ACTS = [route.path for route in ROUTES if route.path.startswith("/access") and route.method == "POST"]
SECRET = re.compile(r'<p class="once code">([^<]+)</p>')


@pytest.fixture
def administrator(pages, add_person) -> Iterator[Callable[[], tuple[Visitor, Person]]]:
    """Add administrators who are signed in, and take them away after the test, which then leaves none behind."""
    made: list[tuple[Visitor, Person]] = []

    def add() -> tuple[Visitor, Person]:
        number = next(NUMBERS)
        person = add_person(f"boss-{number}", "administer")
        visitor = Visitor(pages.url, **{"X-Forwarded-For": f"192.0.2.{number % 250 + 1}"})
        assert visitor.sign_in(person).status_code == 303
        made.append((visitor, person))
        return visitor, person

    yield add
    for visitor, person in made:
        visitor.close()
        if person.name in read(pages.home).users:
            users.revoke(pages.home, person.name)


@pytest.fixture
def boss(administrator) -> tuple[Visitor, Person]:
    return administrator()


@pytest.fixture
def alone(pages) -> Callable[..., None]:
    """Take the role from all administrators but these, whom other tests have left behind."""

    def alone(*names: str) -> None:
        def edit(content):
            others = users.administrators(content.users) - set(names)
            demoted = {name: msgspec.structs.replace(content.users[name], grants=("predict",)) for name in others}
            return msgspec.structs.replace(content, users=content.users | demoted)

        change(pages.home, edit)

    return alone


@pytest.fixture
def fresh() -> Callable[[str], str]:
    """Return a name that no other test uses."""
    return lambda name: f"{name}-{next(NUMBERS)}"


def act(boss: tuple[Visitor, Person], page: str, id: str = "", **fields: object) -> httpx.Response:
    """Fill in the form of a page about a user or key, and send it with a code of the app."""
    visitor, person = boss
    hidden = visitor.form(f"/access/{page}?of={quote(id)}" if id else f"/access/{page}")
    return visitor.submit(f"/access/{page}", hidden | {"code": person.code()} | fields)


def press(boss: tuple[Visitor, Person], button: str, id: str) -> httpx.Response:
    """Press a button of the page of a user."""
    visitor, _ = boss
    return visitor.submit(f"/access/{button}", visitor.form(f"/access/one?of={quote(id)}") | {"of": id})


def acts(home, who: str) -> list[tuple[str, str]]:
    return [(act.what, act.about) for act in administration(home, Wanted()) if act.who == f"user:{who}"]


def test_users_and_keys_are_listed_with_what_an_administrator_must_know_and_without_a_secret(pages, boss, add_person, fresh):
    visitor, _ = boss
    person, key_name = add_person(fresh("iris"), "predict:toy", "audit"), fresh("clinic-erp")
    key = keys.issue(pages.home, key_name, [Grant("operate")], 30, person.name)
    assert httpx.get(f"{pages.url}/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200

    page = visitor.get(f"/access?find={person.name}").text

    assert page.count("<tr") == 4  # the user and the key whose owner is the user, and two rows of headings
    assert "read the audit log, make predictions (toy)" in page
    assert "operate models" in page
    record = read(pages.home).users[person.name]
    for secret in (key, keys.digest(key.encode()).hex(), record.password, record.second_factor, record.generation):
        assert secret not in page
    one = visitor.get(f"/access/one?of=user:{person.name}").text
    assert f'href="/access/one?of=key%3A{key_name}"' in one
    assert "Set up" in one


def test_the_last_use_is_shown(pages, boss, fresh, soon):
    visitor, _ = boss
    name = fresh("erp")
    key = keys.issue(pages.home, name, [Grant("operate")])
    assert "Not used yet" in visitor.get(f"/access/one?of=key:{name}").text

    httpx.get(f"{pages.url}/models", headers={"Authorization": f"Bearer {key}"})

    assert soon(lambda: f"key-{name}" in last_uses(pages.home))
    assert re.search(r"<dt>Last use</dt><dd>\d+ \w+ \d{4}, \d\d:\d\d \w+</dd>", visitor.get(f"/access/one?of=key:{name}").text)


def test_a_user_is_added_with_a_password_that_is_shown_once_and_signs_in_with_these_roles(pages, boss, fresh):
    name = fresh("lena")

    reply = act(boss, "add-user", name=name, role=["predict:toy", "outcome:toy"])

    password = SECRET.search(reply.text)[1]
    assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")
    assert read(pages.home).users[name].grants == ("outcome:toy", "predict:toy")
    assert acts(pages.home, boss[1].name)[0] == ("add user", f"{name}: outcome:toy, predict:toy")
    assert password not in str(list(administration(pages.home, Wanted())))
    with Visitor(pages.url) as lena:
        fields = lena.form("/sign-in") | {"name": name, "password": password, "code": ""}
        assert lena.submit("/sign-in", fields).status_code == 303
        assert lena.get("/").headers["location"] == "/second-factor"


@pytest.mark.parametrize(
    ("changed", "shown", "status"),
    [
        ({"name": ""}, "The name must have 1 to 64 letters", 400),
        ({"name": '"><script>alert(1)</script>'}, "The name must have 1 to 64 letters", 400),
        ({"name": "anna"}, "This name is taken", 400),
        ({"role": []}, "Choose at least one role", 400),
        ({"role": ["predict:<script>"]}, "Choose at least one role", 400),
        ({"role": ["predict:toy", "administer:toy"]}, "Choose at least one role", 400),
        ({"code": "000000"}, "The code is not right", 401),
        ({"code": ""}, "The code is not right", 401),
    ],
)
def test_a_mistake_in_a_new_user_is_shown_and_what_was_typed_stays(pages, boss, anna, changed, shown, status):
    before, logged = set(read(pages.home).users), len(acts(pages.home, boss[1].name))
    sent = {"name": "mara", "role": ["predict:toy"]} | changed

    reply = act(boss, "add-user", **sent)

    assert reply.status_code == status
    assert "<title>Error: Add a user" in reply.text
    assert shown in reply.text
    assert "<script>" not in reply.text
    if "name" not in changed:
        assert 'value="mara"' in reply.text
    if "role" not in changed:
        assert 'value="predict:toy" checked' in reply.text
    assert 'name="code" type="text" value' not in reply.text
    assert set(read(pages.home).users) == before
    assert len(acts(pages.home, boss[1].name)) == logged


def test_a_code_of_the_app_is_good_for_one_act(pages, boss, fresh):
    visitor, person = boss
    hidden = visitor.form("/access/add-user")
    code = person.code()
    for name, status in ((fresh("a"), 200), (fresh("b"), 401)):
        sent = hidden | {"name": name, "role": "predict", "code": code}
        assert visitor.submit("/access/add-user", sent).status_code == status
        assert (name in read(pages.home).users) == (status == 200)


def test_a_key_is_made_for_a_user_with_an_end_and_works_at_once(pages, boss, anna, fresh):
    name = fresh("grafana")

    reply = act(boss, "add-key", name=name, owner="anna", days="30", role="operate")

    key = SECRET.search(reply.text)[1]
    record = read(pages.home).keys[name]
    assert (record.owner, record.grants) == ("anna", ("operate",))
    assert 29.9 < (record.expires - time.time()) / 86_400 <= 30
    assert httpx.get(f"{pages.url}/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert acts(pages.home, boss[1].name)[0] == ("add key", f"{name}: operate; for 30 days; of user anna")
    assert act(boss, "add-key", name=fresh("no-end"), owner="", days="", role="predict").status_code == 200


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({"days": "0"}, "whole number of days from 1 to 3650"),
        ({"days": "1e3"}, "whole number of days"),
        ({"days": "9999"}, "whole number of days"),
        ({"days": "٣"}, "whole number of days"),
        ({"owner": "nobody"}, "There is no user of that name"),
        ({"role": ["administer"]}, "Choose at least one role"),
        ({"name": "tester"}, "This name is taken"),
    ],
)
def test_a_mistake_in_a_new_key_is_shown_and_nothing_is_made(pages, boss, changed, shown):
    before = set(read(pages.home).keys)

    reply = act(boss, "add-key", **{"name": "grafana-x", "owner": "", "days": "30", "role": ["predict"]} | changed)

    assert reply.status_code == 400
    assert shown in reply.text
    assert set(read(pages.home).keys) == before


def test_new_roles_count_in_an_open_session_and_a_role_for_a_model_that_is_gone_can_stay(pages, boss, add_person, fresh):
    person = add_person(fresh("olga"), "predict:gone", "audit")
    with Visitor(pages.url) as olga:
        olga.sign_in(person)
        assert olga.get("/predict/toy").status_code == 403

        reply = act(boss, "roles", f"user:{person.name}", role=["predict:gone", "predict:toy"])

        assert reply.headers["location"] == f"/access/one?of=user:{person.name}&done=roles"
        assert "The roles are changed" in boss[0].get(reply.headers["location"]).text
        assert olga.get("/predict/toy").status_code == 200
    assert read(pages.home).users[person.name].grants == ("predict:gone", "predict:toy")
    assert acts(pages.home, boss[1].name)[0] == ("change user's roles", f"{person.name}: predict:gone, predict:toy")


def test_roles_that_somebody_else_has_changed_in_the_meantime_are_not_undone_unseen(pages, administrator, add_person, fresh):
    boss, other, person = administrator(), administrator(), add_person(fresh("ulla"), "predict")
    id, home = f"user:{person.name}", pages.home
    first = boss[0].form(f"/access/roles?of={id}")
    act(other, "roles", id, role=["predict", "audit"])

    code = boss[1].code()
    reply = boss[0].submit("/access/roles", first | {"role": ["predict", "operate"], "code": code})

    assert reply.status_code == 400
    assert "They are now: read the audit log, make predictions." in reply.text
    assert read(home).users[person.name].grants == ("audit", "predict")
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', reply.text[reply.text.rindex("<form") :]))
    assert boss[0].submit("/access/roles", again | {"role": ["predict", "operate"], "code": code}).status_code == 303  # not used up
    assert read(home).users[person.name].grants == ("operate", "predict")


def test_an_administrator_may_give_itself_a_role_which_is_logged(pages, boss):
    visitor, person = boss
    assert visitor.get("/predict/toy").status_code == 403
    assert "toy" not in visitor.get("/").text

    act(boss, "roles", f"user:{person.name}", role=["administer", "predict:toy"])

    assert visitor.get("/predict/toy").status_code == 200
    assert acts(pages.home, person.name)[0] == ("change user's roles", f"{person.name}: administer, predict:toy")


def test_a_new_password_ends_sessions_and_perhaps_the_second_factor(pages, boss, add_person, fresh):
    person = add_person(fresh("paul"), "predict")
    with Visitor(pages.url) as paul:
        paul.sign_in(person)

        reply = act(boss, "rotate", f"user:{person.name}")

        password = SECRET.search(reply.text)[1]
        assert paul.get("/").headers["location"] == "/sign-in"
        assert paul.sign_in(person).status_code == 401  # with the old password
        fields = paul.form("/sign-in") | {"name": person.name, "password": password, "code": person.code()}
        assert paul.submit("/sign-in", fields).status_code == 303

    assert "asks for an authenticator app" in act(boss, "rotate", f"user:{person.name}", second_factor="1").text
    assert read(pages.home).users[person.name].second_factor is None
    assert acts(pages.home, boss[1].name)[:2] == [
        ("rotate user's password", f"{person.name}; second factor taken away"),
        ("rotate user's password", person.name),
    ]


def test_a_new_key_ends_the_old_one_and_keeps_roles_and_end(pages, boss, fresh):
    name = fresh("erp")
    old = keys.issue(pages.home, name, [Grant("operate")], 10)
    before = read(pages.home).keys[name]

    new = SECRET.search(act(boss, "rotate", f"key:{name}").text)[1]

    after = read(pages.home).keys[name]
    assert (after.grants, after.expires) == (before.grants, before.expires)
    statuses = [httpx.get(f"{pages.url}/metrics", headers={"Authorization": f"Bearer {key}"}).status_code for key in (old, new)]
    assert statuses == [401, 200]
    assert acts(pages.home, boss[1].name)[0] == ("rotate key", name)


def test_what_ends_is_shown_before_a_user_is_revoked_and_ends_at_once_without_a_code(pages, boss, add_person, fresh):
    visitor, _ = boss
    person, key = add_person(fresh("quentin"), "predict"), fresh("quentins-erp")
    keys.issue(pages.home, key, [Grant("predict")], None, person.name)
    with Visitor(pages.url) as quentin:
        quentin.sign_in(person)
        page = visitor.get(f"/access/revoke?of=user:{person.name}").text
        assert "1 open session" in page
        assert f"{key}</a>" in page
        assert person.name in read(pages.home).users

        reply = visitor.submit("/access/revoke", visitor.form(f"/access/revoke?of=user:{person.name}"))

        assert reply.headers["location"] == "/access?done=revoked"
        assert quentin.get("/").headers["location"] == "/sign-in"
    assert key in read(pages.home).keys
    assert visitor.submit("/access/revoke", visitor.form(f"/access/revoke?of=key:{key}")).status_code == 303
    assert acts(pages.home, boss[1].name)[:2] == [("revoke key", key), ("revoke user", person.name)]
    assert visitor.get(f"/access/one?of=key:{key}").status_code == 404


def test_a_user_is_signed_out_everywhere(pages, boss, add_person, fresh):
    person = add_person(fresh("rita"), "predict")
    with Visitor(pages.url) as rita:
        rita.sign_in(person)

        assert press(boss, "sign-out", f"user:{person.name}").status_code == 303

        assert rita.get("/").headers["location"] == "/sign-in"
        assert rita.sign_in(person).status_code == 303
    assert acts(pages.home, boss[1].name)[0] == ("sign user out", person.name)


def test_a_lockout_is_shown_and_lifted(pages, boss, add_person, fresh):
    visitor, person = boss[0], add_person(fresh("sven"), "predict")
    with Visitor(pages.url, **{"X-Forwarded-For": "198.51.100.7"}) as sven:
        wrong = {"name": person.name, "password": "wrong-horse-battery", "code": ""}
        fields = sven.form("/sign-in")
        assert [sven.submit("/sign-in", fields | wrong).status_code for _ in range(5)] == [401, 401, 401, 401, 429]
        assert sven.sign_in(person).status_code == 429
        page = visitor.get(f"/access/one?of=user:{person.name}").text
        assert "this user may not try to sign in until" in page
        assert "Locked until" in visitor.get(f"/access?find={person.name}").text

        assert press(boss, "unlock", f"user:{person.name}").status_code == 303

        assert sven.sign_in(person).status_code == 303
    assert "may not try" not in visitor.get(f"/access/one?of=user:{person.name}").text
    assert acts(pages.home, boss[1].name)[0] == ("unlock user", person.name)


def test_the_only_administrator_is_not_locked_out_by_mistake(pages, boss, alone):
    visitor, person = boss
    alone(person.name)
    id = f"user:{person.name}"

    page = visitor.get(f"/access/revoke?of={id}").text
    assert "You are the only administrator" in page
    assert "Revoke boss" not in page
    sent = visitor.form("/access/add-user") | {"of": id}
    for reply in (visitor.submit("/access/revoke", sent), act(boss, "roles", id, role="predict")):
        assert reply.status_code == 400
        assert "You are the only administrator" in reply.text
    assert read(pages.home).users[person.name].grants == ("administer",)
    assert {what for what, _ in acts(pages.home, person.name)} == {"signed in"}


def test_with_another_administrator_one_may_leave_and_is_led_to_a_page_that_it_may_see(pages, administrator):
    boss, _ = administrator(), administrator()

    reply = act(boss, "roles", f"user:{boss[1].name}", role="predict:toy")

    assert reply.headers["location"] == "/account"
    assert boss[0].get("/account").status_code == 200
    assert boss[0].get("/access").status_code == 403


def test_two_administrators_who_revoke_each_other_at_once_leave_one(pages, administrator, alone):
    bosses = [administrator(), administrator()]
    alone(*(person.name for _, person in bosses))
    forms = [(mine[0], mine[0].form(f"/access/revoke?of=user:{theirs[1].name}")) for mine, theirs in itertools.permutations(bosses, 2)]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one[0].submit("/access/revoke", one[1]), forms))

    assert len({person.name for _, person in bosses} & set(read(pages.home).users)) == 1


def test_changes_of_two_administrators_and_of_the_command_line_are_all_kept(pages, administrator, fresh):
    bosses, names = [administrator(), administrator()], [fresh("spare") for _ in range(12)]
    for name in names:
        keys.issue(pages.home, name, [Grant("predict")])
    forms = [(bosses[place % 2][0], bosses[place % 2][0].form(f"/access/revoke?of=key:{name}")) for place, name in enumerate(names)]
    made = [fresh("made") for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(visitor.submit, "/access/revoke", form) for visitor, form in forms]
        issued = [pool.submit(keys.issue, pages.home, name, [Grant("predict")]) for name in made]
        assert {one.result().status_code for one in sent} == {303}
        assert all(one.result() for one in issued)

    left = set(read(pages.home).keys)
    assert not left & set(names)
    assert left >= set(made)


def test_the_session_of_a_revoked_administrator_ends_at_once_and_of_one_without_the_role_these_pages(pages, administrator):
    boss, revoked, demoted = administrator(), administrator(), administrator()

    act(boss, "roles", f"user:{demoted[1].name}", role="predict")
    boss[0].submit("/access/revoke", boss[0].form(f"/access/revoke?of=user:{revoked[1].name}"))

    assert revoked[0].get("/access").headers["location"] == "/sign-in?next=/access"
    assert demoted[0].get("/access").status_code == 403


@pytest.mark.parametrize("path", ACTS)
def test_no_act_is_done_for_another_site_or_without_the_form(pages, boss, add_person, fresh, path):
    visitor, person = boss
    target, before = add_person(fresh("target"), "predict"), read(pages.home)
    sent = {"of": f"user:{target.name}", "name": fresh("x"), "role": "predict", "days": "", "owner": "", "code": person.code()}

    token = visitor.form("/access/add-user")["form_token"]
    for reply in (
        visitor.submit(path, sent),
        visitor.submit(path, sent | {"form_token": "0" * 64}),
        visitor.submit(path, sent | {"form_token": token}, origin="https://evil.example"),
        visitor.submit(path, sent | {"form_token": token}, origin="null"),
    ):
        assert reply.status_code == 403
    after = read(pages.home)
    assert (set(after.users), set(after.keys)) == (set(before.users) | {target.name}, set(before.keys))
    assert after.users[target.name].grants == ("predict",)


@pytest.mark.parametrize(
    "id", ["", "user:", "user:nobody", "key:anna", "oidc:anna", "user:../anna", "user:<script>alert(1)</script>", "user:a&b=c"]
)
def test_who_does_not_exist_is_not_found_on_any_page(boss, anna, id):
    visitor, person = boss
    for route in ROUTES:
        if route.path in ("/access/one", "/access/roles", "/access/rotate", "/access/revoke", "/access/sign-out", "/access/unlock"):
            if route.method == "GET":
                reply = visitor.get(route.path, params={"of": id})
            else:
                sent = visitor.form("/access/add-user") | {"of": id, "role": "predict", "code": person.code()}
                reply = visitor.submit(route.path, sent)
            assert reply.status_code == 404, route
            assert "<script>" not in reply.text


def test_a_key_is_neither_signed_out_nor_unlocked(pages, boss):
    for path in ("/access/sign-out", "/access/unlock"):
        assert boss[0].submit(path, boss[0].form("/access/add-user") | {"of": "key:tester"}).status_code == 404


def test_a_long_list_is_cut_and_searched(pages, boss, fresh):
    visitor, many = boss[0], [fresh("bulk") for _ in range(45)]
    for name in many:
        keys.issue(
            pages.home, name, [Grant("predict"), Grant("outcome"), Grant("operate"), Grant("audit")], 365, "somebody-with-a-long-name"
        )
    try:
        page = visitor.get("/access")
        assert len(page.content) < 60_000
        assert "40 of " in page.text
        assert f">{many[-1]}</a>" in visitor.get(f"/access?find={many[-1]}").text
        assert "There is none of that name" in visitor.get("/access", params={"find": "<b>nobody"}).text
    finally:
        change(pages.home, lambda content: _without(content, many))


def test_among_many_users_the_owner_of_a_key_is_typed(pages, boss, fresh):
    visitor, record = boss[0], read(pages.home).users[boss[1].name]
    crowd = {fresh("crowd"): msgspec.structs.replace(record, grants=("predict",)) for _ in range(101)}
    change(pages.home, lambda content: msgspec.structs.replace(content, users=content.users | crowd))
    try:
        assert "<select" not in visitor.get("/access/add-key").text
        owner, name = next(iter(crowd)), fresh("erp")
        assert act(boss, "add-key", name=name, owner=f" {owner} ", days="", role="predict").status_code == 200
        assert read(pages.home).keys[name].owner == owner
        assert "no user of that name" in act(boss, "add-key", name=fresh("erp"), owner="nobody", days="", role="predict").text
    finally:
        change(pages.home, lambda content: _without(content, crowd))


def _without(content, names):
    kept = [{name: one for name, one in found.items() if name not in names} for found in (content.users, content.keys)]
    return msgspec.structs.replace(content, users=kept[0], keys=kept[1])


def test_a_damaged_file_is_an_error_page_and_nothing_of_it_is_lost(pages, boss, soon):
    visitor, _ = boss
    path, fields = pages.home / ACCESS, visitor.form("/access/add-user")
    whole = path.read_bytes()
    path.write_bytes(b'{"keys": {')
    try:
        assert soon(lambda: visitor.get("/access").status_code == 503)
        reply = visitor.submit("/access/add-user", fields | {"name": "nina", "role": "predict", "code": "123456"})
        assert reply.status_code == 503
        assert "This is not available right now" in reply.text
        assert path.read_bytes() == b'{"keys": {'
    finally:
        path.write_bytes(whole)
    assert soon(lambda: visitor.get("/access").status_code == 200)


@pytest.mark.slow  # it waits for the lock as long as the gateway does
def test_while_another_program_holds_the_file_nothing_is_changed_and_the_form_stays(pages, boss, fresh):
    visitor, person = boss
    name, code, fields = fresh("toni"), person.code(), visitor.form("/access/add-user")
    with FileLock((pages.home / ACCESS).with_suffix(".lock")):
        reply = visitor.submit("/access/add-user", fields | {"name": name, "role": "predict:toy", "code": code})

    assert reply.status_code == 503
    assert "Users and keys cannot be changed right now" in reply.text
    assert f'value="{name}"' in reply.text
    assert 'value="predict:toy" checked' in reply.text
    assert name not in read(pages.home).users
    assert visitor.submit("/access/add-user", fields | {"name": name, "role": "predict:toy", "code": code}).status_code == 200


def test_the_pages_are_in_spanish_too(pages, boss):
    page = boss[0].get("/access/add-user", headers={"Accept-Language": "es"}).text

    assert "Añadir un usuario" in page
    assert "Administrar usuarios y claves" in page
