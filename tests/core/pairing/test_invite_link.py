"""Tests of proxim.core.pairing.invite_link, and of links in what people paste."""

import html
import ipaddress
import json
import quopri
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxim.core.base64url import to_base64url
from proxim.core.errors import Problem, Reason
from proxim.core.pairing.host_code import (
    CodeError,
    HostCode,
    JoinTarget,
    parse_target,
)
from proxim.core.pairing.invite_link import authority, invite_url
from tests.paths import TESTS
from tests.rows import each_row

SESSION = "q1-W_e4rT6yU8iO0pA2sD4"
UUID = "6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11"
QR_SECRET = "S3cr3t-S3cr3t_S3cr3t-Q"
FRAGMENT = f"#{QR_SECRET}.{SESSION}.{UUID}"
OLD_FRAGMENT = f"#s={SESSION}&u={UUID}&k={QR_SECRET}"
HOME = "http://192.168.1.20:47800/"
LINK = HOME + FRAGMENT
OLD_LINK = HOME + OLD_FRAGMENT
BARE = LINK.removeprefix("http://")
SAFELINK = (
    f"https://eur01.safelinks.protection.outlook.com/?url={quote(LINK, safe='')}"
    "&data=05%7C02%7Cada%40example.com%7C1&sdata=abc%3D&reserved=0"
)
TARGET = JoinTarget("192.168.1.20", 47800, SESSION, qr_secret=QR_SECRET, uuid=UUID)
CODE = HostCode(ipaddress.IPv4Address("192.168.1.20"), 47800, 12_345)
OTHER_CODE = HostCode(ipaddress.IPv4Address("192.168.1.21"), 47800, 12_345)
VECTORS: list[dict[str, Any]] = json.loads(
    (TESTS / "vectors" / "links.json").read_text(encoding="utf-8")
)["fragments"]


def attempt(pasted: str) -> JoinTarget | Reason:
    """Return what a text leads to, or why it leads nowhere; any other error fails the test."""
    try:
        return parse_target(pasted)
    except CodeError as error:
        return error.reason


tokens = st.text("abcXYZ019-_", min_size=22, max_size=22)
uuids = st.uuids().map(str)
qr_secrets = st.binary(min_size=16, max_size=16).map(to_base64url)
addresses = st.ip_addresses().map(str)
ports = st.integers(1, 65535)
links = st.builds(invite_url, addresses, ports, tokens, uuids, qr_secrets)
old_links = st.builds(
    lambda address, port, session, uuid, secret: (
        f"http://{authority(address, port)}/#s={session}&u={uuid}&k={secret}"
    ),
    addresses,
    ports,
    st.text("abcXYZ019-_", min_size=1, max_size=64),
    uuids,
    qr_secrets,
)


# --- the form -------------------------------------------------------------------------------------


@each_row(
    "address, port, shown",
    [
        ("192.168.1.20", 47800, "192.168.1.20:47800"),
        ("8.8.8.8", 1, "8.8.8.8:1"),
        ("fd00::1", 65535, "[fd00::1]:65535"),
        ("::1", 47800, "[::1]:47800"),
        ("2001:db8:1:2:3:4:5:6", 47800, "[2001:db8:1:2:3:4:5:6]:47800"),
        ("fe80::1%eth0", 47800, "[fe80::1%25eth0]:47800"),
        ("fe80::1%br-lan.10_x~", 47800, "[fe80::1%25br-lan.10_x~]:47800"),
        # Windows numbers its interfaces.
        ("fe80::1%12", 47800, "[fe80::1%2512]:47800"),
        ("fe80::1%25", 47800, "[fe80::1%2525]:47800"),
    ],
)
def test_an_invitation_leads_back_to_its_host(address: str, port: int, shown: str) -> None:
    url = invite_url(address, port, SESSION, UUID, QR_SECRET)
    assert url == f"http://{shown}/{FRAGMENT}"
    target = parse_target(url)
    assert target == JoinTarget(address, port, SESSION, qr_secret=QR_SECRET, uuid=UUID)
    assert authority(address, port) == target.authority == shown
    assert target.websocket_url == f"ws://{shown}/ws"


