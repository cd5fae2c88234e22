"""Prices as feeds write them, read exactly or refused: never one that might be wrong by a thousand."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from price_parser import Price

from catalog import limits
from catalog.money import decimals_of, in_decimals_of

PLAIN = re.compile(r"(?:([A-Za-z]{3})\s?)?([0-9]{1,12}(?:\.[0-9]{1,2})?)(?:\s?([A-Za-z]{3}))?")
"""As the specifications ask for it: nearly every price of nearly every feed."""
NUMBER = re.compile(r"[0-9](?:[0-9.,'’ \u00a0\u2009\u202f]*[0-9])?")
CODE = re.compile(r"[A-Za-z]{3}")
SPACES = re.compile(r"[ \u00a0\u2009\u202f'’]")
"""What only ever separates thousands."""
MOST_CHARS = 60

SYMBOLS = {
    "€": ("EUR",),
    "£": ("GBP",),
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD"),
    "US$": ("USD",),
    "C$": ("CAD",),
    "CA$": ("CAD",),
    "A$": ("AUD",),
    "AU$": ("AUD",),
    "NZ$": ("NZD",),
    "HK$": ("HKD",),
    "R$": ("BRL",),
    "¥": ("JPY", "CNY"),
    "円": ("JPY",),
    "元": ("CNY",),
    "₹": ("INR",),
    "₩": ("KRW",),
    "₺": ("TRY",),
    "₽": ("RUB",),
    "₴": ("UAH",),
    "₪": ("ILS",),
    "zł": ("PLN",),
    "Kč": ("CZK",),
    "Ft": ("HUF",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "kr.": ("DKK",),
    "Fr.": ("CHF",),
    "lei": ("RON",),
}
"""Which currencies a sign may mean. Among several the feed's own decides; a bare dollar sign else means US dollars."""
LIKELIEST = {"$": "USD"}


class PriceRefused(ValueError):
    """The text is no price that can be read in one way only; the message says why."""


@lru_cache(maxsize=65536)
def read_price(text: str, currency: str = "") -> tuple[Decimal, str]:
    """An amount and its ISO 4217 code from text such as "15.00 USD", "1.234,56 EUR" or "$15.00".

    >>> read_price("15.00 USD"), read_price("1.234,56 €"), read_price("19,90", "EUR")
    ((Decimal('15.00'), 'USD'), (Decimal('1234.56'), 'EUR'), (Decimal('19.90'), 'EUR'))

    Args:
        text: Stripped.
        currency: ISO 4217 code where the text names none; empty = such a text is refused.

    Raises:
        PriceRefused: Not a number, negative, decimals its currency does not have, no or an unknown currency, or a
            number that could be read in two ways ("1.234 EUR").
    """
    plain = PLAIN.fullmatch(text)
    if plain is not None and not (plain[1] and plain[3]):
        code, number = plain[1] or plain[3] or currency, plain[2]
        if not code:
            raise PriceRefused(f"{quote(text)} needs a currency, like 15.00 USD")
        return _exact(Decimal(number), code.upper(), text), code.upper()
    number, sign = _split(text)
    code = _code_of(sign, currency, text)
    return _exact(_amount(number, code, text), code, text), code


def quote(text: str) -> str:
    """A cell's text for a message, shortened."""
    return f'"{text[:40]}…"' if len(text) > 40 else f'"{text}"'


def _split(text: str) -> tuple[str, str]:
    """The digits with their separators, and what stands before or after them (a code or a sign)."""
    found = NUMBER.search(text) if len(text) <= MOST_CHARS else None
    if found is None:
        raise PriceRefused(f"{quote(text)} is not a price like 15.00 USD")
    before, after = text[: found.start()].strip(), text[found.end() :].strip()
    if before.startswith(("-", "−")) or before.endswith(("-", "−")):
        raise PriceRefused(f"{quote(text)} is negative")
    after = after.removeprefix(",-").removeprefix(".-").strip()  # "15,- kr"
    before = before.removeprefix("+")
    if before and after:
        is_twice = all(CODE.fullmatch(sign) or sign in SYMBOLS for sign in (before, after))
        reason = "needs one currency, like 15.00 USD" if is_twice else "is not a price like 15.00 USD"
        raise PriceRefused(f"{quote(text)} {reason}")
    return found[0], before + after


