"""Products with awkward brands, prices and genders, filters over them, and a plain loop that knows who passes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product as combinations

from search.filters import Filters
from search.models import Garment, Space
from segmentation.types import Color
from tests.factories import make_image, make_product, make_retailer
from tests.search_factories import JACKET, PANTS, photo, seen, store

BRANDS = (
    "Étam",
    "ÉTAM",
    " étam ",
    "Weiß & Söhne",
    "WEISS &  SÖHNE",
    "H&M",
    "h&m",
    "H+M",
    "A.B",
    "AxB",
    "ΟΔΟΣ",
    "οδός",
    "",
)
GENDERS = ("female", "Women's", "LADIES", "men", "Male", "unisex", "", "robots")
PRICES = ((52, None), (52, 40), (40, 52), (None, 40), (None, None), ("39.9949", None), ("40.0001", None), (0, None))
COLORS = ("navy", "red", "light blue")
STOCKS = ("in_stock", "out_of_stock", "preorder")

FILTERS = (
    Filters(),
    Filters(brands=frozenset({"étam"})),
    Filters(brands=frozenset({"weiss & söhne", "h&m"})),
    Filters(brands=frozenset({"WEIẞ & SÖHNE"})),
    Filters(brands=frozenset({"a.b"})),
    Filters(brands=frozenset({"οδοσ"})),
    Filters(brands=frozenset({""})),
    Filters(genders=frozenset({"women"})),
    Filters(genders=frozenset({"men", "unisex"})),
    Filters(colors=frozenset({"Light  Blue", "red"})),
    Filters(price_max=Decimal(40)),
    Filters(price_max=Decimal("39.995")),
    Filters(price_min=Decimal(40)),
    Filters(price_min=Decimal(40), price_max=Decimal(40)),
    Filters(price_min=Decimal(0), price_max=Decimal(0)),
    Filters(price_max=Decimal(100), currency="eur"),
    Filters(currency="USD"),
    Filters(in_stock=True),
    Filters(in_stock=False),
    Filters(category_ids=frozenset({PANTS})),
    Filters(category_ids=frozenset({-1})),
    Filters(category_ids=frozenset({-1, JACKET}), in_stock=True, price_max=Decimal(45)),
    Filters(category_ids=frozenset()),
    Filters(retailer_ids=frozenset()),
)


def make_products(space: Space) -> None:
    """A garment for each brand with some gender, for each gender with some price, and so on."""
    columns = [BRANDS, GENDERS, PRICES, COLORS, STOCKS, ("USD", "EUR"), (JACKET, PANTS, None), ("one", "two")]
    pairs = [pair for a, b in combinations(range(len(columns)), repeat=2) if a < b for pair in [(a, b)]]
    for number in range(max(map(len, columns)) * len(pairs) // 4):
        brand, gender, (price, sale), color, stock, currency, category, slug = (
            column[(number * (index + 1) + number // len(column)) % len(column)] for index, column in enumerate(columns)
        )
        values = {"brand": brand, "gender": gender, "currency": currency, "availability": stock}
        prices = {"price": _amount(price), "sale_price": _amount(sale)}
        withdrawn = datetime.now(UTC) if number % 17 == 16 else None
        owner = make_retailer(str(slug))
        image = make_image(make_product(owner, withdrawn_at=withdrawn, **values, **prices))
        garments = () if category is None else (seen(category),)
        store(space, [image], [photo(*garments)])
        Garment.objects.filter(description__image=image).update(color_name=Color(str(color), (0, 0, 0)).name)


def passes(garment: Garment, filters: Filters) -> bool:
    """What the words mean, told without hashes, rounding or SQL."""
    shop, amounts = garment.product, (garment.product.price, garment.product.sale_price)
    paid = min((amount for amount in amounts if amount is not None), default=None)
    bounded = filters.price_min is not None or filters.price_max is not None
    genders = {"women's": "female", "ladies": "female", "men": "male"}
    gender = genders.get(shop.gender.lower(), shop.gender.lower())
    category_id = -1 if garment.category_id is None else garment.category_id
    return (
        shop.withdrawn_at is None
        and (filters.brands is None or " ".join(shop.brand.casefold().split()) in filters.brands)
        and (filters.genders is None or gender in filters.genders)
        and (filters.colors is None or garment.color_name in filters.colors)
        and (filters.currency is None or shop.currency == filters.currency)
        and (filters.in_stock is None or (shop.availability == "in_stock") == filters.in_stock)
        and (filters.category_ids is None or category_id in filters.category_ids)
        and (filters.retailer_ids is None or shop.retailer_id in filters.retailer_ids)
        and not (bounded and paid is None)
        and (filters.price_min is None or (paid is not None and paid >= filters.price_min))
        and (filters.price_max is None or (paid is not None and paid <= filters.price_max))
    )


def misjudged(space: Space) -> list[str]:
    """The filters with which the database picks other garments than the plain loop."""
    garments = Garment.objects.filter(description__space=space, is_product=True)
    wrong = []
    for filters in FILTERS:
        expected = {garment.pk for garment in garments.select_related("product") if passes(garment, filters)}
        if set(garments.filter(filters.garments()).values_list("pk", flat=True)) != expected:
            wrong.append(str(filters))
    return wrong


def _amount(value: str | int | None) -> Decimal | None:
    return None if value is None else Decimal(value)
