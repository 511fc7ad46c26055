"""Tests of proxim.core.pairing.host_code."""

import dataclasses
import traceback
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxim.core.errors import Problem, Reason
from proxim.core.pairing.host_code import (
    ALPHABET,
    DEFAULT_PORT,
    FALLBACK_PORTS,
    SECRET_BITS,
    CodeError,
    HostCode,
    JoinTarget,
    cautions,
    group_symbols,
    is_local,
    normalize_code,
    parse_code,
    parse_target,
)
from proxim.core.pairing.invite_link import invite_url
from tests.rows import each_row

UUID = "6f1c7d2e-8a54-4f0e-9a53-0c2f6c1f7a11"
LARGEST_SECRET = 2**SECRET_BITS - 1
SHORT_PORTS = range(47800, 47808)

# The table of docs/security.md, "Host code": first address, last address, group sizes of the
# symbols, and the bits of the class.
CLASSES = [
    ("192.168.0.0", "192.168.255.255", (5, 5), "0"),
    ("10.0.0.0", "10.255.255.255", (4, 4, 4), "10"),
    ("172.16.0.0", "172.31.255.255", (4, 4, 4), "110"),
    ("100.64.0.0", "100.127.255.255", (4, 4, 4), "1110"),
    ("169.254.0.0", "169.254.255.255", (4, 4, 4), "11110"),
    ("0.0.0.0", "255.255.255.255", (6, 6, 6), "111110"),
]


def reference_check(symbols: str) -> str:
    """Return the check symbol straight from its definition: sum of alpha^i * d_i, i from 1, in
    GF(2)[x] / (x^5 + x^2 + 1).
    """
    total = 0
    for i, symbol in enumerate(symbols, 1):
        # The product by x^i is not reduced yet.
        product = ALPHABET.index(symbol) << i
        for bit in range(product.bit_length() - 1, 4, -1):
            if product >> bit & 1:
                product ^= 0b100101 << (bit - 5)
        total ^= product
    return ALPHABET[total]


def bits_of(symbols: str) -> str:
    return "".join(f"{ALPHABET.index(symbol):05b}" for symbol in symbols)


def with_check(bits: str) -> str:
    """Return the code with these data bits, whatever they mean."""
    symbols = "".join(ALPHABET[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))
    return symbols + reference_check(symbols)


def attempt(
    read: Callable[[str], HostCode | JoinTarget], typed: str
) -> HostCode | JoinTarget | CodeError:
    """Return what `read` returns or the CodeError that it raises; any other error fails the
    test.
    """
    try:
        return read(typed)
    except CodeError as error:
        return error


def reason_of(typed: str) -> Reason:
    with pytest.raises(CodeError) as caught:
        parse_code(typed)
    return caught.value.reason


ports = st.sampled_from(SHORT_PORTS) | st.integers(1, 65535)
secrets = st.integers(0, LARGEST_SECRET)
in_a_class = st.sampled_from(CLASSES).flatmap(
    lambda row: st.integers(int(IPv4Address(row[0])), int(IPv4Address(row[1]))).map(IPv4Address)
)
codes = st.builds(HostCode, in_a_class | st.ip_addresses(v=4), ports, secrets)

# The samples have each class with its ends, and all extremes of port and secret.
SAMPLES = [
    HostCode(IPv4Address(address), port, secret)
    for first, last, _, _ in CLASSES
    for address in (first, last)
    for port, secret in ((47800, 0), (47807, LARGEST_SECRET), (47803, 0x155_5555))
] + [
    HostCode(IPv4Address(address), port, 12_345)
    for address in ("192.168.1.20", "8.8.8.8")
    for port in (1, 65535)
]


# --- the format -----------------------------------------------------------------------------------


def test_the_example() -> None:
    code = parse_code("02501-WK381")
    assert (str(code.address), code.port) == ("192.168.1.20", 47800)
    # The secret was read by hand from the symbols 1 W K 3 8.
    assert code.secret == int("0000111100100110001101000", 2)
    assert code.shown == "02501-WK381"
    assert code.canonical == "02501WK381"
    assert reference_check("02501WK38") == "1"


