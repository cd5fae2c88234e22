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


def lower_price(price: Decimal | None, sale_price: Decimal | None) -> Decimal | None:
    """What a shopper pays: the sale price where it is the lower one, else the price; None where neither is known.

    >>> lower_price(Decimal(52), Decimal(40)), lower_price(Decimal(52), None), lower_price(None, None)
    (Decimal('40'), Decimal('52'), None)
    """
    prices = [amount for amount in (price, sale_price) if amount is not None]
    return min(prices) if prices else None