@given(addresses, ports, tokens, uuids, qr_secrets)
def test_any_invitation_leads_back(
    address: str, port: int, session_id: str, uuid: str, secret: str
) -> None:
    target = parse_target(invite_url(address, port, session_id, uuid, secret))
    assert target == JoinTarget(address, port, session_id, qr_secret=secret, uuid=uuid)


def test_no_shell_and_no_mail_program_cuts_a_fragment() -> None:
    # cmd.exe, sh and PowerShell give these a meaning, or a link in a text ends at them.
    assert not set(FRAGMENT[1:]) & set("&|;<>()$`\\\"' \t*?[]{}!^%~=,+@:/#")


@given(links)
def test_what_lost_its_end_leads_nowhere(link: str) -> None:
    """Whatever an end is cut off, no link without a secret is left of one that has it."""
    for length in range(link.index("#"), len(link)):
        assert attempt(link[:length]) is Reason.LINK_INCOMPLETE, link[:length]


@given(old_links)
def test_what_lost_its_end_leads_nowhere_in_the_form_until_now(link: str) -> None:
    for length in range(link.index("#"), len(link)):
        assert attempt(link[:length]) is Reason.LINK_INCOMPLETE, link[:length]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_vectors_that_the_page_shares(vector: dict[str, Any]) -> None:
    read = attempt(HOME + vector["fragment"])
    if "reason" in vector:
        assert read is Reason(vector["reason"])
    else:
        assert isinstance(read, JoinTarget)
        assert (read.session_id, read.qr_secret) == (vector["session"], vector["secret"])


# --- what people paste ----------------------------------------------------------------------------


@each_row(
    "pasted",
    [
        LINK,
        f"  {LINK}\r\n",
        f'"{LINK}"',
        f"<{LINK}>",
        f"<{LINK}>.",
        f"({LINK})",
        f"„{LINK}“,",
        f"[Proxim]({LINK})",
        f"{LINK}.",
        f"{LINK},",
        f"Open {LINK}, then wait for my yes.",
        f"打开{LINK}。谢谢",
        f"{LINK}\n{LINK}",
        f'<a href="{LINK}">{LINK}</a>',
        f"{LINK[:50]}\n{LINK[50:]}",
        f"{LINK[:80]}\r\n  {LINK[80:]}",
        f"> {LINK[:40]}\n> {LINK[40:90]}\n> {LINK[90:]}\n> \n> Ana",
        f"{LINK[:12]} {LINK[12:]}",
        f"{LINK[:27]}\n{LINK[27:]}",
        f"{LINK}\nCode: {CODE.shown}",
        f"{CODE.shown} {OLD_LINK}",
        f"{LINK} {OLD_LINK}",
        # What else is in the message does not matter.
        f"{LINK[:60]}\n\nThe whole one: {LINK}",
        f"See https://example.com/a?b#c and http://example.com:80/#x before {LINK}",
        OLD_LINK,
        html.escape(OLD_LINK),
        html.escape(html.escape(OLD_LINK)),
        f"{OLD_LINK[:60]}\n{OLD_LINK[60:]}\nAna",
        LINK.replace("http", "HTTP"),
        HOME[:-1] + FRAGMENT,
        # As web pages and Markdown spell what is around a link.
        f"&lt;{LINK}&gt;",
        f"&amp;lt;{OLD_LINK}&amp;gt;",
        f"&quot;{LINK}&quot;",
        f"{LINK}&nbsp;",
        f"&nbsp;{OLD_LINK}&nbsp;Ana",
        f"_{LINK}_",
        f"__{LINK}__.",
        f"**{OLD_LINK}**",
        f"~~{LINK}~~",
        f"*_{OLD_LINK}_*",
        # As browsers show it.
        BARE,
        f"Open {BARE}.",
        f"Link:{BARE}",
        f"打开：{BARE}。",
        f"<{BARE}>",
        f"_{BARE}_",
        f"{BARE[:60]}\n{BARE[60:]}",
        f"It is no. 5\n{BARE}",
        f"192.168.1.20:47800/{OLD_FRAGMENT}",
        # With a "#" that some program has escaped, and a service that checks links.
        LINK.replace("#", "%23"),
        BARE.replace("#", "%23"),
        f"{LINK}%20",
        quote(LINK, safe=""),
        SAFELINK,
        SAFELINK.replace("&", "&amp;"),
        f"{LINK}<{SAFELINK}>",
        f"https://www.example.com/url?q={quote(OLD_LINK, safe='').replace('%2F', '%2f')}&usg=x",
        # The source of a mail.
        f"{LINK[:70]}=\n{LINK[70:]}",
        f"Hello=\r\n {LINK[:40]}=\r\n{LINK[40:100]}=\r\n{LINK[100:]}=\r\nAna",
        # Right-to-left chats and input methods.
        f"\u2067{LINK}\u2069",
        f"\u200e{LINK}\u200f",
        LINK.replace("/", "/\u200b").replace(".", ".\u00ad"),
        "".join(chr(ord(one) + 0xFEE0) for one in LINK),
    ],
)
def test_a_link_is_found_in_what_is_pasted(pasted: str) -> None:
    assert parse_target(pasted) == TARGET