def test_the_alphabet_is_crockfords() -> None:
    allowed = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set("ILOU")
    assert "".join(sorted(allowed)) == ALPHABET


@each_row("first, last, groups, prefix", CLASSES)
@each_row("secret", [0, 1, LARGEST_SECRET])
def test_the_table_of_classes(
    first: str, last: str, groups: tuple[int, ...], prefix: str, secret: int
) -> None:
    for address in (first, last):
        for port in SHORT_PORTS:
            code = HostCode(IPv4Address(address), port, secret)
            assert tuple(map(len, code.shown.split("-"))) == groups
            assert code.shown.replace("-", "") == code.canonical
            assert bits_of(code.canonical).startswith(prefix)
            assert code.canonical[-1] == reference_check(code.canonical[:-1])
            assert parse_code(code.shown) == code


@each_row(
    "address, prefix",
    [
        ("192.167.255.255", "111110"),
        ("192.169.0.0", "111110"),
        ("9.255.255.255", "111110"),
        ("11.0.0.0", "111110"),
        ("172.15.255.255", "111110"),
        ("172.32.0.0", "111110"),
        ("100.63.255.255", "111110"),
        ("100.128.0.0", "111110"),
        ("169.253.255.255", "111110"),
        ("169.255.0.0", "111110"),
        ("127.0.0.1", "111110"),
    ],
)
def test_just_outside_a_class(address: str, prefix: str) -> None:
    code = HostCode(IPv4Address(address), DEFAULT_PORT, 5)
    assert len(code.canonical) == 18
    assert bits_of(code.canonical).startswith(prefix)
    assert parse_code(code.canonical) == code


@each_row("port", [1, 80, 47799, 47808, 65535])
@each_row("address", [row[0] for row in CLASSES])
def test_any_other_port_takes_the_long_form(address: str, port: int) -> None:
    code = HostCode(IPv4Address(address), port, 5)
    assert len(code.canonical) == 18
    assert parse_code(code.canonical) == code


def test_the_fields_lie_where_the_document_says() -> None:
    private = bits_of(HostCode(IPv4Address("172.20.3.4"), 47805, 0x1ABCDEF).canonical)
    assert private[:55] == "110" + f"{0x40304:020b}" + "101" + f"{0x1ABCDEF:025b}" + "0000"
    public = bits_of(HostCode(IPv4Address("8.9.10.11"), 8080, 7).canonical)
    assert public[:85] == "111110" + f"{0x08090A0B:032b}" + f"{8080:016b}" + f"{7:025b}" + "000000"


def test_the_short_ports_are_the_default_and_its_fallbacks() -> None:
    assert [DEFAULT_PORT, *FALLBACK_PORTS] == list(SHORT_PORTS)


@given(codes)
def test_round_trip(code: HostCode) -> None:
    assert parse_code(code.canonical) == code
    assert parse_code(code.shown) == code
    assert code.canonical[-1] == reference_check(code.canonical[:-1])


