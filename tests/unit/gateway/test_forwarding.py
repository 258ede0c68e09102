"""Which forwarded fields count: only those of trusted proxies, and of a list only what they added."""

from __future__ import annotations

import pytest

from slipway.gateway.network.connections import Connections
from slipway.gateway.network.forwarding import Proxies, RequestOrigin
from slipway.gateway.openapi.documents import MOST_KEPT, Documents
from slipway.gateway.replies import RequestError

PROXIES = Proxies(("10.0.0.7", "192.168.4.0/24", "2001:db8::/64"))
WRONG_PREFIXES = (b"//evil.org", b"ml", b'/a"b', b"/a/../b", b"/a b", b"https://evil.org", b"/" + b"a" * 500)
EVERY = {
    b"x-forwarded-for": b"203.0.113.9",
    b"x-forwarded-proto": b"https",
    b"x-forwarded-host": b"ml.example.org",
    b"x-forwarded-prefix": b"/ml",
    b"forwarded": b"for=203.0.113.9;proto=https;host=ml.example.org",
}


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.0.0.8", "", "unix:"])
@pytest.mark.parametrize("proxies", [Proxies(), PROXIES])
def test_nothing_is_believed_from_a_peer_that_is_not_named(peer, proxies):
    assert proxies.origin(peer, EVERY) == RequestOrigin(peer, "")


@pytest.mark.parametrize("peer", ["10.0.0.7", "192.168.4.99", "2001:db8::1", "::ffff:10.0.0.7"])
def test_a_trusted_proxy_is_known_by_address_and_by_network(peer):
    assert PROXIES.origin(peer, EVERY) == RequestOrigin("203.0.113.9", "https://ml.example.org/ml")


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"1.1.1.1, 203.0.113.9", "203.0.113.9"),  # the client itself sent 1.1.1.1
        (b"1.1.1.1, 203.0.113.9, 192.168.4.1", "203.0.113.9"),  # through two trusted proxies
        (b"10.0.0.7, 203.0.113.9", "203.0.113.9"),  # a forged address of a proxy
        (b"192.168.4.2, 192.168.4.1", "192.168.4.2"),  # a caller among the trusted addresses
        (b"203.0.113.9:4711", "203.0.113.9"),
        (b"[2001:db8:1::5]:4711", "2001:db8:1::5"),
        (b"::ffff:203.0.113.9", "203.0.113.9"),
        (b"1.1.1.1, unknown", "10.0.0.7"),
        (b"1.1.1.1, ", "10.0.0.7"),
        (b"", "10.0.0.7"),
        (b"1.1.1.1\xff", "10.0.0.7"),
        (b", ".join([b"192.168.4.1"] * 9_000), "192.168.4.1"),
    ],
)
def test_a_list_is_read_from_its_end_up_to_the_first_address_that_is_not_trusted(field, expected):
    assert PROXIES.origin("10.0.0.7", {b"x-forwarded-for": field}).address == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"for=203.0.113.9", RequestOrigin("203.0.113.9", "")),
        (b"for=203.0.113.9;proto=https;host=a.org, for=192.168.4.1;proto=http", RequestOrigin("203.0.113.9", "https://a.org")),
        (b'For="[2001:db8:1::5]:4711";Proto=HTTPS;host="a.org:8443"', RequestOrigin("2001:db8:1::5", "https://a.org:8443")),
        (b"for=1.1.1.1, for=_hidden", RequestOrigin("10.0.0.7", "")),
        (b"for=1.1.1.1, for=203.0.113.9, proto", RequestOrigin("10.0.0.7", "")),
        (b'for="1.1.1.1', RequestOrigin("10.0.0.7", "")),
        (b'for="unended, for=203.0.113.9', RequestOrigin("10.0.0.7", "")),
    ],
)
def test_forwarded_is_read_by_rfc_7239(field, expected):
    assert PROXIES.origin("10.0.0.7", {b"forwarded": field}) == expected


def test_two_fields_that_name_different_clients_are_refused():
    with pytest.raises(RequestError, match="X-Forwarded-For and Forwarded differ; have the proxy at") as refused:
        PROXIES.origin("10.0.0.7", {b"x-forwarded-for": b"203.0.113.9", b"forwarded": b"for=1.1.1.1"})

    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("fields", "base"),
    [
        ({b"x-forwarded-prefix": b"/ml"}, "/ml"),
        ({b"x-forwarded-prefix": b"/a/b/"}, "/a/b"),
        ({b"x-forwarded-prefix": b"/forged, /ml"}, "/ml"),
        ({b"x-forwarded-proto": b"https"}, ""),  # whose host nobody said
        ({b"x-forwarded-proto": b"https", b"x-forwarded-host": b"[::1]:8443"}, "https://[::1]:8443"),
        ({b"x-forwarded-proto": b"javascript", b"x-forwarded-host": b"a.org"}, ""),
        ({b"x-forwarded-proto": b"https", b"x-forwarded-host": b"a.org/x"}, ""),
        *(({b"x-forwarded-prefix": wrong}, "") for wrong in WRONG_PREFIXES),
    ],
)  # fmt: skip
def test_the_url_before_the_paths_is_what_the_proxy_says_if_it_can_be_one(fields, base):
    assert PROXIES.origin("10.0.0.7", fields) == RequestOrigin("10.0.0.7", base)


class Open:
    """A connection from an address."""

    def __init__(self, connections, address):
        self.address = connections.source(address)

    def look(self, now):
        pass


def test_the_connections_of_a_trusted_proxy_are_not_limited_as_those_of_one_caller():
    connections = Connections(most=9, most_per_address=2, proxies=PROXIES)

    assert [connections.add(Open(connections, "203.0.113.9")) for _ in range(3)] == [True, True, False]
    assert [connections.add(Open(connections, "10.0.0.7")) for _ in range(8)] == [True] * 7 + [False]


def test_a_caller_who_invents_prefixes_does_not_fill_the_memory(contract_of):
    contract, documents = contract_of(), Documents()

    for number in range(MOST_KEPT * 2):
        assert f"/invented-{number}/models".encode() in documents.of_model("one", contract, f"/invented-{number}/models/toy")

    assert len(documents._made) == MOST_KEPT