@each_row(
    "pasted, reason",
    [
        (f"{LINK} {HOME}#.{SESSION}.{UUID}", Reason.SEVERAL_LINKS),
        (f"{LINK}\n{LINK.replace('.20:', '.21:')}", Reason.SEVERAL_LINKS),
        (f"{LINK}\n{LINK.replace('47800', '47801')}", Reason.SEVERAL_LINKS),
        (f"{OTHER_CODE.shown}\n{LINK}", Reason.SEVERAL_LINKS),
        # A code beside half a link may be that of another host.
        (f"{OTHER_CODE.shown}\n{LINK[:70]}", Reason.LINK_INCOMPLETE),
        # Both might be meant.
        (f"{LINK}{LINK}", Reason.LINK_UNREADABLE),
        (f"{LINK[:70]}…", Reason.LINK_INCOMPLETE),
        (f"{LINK[:70]} {LINK[:60]}", Reason.LINK_INCOMPLETE),
        (f"{OLD_LINK.partition('&')[0]}\nAna", Reason.LINK_INCOMPLETE),
        (HOME, Reason.LINK_INCOMPLETE),
        ("http://192.168.1.20", Reason.LINK_INCOMPLETE),
        ("http://[fe80::1%25eth0", Reason.LINK_INCOMPLETE),
        ("http://", Reason.LINK_INCOMPLETE),
        (BARE[:-1], Reason.LINK_INCOMPLETE),
        (f"_{BARE[:60]}_", Reason.LINK_INCOMPLETE),
        ("192.168.1.20:47800", Reason.LINK_INCOMPLETE),
        (f"{SAFELINK.partition('&')[0][:-5]}&data=1", Reason.LINK_INCOMPLETE),
        (f"{SAFELINK} {LINK.replace('.20:', '.21:')}", Reason.SEVERAL_LINKS),
        (f"{BARE} {LINK.replace('.20:', '.21:')}", Reason.SEVERAL_LINKS),
        # No part of another link is taken for one without its start.
        (f"https://19\n2.168.1.20:47800/{FRAGMENT}", Reason.LINK_UNREADABLE),
        (f"https://192.168.1.20\n:47800/{FRAGMENT}", Reason.LINK_UNREADABLE),
        (f"_{LINK}_a", Reason.LINK_UNREADABLE),
        (f"{LINK}&x=1", Reason.LINK_UNREADABLE),
        (f"{LINK}%26x", Reason.LINK_UNREADABLE),
    ],
)
def test_what_is_no_single_whole_link(pasted: str, reason: Reason) -> None:
    assert attempt(pasted) is reason


def test_a_link_without_a_secret_leads_to_a_host_that_proves_nothing() -> None:
    target = parse_target(f"{HOME}#.{SESSION}.{UUID}")
    assert target == JoinTarget("192.168.1.20", 47800, SESSION, uuid=UUID)


@each_row(
    "url, address",
    [
        ("http://[FD00:0:0:0::1]:47800/", "fd00::1"),
        # Browsers write zones without the %25.
        ("http://[fe80::1%eth0]:47800/", "fe80::1%eth0"),
        ("http://[fe80::1%25]:47800/", "fe80::1%25"),
        ("http://[fe80:\n:1%25eth0]:478\n00/", "fe80::1%eth0"),
    ],
)
def test_spellings_of_an_address(url: str, address: str) -> None:
    assert parse_target(url + FRAGMENT).address == address