@each_row("port", [0, -1, 65536])
def test_ports_that_no_code_can_say_are_refused(port: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        HostCode(IPv4Address("8.8.8.8"), port, 5)


@each_row("secret", [-1, LARGEST_SECRET + 1])
def test_a_secret_of_another_width_is_refused_without_saying_it(secret: int) -> None:
    with pytest.raises(ValueError, match="out of range") as caught:
        HostCode(IPv4Address("192.168.1.20"), DEFAULT_PORT, secret)
    assert str(secret) not in str(caught.value)


def test_codes_and_targets_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse_code("02501-WK381").secret = 0  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        parse_target("02501-WK381").address = "6.6.6.6"  # type: ignore[misc]


# --- one host, one code ---------------------------------------------------------------------------


@each_row(
    "bits",
    [
        # In these codes the padding is not zero.
        "10" + "0" * 52 + "1",
        "110" + "0" * 48 + "0001",
        "110" + "0" * 48 + "1000",
        "1110" + "0" * 50 + "1",
        "11110" + "0" * 44 + "000001",
        "111110" + f"{0x08080808:032b}" + f"{80:016b}" + "0" * 25 + "000001",
        # Port 0 is not allowed.
        "111110" + f"{0x08080808:032b}" + f"{0:016b}" + "0" * 25 + "000000",
        "111110"
        + f"{0xC0A80114:032b}"
        + f"{47800:016b}"
        + "0" * 25
        # The address 192.168.1.20 has a class of its own.
        + "000000",
        "111110" + f"{0x0A000001:032b}" + f"{47807:016b}" + "0" * 25 + "000000",
    ],
)
def test_a_second_spelling_of_a_host_is_refused(bits: str) -> None:
    assert reason_of(with_check(bits)) is Reason.CODE_TYPO


@given(st.data(), st.sampled_from(CLASSES))
def test_what_is_read_is_canonical(
    data: st.DataObject, row: tuple[str, str, tuple[int, ...], str]
) -> None:
    _, _, groups, prefix = row
    width = 5 * (sum(groups) - 1) - len(prefix)
    typed = with_check(prefix + f"{data.draw(st.integers(0, 2**width - 1)):0{width}b}")
    match attempt(parse_code, typed):
        case HostCode() as code:
            assert code.canonical == typed
        case CodeError() as error:
            assert error.reason is Reason.CODE_TYPO


@given(codes, codes)
def test_different_hosts_have_different_codes(one: HostCode, other: HostCode) -> None:
    assert (one.canonical == other.canonical) == (one == other)


# --- typing errors --------------------------------------------------------------------------------


def assert_caught(typed: str, at: int) -> None:
    """Check that an error at this symbol is reported. The first two symbols name the class, so
    an error there can also change the expected length.
    """
    other_class = (
        {Reason.CODE_INCOMPLETE, Reason.CODE_TOO_LONG, Reason.CODE_UNKNOWN} if at < 2 else set()
    )
    assert reason_of(typed) in {Reason.CODE_TYPO} | other_class


@each_row("code", SAMPLES, name_of=lambda code: code.shown)
def test_every_single_substitution_is_caught(code: HostCode) -> None:
    right = code.canonical
    for at, symbol in enumerate(right):
        for other in ALPHABET.replace(symbol, ""):
            assert_caught(right[:at] + other + right[at + 1 :], at)


@each_row("code", SAMPLES, name_of=lambda code: code.shown)
def test_every_swap_of_unequal_neighbours_is_caught(code: HostCode) -> None:
    right = code.canonical
    for at in range(len(right) - 1):
        one, other = right[at], right[at + 1]
        if one != other:
            assert_caught(right[:at] + other + one + right[at + 2 :], at)


@given(codes, st.data())
def test_any_substitution_in_any_code_is_caught(code: HostCode, data: st.DataObject) -> None:
    right = code.canonical
    at = data.draw(st.integers(0, len(right) - 1))
    other = data.draw(st.sampled_from(ALPHABET.replace(right[at], "")))
    assert_caught(right[:at] + other + right[at + 1 :], at)


@each_row("code", SAMPLES, name_of=lambda code: code.shown)
def test_a_code_that_is_not_all_there_is_incomplete_and_no_typo(code: HostCode) -> None:
    for form in (code.canonical, code.shown, code.shown.lower()):
        for length in range(len(form)):
            assert reason_of(form[:length]) is Reason.CODE_INCOMPLETE, form[:length]


@given(codes)
def test_any_proper_prefix_is_incomplete(code: HostCode) -> None:
    for length in range(len(code.canonical)):
        assert reason_of(code.canonical[:length]) is Reason.CODE_INCOMPLETE


@given(codes, st.text(ALPHABET, min_size=1, max_size=40))
def test_a_code_with_more_behind_it_is_too_long(code: HostCode, more: str) -> None:
    assert reason_of(code.canonical + more) is Reason.CODE_TOO_LONG


@given(
    st.sampled_from([first + second for first in "Z" for second in "GHJKMNPQRSTVWXYZ"]),
    st.text(ALPHABET),
)
def test_the_reserved_class_is_a_newer_proxims_code(start: str, rest: str) -> None:
    assert reason_of(start + rest) is Reason.CODE_UNKNOWN


def test_the_reserved_class_is_not_guessed_from_its_first_symbol() -> None:
    # The bits 11111 begin both the long form and the reserved class.
    assert reason_of("Z") is Reason.CODE_INCOMPLETE


@each_row(
    "symbol",
    [*"uU!@#$%&*()=+[]{}|\\;'\"<>,?^~`", "é", "ß", "Ｕ", "½", "日", "\x00", "\ud800"],
)
def test_what_is_no_symbol_is_named_as_such(symbol: str) -> None:
    for typed in (symbol, "02501" + symbol, symbol + "2501-WK381", "02501-WK381" + symbol):
        assert reason_of(typed) is Reason.CODE_SYMBOL


# --- how people type ------------------------------------------------------------------------------


@each_row(
    "typed",
    [
        "02501WK381",
        "02501 wk381",
        "  02501--WK381  ",
        "0.2.5.0.1_W_K_3_8_1",
        "o25oi-wk38l",
        "O25OI-WK38L",
        "O250l WK38I",
        "02501\u2010WK381",
        "02501\u2011WK381",
        "02501\u2013WK381",
        "02501\u2014WK381",
        "02501\u2212WK381",
        "02501\u00a0WK381",
        "02501\u202fWK381",
        "02501\u3000WK381\r\n",
        "\ufeff02501\u00ad-\u200bWK381\u2060",
        # Input methods for Chinese and Japanese; the last one's dash is its own key.
        "０２５０１-ＷＫ３８１",
        "０２５０１－ｗｋ３８ｌ",
        "０２５０１ーＷＫ３８１",
        # A chat from right to left: marks, embeddings and isolates.
        "\u200f02501-WK381\u200e",
        "\u202b02501\u202c-\u202dWK381\u202c",
        "\u206702501-WK381\u2069",
        # Invisible in other ways.
        "0\u200c2\u200d5\ufe0f0\u061c1\u2061-\U000e0020WK\u034f381\u3164",
        "\t02501\n-\nWK381",
    ],
)
def test_case_separators_and_look_alikes_do_not_matter(typed: str) -> None:
    assert normalize_code(typed) == "02501WK381"
    assert parse_code(typed) == parse_code("02501-WK381")
    assert parse_target(typed) == parse_target("02501-WK381")


@given(codes, st.data())
def test_any_code_typed_carelessly(code: HostCode, data: st.DataObject) -> None:
    look_alikes = {"0": "0Oo", "1": "1IiLl"}
    typed = "".join(
        data.draw(st.text(" -._\n", max_size=2))
        + data.draw(st.sampled_from(look_alikes.get(symbol, symbol + symbol.lower())))
        for symbol in code.canonical
    )
    assert normalize_code(typed) == code.canonical
    assert parse_code(typed) == code


@given(st.text(ALPHABET, max_size=24))
def test_normalizing_what_is_normal_changes_nothing(symbols: str) -> None:
    assert normalize_code(symbols) == symbols
    assert normalize_code(group_symbols(symbols)) == symbols


@each_row(
    "symbols, shown",
    [
        ("", ""),
        ("0", "0"),
        ("02501", "02501"),
        ("02501W", "02501-W"),
        ("02501WK381", "02501-WK381"),
        ("02501WK381XYZ", "02501-WK381XYZ"),
        ("G", "G"),
        ("G000", "G000"),
        ("G0000", "G000-0"),
        ("G00000000", "G000-0000-0"),
        ("Y00000000000", "Y000-0000-0000"),
        # These may still be the long form or the reserved class.
        ("Z", "Z"),
        ("Z0", "Z0"),
        ("Z000000", "Z00000-0"),
        ("Z00000000000000000", "Z00000-000000-000000"),
        # The groups of the reserved class are unknown.
        ("ZZ12345678", "ZZ12345678"),
    ],
)
def test_group_symbols(symbols: str, shown: str) -> None:
    assert group_symbols(symbols) == shown


@given(st.text(ALPHABET, max_size=24))
def test_groups_stay_where_they_are_while_typing(symbols: str) -> None:
    whole = group_symbols(symbols)
    for length in range(len(symbols)):
        part = group_symbols(symbols[:length])
        assert whole.startswith(part)
        assert not part.startswith("-")
        assert not part.endswith("-")


@given(st.text(st.characters(categories=None)) | st.text(ALPHABET + "OILU -"))
def test_any_text_is_a_code_or_refused(typed: str) -> None:
    for outcome in (attempt(parse_code, typed), attempt(parse_target, typed)):
        assert not isinstance(outcome, CodeError) or outcome.problem == Problem(outcome.reason, "")


# --- what people paste ----------------------------------------------------------------------------

CODE = "02501-WK381"
OTHER = HostCode(IPv4Address("192.168.1.21"), 47800, 12_345).shown


@each_row(
    "pasted",
    [
        f'"{CODE}"',
        f"'{CODE}',",
        f"<{CODE}>",
        f"“{CODE}”.",
        f"«{CODE}»",
        f"({CODE})!",
        f"「{CODE}」。",
        f"My code is {CODE}, see you.",
        f"Code:  {CODE.lower()}\r\nValid for 15 minutes",
        f"{CODE}\n{CODE}",
        f"Ｃode　{CODE}",
        f"码 {CODE}",
        "-- signature --\n02501\u2011WK381",
        f"See https://example.com/proxim and http://example.com, then type {CODE}",
    ],
)
def test_a_code_is_found_in_what_is_pasted(pasted: str) -> None:
    assert parse_target(pasted) == parse_target(CODE)


@each_row(
    "pasted, reason",
    [
        (f"{CODE} or {OTHER}", Reason.SEVERAL_LINKS),
        (f"{CODE}\n{OTHER}\n", Reason.SEVERAL_LINKS),
        # Only the form that hosts show is looked for in a sentence.
        ("my code is 02501WK381", Reason.CODE_TOO_LONG),
        ("call 02501-WK382 now", Reason.CODE_TOO_LONG),
        # Typed by mistake.
        (f"{CODE} 5", Reason.CODE_TOO_LONG),
        (f"the {CODE}x", Reason.CODE_TOO_LONG),
        (f"{CODE}-7", Reason.CODE_TOO_LONG),
        ("a truly brown-bread", Reason.CODE_SYMBOL),
        # No code has so many symbols.
        ("line1\nline2 " + "x" * 5000, Reason.LINK_UNREADABLE),
        ("Remember the brünette's milk, please", Reason.LINK_UNREADABLE),
        ("0" * 19, Reason.CODE_TOO_LONG),
        ("-0_" * 19, Reason.CODE_TOO_LONG),
        ("0" * 20, Reason.LINK_UNREADABLE),
    ],
)
def test_what_is_no_single_code(pasted: str, reason: Reason) -> None:
    with pytest.raises(CodeError) as caught:
        parse_target(pasted)
    assert caught.value.reason is reason


@given(codes, st.text(st.characters(categories=["Cf"]), max_size=4), st.data())
def test_any_code_with_invisible_characters(
    code: HostCode, invisible: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(code.shown)))
    wide = data.draw(st.booleans())
    typed = code.shown[:at] + invisible + code.shown[at:]
    if wide:
        # The full-width forms stand in the order of ASCII.
        typed = "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in typed)
    assert parse_code(typed) == code
    assert parse_target(typed).code == code.canonical


