"""Amounts in the decimals of their currency, independent of any locale."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from moneyed import CurrencyDoesNotExist, get_currency


@lru_cache(maxsize=512)
def decimals_of(currency: str) -> int | None:
    """How many decimals amounts in a currency have, or None where ISO 4217 knows no such code.

    >>> decimals_of("USD"), decimals_of("JPY"), decimals_of("KWD"), decimals_of("ZZZ")
    (2, 0, 3, None)
    """
    try:
        sub_unit = int(get_currency(currency).sub_unit)
    except CurrencyDoesNotExist:
        return None
    # Two currencies count fifths (MGA, MRU); one decimal writes them.
    return len(str(sub_unit - 1)) if sub_unit > 1 else 0


def in_decimals_of(amount: Decimal, currency: str) -> Decimal:
    """The amount with as many decimals as its currency has; unchanged where the currency is unknown.

    >>> str(in_decimals_of(Decimal("52.0000"), "USD")), str(in_decimals_of(Decimal("5200.0000"), "JPY"))
    ('52.00', '5200')
    """
    decimals = decimals_of(currency)
    return amount if decimals is None else amount.quantize(Decimal(1).scaleb(-decimals))