gaps = st.text(" \t\r\n>\u00a0\u3000", max_size=3)
around = st.sampled_from(
    ["", " ", "\n", '"', "<", ">", "(", ").", ",", "“", "。", "見て", "\u2067"]
)


@given(links | old_links, st.data())
def test_any_wrapped_link_is_found(link: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(len("http://"), len(link)), max_size=4)))
    pieces = [link[a:b] for a, b in zip([0, *cuts], [*cuts, len(link)], strict=True)]
    wrapped = data.draw(gaps).join(pieces)
    if data.draw(st.booleans()):
        wrapped = wrapped.replace("&", "&amp;")
    before, behind = data.draw(around), data.draw(around)
    assert parse_target(f"{before}{wrapped}{behind}") == parse_target(link)


def in_html(link: str) -> str:
    return f"&lt;{html.escape(link)}&gt;&nbsp;"


def in_safelink(link: str) -> str:
    return f"https://eur01.safelinks.protection.outlook.com/?url={quote(link, safe='')}&data=0"


def in_quoted_printable(link: str) -> str:
    return f"{quopri.encodestring(link.encode()).decode()}=\n"


@given(links, st.sampled_from([in_html, in_safelink, in_quoted_printable, "_{}_".format]))
def test_any_link_is_found_in_what_programs_make_of_it(
    link: str, spell: Callable[[str], str]
) -> None:
    assert parse_target(spell(link)) == parse_target(link)


@given(links | old_links)
def test_any_link_is_found_without_its_start(link: str) -> None:
    assert parse_target(link.removeprefix("http://")) == parse_target(link)


@given(links, links)
def test_two_different_links_are_refused(one: str, other: str) -> None:
    expected = parse_target(one) if one == other else Reason.SEVERAL_LINKS
    assert attempt(f"{one}\n{other}") == expected


@given(links | old_links, st.text(st.characters(categories=None), max_size=3), st.data())
def test_any_damaged_link_leads_nowhere_or_to_an_address(
    link: str, damage: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(link)))
    read = attempt(link[:at] + damage + link[at + data.draw(st.integers(0, 3)) :])
    if isinstance(read, JoinTarget):
        ipaddress.ip_address(read.address)
        assert read.address.isascii()
        assert read.address.isprintable()
        assert 0 < read.port < 65536
        # No damage turns a link with a secret into one without.
        assert read.qr_secret


@given(st.lists(st.sampled_from([*LINK, *OLD_LINK, LINK, "http://", "#", "[", " "]), max_size=60))
@example(["http://["] * 2000)
@example(["http://1.1.1.1:1/#", *"." * 50_000])
@example(["http://192.168.1.1:", *"1" * 50_000])
@example(["http://", *"1 " * 50_000])
@example(["1.1.1.1:1/#", " "] * 10_000)
@example(["http%3a%2f%2f"] * 10_000)
@example([LINK, " "] * 500)
@example(["//1. "] * 20_000)
@example(["&amp;"] * 50_000)
def test_any_text_is_read_in_time(pieces: list[str]) -> None:
    attempt("".join(pieces))


# --- what is no link ------------------------------------------------------------------------------