# --- secrets --------------------------------------------------------------------------------------


@given(codes)
def test_a_codes_repr_has_no_secret(code: HostCode) -> None:
    assert repr(code) == f"HostCode(address={code.address!r}, port={code.port})"
    assert str(code) == repr(code)


def test_a_targets_repr_has_no_secret() -> None:
    by_url = parse_target(invite_url("192.168.1.20", 47800, "s" * 22, UUID, "A" * 22))
    by_code = parse_target("02501-WK381")
    assert repr(by_url) == repr(by_code) == "JoinTarget(address='192.168.1.20', port=47800)"


@each_row("typed", ["02501-WK382", "02501-WK38", "02501-WK3811", "ZZ501-WK381", "02501-WK38!"])
def test_an_error_does_not_repeat_the_code(typed: str) -> None:
    with pytest.raises(CodeError) as caught:
        parse_target(typed)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "WK38" not in told
    assert caught.value.problem.detail == ""


# --- which addresses a guest dials without asking -------------------------------------------------


@each_row(
    "address, local",
    [
        ("9.255.255.255", False),
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("172.15.255.255", False),
        ("172.16.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.167.255.255", False),
        ("192.168.0.0", True),
        ("192.168.255.255", True),
        ("192.169.0.0", False),
        ("100.63.255.255", False),
        ("100.64.0.0", True),
        ("100.127.255.255", True),
        ("100.128.0.0", False),
        ("169.253.255.255", False),
        ("169.254.0.0", True),
        ("169.255.0.0", False),
        ("127.0.0.1", True),
        ("128.0.0.0", False),
        ("8.8.8.8", False),
        ("0.0.0.0", False),
        ("224.0.0.251", False),
        ("255.255.255.255", False),
        ("::1", True),
        ("::", False),
        ("::2", False),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("febf::1", True),
        ("fec0::1", False),
        ("fbff::1", False),
        ("fc00::1", True),
        ("fdff::1", True),
        ("fe00::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("::ffff:8.8.8.8", False),
        # A 6to4 address of a private address leads out of the local network.
        ("2002:c0a8:0114::1", False),
        ("64:ff9b::c0a8:114", False),
    ],
)
def test_is_local(address: str, local: bool) -> None:
    assert is_local(address) is local


@each_row(
    "address, own_networks, local",
    [
        # The host bits are set, as in an interface's own address and prefix.
        (
            "203.0.113.9",
            ("203.0.113.77/24",),
            True,
        ),
        ("203.0.114.9", ("203.0.113.77/24",), False),
        ("203.0.113.9", ("192.168.1.7/24", "203.0.113.0/28"), True),
        ("203.0.113.16", ("192.168.1.7/24", "203.0.113.0/28"), False),
        ("203.0.113.9", ("2001:db8::1/64",), False),
        ("2001:db8::9", ("203.0.113.77/24", "2001:db8::1/64"), True),
        ("2001:db8:0:1::9", ("2001:db8::1/64",), False),
        ("2001:db8::9", ("fe80::1%eth0/64",), False),
        ("203.0.113.9", (), False),
    ],
)
def test_a_subnet_of_ones_own_is_local(
    address: str, own_networks: tuple[str, ...], local: bool
) -> None:
    assert is_local(address, own_networks) is local


@each_row("first, last", [row[:2] for row in CLASSES[:-1]])
def test_all_short_codes_are_dialled_without_asking(first: str, last: str) -> None:
    assert is_local(first)
    assert is_local(last)


@each_row(
    "target, found",
    [
        (JoinTarget("192.168.1.9", 1, "@code", code="x"), ()),
        (JoinTarget("192.168.1.9", 1, "s", qr_secret="x"), ()),
        (JoinTarget("192.168.1.9", 1, "s"), (Reason.NO_SECRET,)),
        (JoinTarget("203.0.113.9", 1, "s", qr_secret="x"), ()),
        (JoinTarget("8.8.8.8", 1, "@code", code="x"), (Reason.FAR_ADDRESS,)),
        (JoinTarget("8.8.8.8", 1, "s"), (Reason.FAR_ADDRESS, Reason.NO_SECRET)),
    ],
)
def test_what_a_person_agrees_to_first(target: JoinTarget, found: tuple[Reason, ...]) -> None:
    assert cautions(target, ("203.0.113.77/24",)) == found