def _code_of(sign: str, currency: str, text: str) -> str:
    if not sign:
        if not currency:
            raise PriceRefused(f"{quote(text)} needs a currency, like 15.00 USD")
        return currency
    meant = SYMBOLS.get(sign)
    if meant is not None:
        if currency in meant:
            return currency
        if len(meant) == 1 or sign in LIKELIEST:
            return LIKELIEST.get(sign, meant[0])
        raise PriceRefused(f"{quote(text)}: {sign} may be {', '.join(meant)}; write the code")
    if CODE.fullmatch(sign) is None:
        raise PriceRefused(f"{quote(text)} is not a price like 15.00 USD")
    return sign.upper()


def _amount(number: str, code: str, text: str) -> Decimal:
    """The number, its decimal separator decided by what can only be one."""
    compact = SPACES.sub("", number)
    points, commas = compact.count("."), compact.count(",")
    decimal_separator = ""
    if points and commas:
        decimal_separator = "." if compact.rindex(".") > compact.rindex(",") else ","
    elif points + commas == 1:
        separator = "." if points else ","
        whole, fraction = compact.split(separator)
        is_fils = separator == "." and decimals_of(code) == 3
        if is_fils or compact != number or not _may_be_thousands(whole, fraction):
            decimal_separator = separator
        elif separator == "." or decimals_of(code) != 0:  # a comma before three digits of yen is no decimal one
            raise PriceRefused(
                f"{quote(text)} can be read in two ways; write decimals with a point and no thousands separator"
            )
    if not _is_grouped(number, decimal_separator):
        raise PriceRefused(f"{quote(text)} is not a price like 15.00 USD")
    amount = Price.fromstring(
        compact, decimal_separator=decimal_separator if decimal_separator else "." if commas else ","
    ).amount
    if amount is None:
        raise PriceRefused(f"{quote(text)} is not a price like 15.00 USD")
    return amount


def _may_be_thousands(whole: str, fraction: str) -> bool:
    return len(fraction) == 3 and len(whole) <= 3 and whole.strip("0") != ""


def _is_grouped(number: str, decimal_separator: str) -> bool:
    """Whether all separators but the decimal one stand before groups of three, and are of one kind."""
    whole, _, fraction = number.rpartition(decimal_separator) if decimal_separator else (number, "", "")
    if not fraction.isdecimal() and decimal_separator:
        return False
    kinds = {character for character in whole if not character.isdecimal()}
    if not kinds:
        return whole.isdecimal()
    if len(kinds) > 1:
        return False
    first, *middle, last = whole.split(kinds.pop())
    if not (first + "".join(middle) + last).isdecimal() or len(last) != 3:
        return False
    in_thousands = 1 <= len(first) <= 3 and all(len(group) == 3 for group in middle)
    in_lakhs = 1 <= len(first) <= 2 and all(len(group) == 2 for group in middle)
    return in_thousands or in_lakhs


def _exact(amount: Decimal, currency: str, text: str) -> Decimal:
    decimals = decimals_of(currency)
    if decimals is None:
        raise PriceRefused(f"{currency} is not a currency of ISO 4217")
    if amount.adjusted() >= limits.PRICE_DIGITS - limits.PRICE_DECIMALS:
        raise PriceRefused(f"{quote(text)} is too large")
    exact = in_decimals_of(amount, currency)
    if exact != amount:
        raise PriceRefused(f"{quote(text)}: {currency} has {decimals} decimals")
    return exact