HOSTILE = [
    "/",
    ":",
    "//[",
    "http:",
    "02501:WK381",
    "02501/WK381",
    HOME + "#s=&k=" + QR_SECRET,
    HOME + f"#k={QR_SECRET}",
    HOME + f"#s={SESSION}&k=",
    HOME + f"#s={SESSION}&k=%00",
    HOME + f"#s={SESSION}&k=a+b",
    HOME + f"#s={SESSION}&k=" + "x" * 65,
    HOME + f"#s={SESSION}&k=short",
    HOME + f"#s={SESSION}&k={QR_SECRET}A",
    HOME + FRAGMENT + "&",
    HOME + "#s=@code",
    HOME + "#s=%40code",
    HOME + "#s=a%20b",
    HOME + "#s=a%0d%0ab",
    HOME + "#s=../../etc",
    HOME + "#s=é",
    HOME + "#s=\u0661",
    HOME + f"?x=1{FRAGMENT}",
    HOME + f"path{FRAGMENT}",
    HOME + f"..{FRAGMENT}",
    "ht\ntp://192.168.1.20:47800/" + FRAGMENT,
    "https://192.168.1.20:47800/" + FRAGMENT,
    "ws://192.168.1.20:47800/" + FRAGMENT,
    "file:///etc/passwd" + FRAGMENT,
    "javascript:alert(1)//" + FRAGMENT,
    "//192.168.1.20:47800/" + FRAGMENT,
    "user@192.168.1.20:47800/" + FRAGMENT,
    "\\\\192.168.1.20:47800/" + FRAGMENT,
    "x192.168.1.20:47800/" + FRAGMENT,
    "192.168.1.20/" + FRAGMENT,
    "192.168.1.256:47800/" + FRAGMENT,
    "http:///192.168.1.20:47800/" + FRAGMENT,
    "http:\\\\192.168.1.20:47800/" + FRAGMENT,
    "http://192.168.1.20/" + FRAGMENT,
    "http://192.168.1.20:/" + FRAGMENT,
    "http://192.168.1.20:0/" + FRAGMENT,
    "http://192.168.1.20:65536/" + FRAGMENT,
    "http://192.168.1.20:478000/" + FRAGMENT,
    "http://192.168.1.20:-1/" + FRAGMENT,
    "http://192.168.1.20:+80/" + FRAGMENT,
    "http://192.168.1.20:\u0664\u0665/" + FRAGMENT,
    "http://192.168.1.20:47800@6.6.6.6:80/" + FRAGMENT,
    "http://user:password@192.168.1.20:47800/" + FRAGMENT,
    "http://192.168.1.20:47800:80/" + FRAGMENT,
    "http://example.com:47800/" + FRAGMENT,
    "http://localhost:47800/" + FRAGMENT,
    "http://host.local:47800/" + FRAGMENT,
    "http://192.168.1.20.:47800/" + FRAGMENT,
    "http://192.168.1:47800/" + FRAGMENT,
    "http://192.168.1.256:47800/" + FRAGMENT,
    "http://192.168.1.020:47800/" + FRAGMENT,
    "http://3232235796:47800/" + FRAGMENT,
    "http://0xc0a80114:47800/" + FRAGMENT,
    "http://192。168。1。20:47800/" + FRAGMENT,
    "http://[192.168.1.20]:47800/" + FRAGMENT,
    "http://fd00::1:47800/" + FRAGMENT,
    "http://[fd00::1:47800/" + FRAGMENT,
    "http://fd00::1]:47800/" + FRAGMENT,
    "http://[]:47800/" + FRAGMENT,
    "http://[v1.fd00::1]:47800/" + FRAGMENT,
    "http://[fd00::12345]:47800/" + FRAGMENT,
    "http://[fe80::1%]:47800/" + FRAGMENT,
    "http://[fe80::1%25%25]:47800/" + FRAGMENT,
    "http://[fe80::1%25eth0%00]:47800/" + FRAGMENT,
    "http://[fe80::1%25eth\x1b[31m]:47800/" + FRAGMENT,
    "http://[fe80::1%25,is,the,bank]:47800/" + FRAGMENT,
    "http://[fe80::1%25é]:47800/" + FRAGMENT,
    "http://[fe80::1%25" + "x" * 33 + "]:47800/" + FRAGMENT,
    "http://" + "1" * 100_000 + ":47800/" + FRAGMENT,
]


@each_row("url", HOSTILE)
def test_hostile_urls(url: str) -> None:
    with pytest.raises(CodeError) as caught:
        parse_target(url)
    assert caught.value.problem == Problem(Reason.LINK_UNREADABLE)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert SESSION not in told
    assert QR_SECRET not in told


def test_nothing_typed_is_an_incomplete_code() -> None:
    for typed in ("", "  ", "\n"):
        assert attempt(typed) is Reason.CODE_INCOMPLETE


def test_a_code_leads_to_the_session_whose_code_is_shown() -> None:
    target = parse_target(" 02501-wk38l ")
    assert target == JoinTarget("192.168.1.20", 47800, "@code", code="02501WK381")
    assert target.websocket_url == "ws://192.168.1.20:47800/ws"
