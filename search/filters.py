"""What a shopper restricts a search to, in two languages that agree: the index's tags and the database's records.

Tags are fast and may lag; the records are the truth. Every hit must pass `Filters.garments`, so what was sold out or
repriced a moment ago vanishes at once, and a change of the tags' meaning cannot show what the filters forbid.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import In

from catalog.money import lower_price
from search.index.base import NO_CATEGORY, NO_VALUE, Tags, Where
from search.stock import IN_STOCK_TAG, any_size_in_stock
from search.vocabulary import (
    AGE_GROUP_WORDS,
    COLOR_IDS,
    GENDER_WORDS,
    check_price,
    folded,
    gender_of,
    hundredths,
    known_color,
    known_currency,
    known_gender,
    stable_id,
)

TAG_FIELDS: tuple[str | Combinable, ...] = (
    "product__retailer_id",
    "category_id",
    "product__brand",
    "product__gender",
    "color_name",
    "product__currency",
    "product__price",
    "product__sale_price",
    IN_STOCK_TAG,
)
"""Lookups from a garment, and what is computed; their values, in this order, are the arguments of `tags_of`."""


@dataclass(frozen=True)
class Filters:
    """Restrictions on products; all hold. None means no restriction, an empty set matches nothing.

    Names are normalised when it is made, so that equal restrictions are equal values.

    Attributes:
        retailer_ids: Allowed retailers.
        category_ids: Allowed categories of the garment seen; `NO_CATEGORY` stands for photos described as a whole.
        brands: Allowed brands, in any case and spacing.
        genders: Allowed genders, male, female or unisex, or another word feeds use for one of them.
        colors: Allowed colors of the garment seen, names of `segmentation.colors.COLOR_NAMES`.
        price_min: Least price a shopper pays, included.
        price_max: Highest price a shopper pays, included.
        currency: The prices' currency, ISO 4217.
        in_stock: True: only what can be bought now, in any size of its color; False: only what cannot in any.
        except_brands: Brands that are not allowed; the index does not know of these and what follows.
        except_genders: Genders that are not allowed; what is of no known gender is.
        age_groups: Allowed age groups, keys of `AGE_GROUP_WORDS`; what names none is for adults.

    Raises:
        InvalidFilter: A color, gender, currency or price is none.
    """

    retailer_ids: frozenset[int] | None = None
    category_ids: frozenset[int] | None = None
    brands: frozenset[str] | None = None
    genders: frozenset[str] | None = None
    colors: frozenset[str] | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    currency: str | None = None
    in_stock: bool | None = None
    except_brands: frozenset[str] = frozenset()
    except_genders: frozenset[str] = frozenset()
    age_groups: frozenset[str] | None = None

    def __post_init__(self) -> None:
        """Normalises names and refuses what means nothing."""
        for name, normalise in (("brands", folded), ("genders", known_gender), ("colors", known_color)):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, frozenset(normalise(word) for word in given) - {""})
        if self.currency is not None:
            object.__setattr__(self, "currency", known_currency(self.currency))
        for name in ("price_min", "price_max"):
            check_price(name, getattr(self, name))

    def where(self, category_ids: Iterable[int] | None = None) -> Where:
        """The restrictions as the index knows them; it may allow a little more than `garments` does, never less.

        Args:
            category_ids: Allowed besides, such as those that look like the garment asked for; None allows all.
        """
        allowed = self.category_ids
        if category_ids is not None:
            allowed = frozenset(category_ids) if allowed is None else allowed & frozenset(category_ids)
        return Where(
            retailer_ids=self.retailer_ids,
            category_ids=allowed,
            brand_ids=None if self.brands is None else frozenset(map(stable_id, self.brands)),
            gender_ids=None if self.genders is None else frozenset(map(stable_id, self.genders)),
            color_ids=None if self.colors is None else frozenset(COLOR_IDS[name] for name in self.colors),
            currency_ids=None if self.currency is None else frozenset({stable_id(self.currency)}),
            price_min=None if self.price_min is None else hundredths(self.price_min),
            price_max=None if self.price_max is None else hundredths(self.price_max),
            in_stock=self.in_stock,
        )

    def garments(self) -> Q:
        """The restrictions as a condition on `Garment`, its product on sale included."""
        condition = Q(product__withdrawn_at__isnull=True)
        if self.retailer_ids is not None:
            condition &= is_one_of("product__retailer_id", self.retailer_ids)
        if self.category_ids is not None:
            whole_images = Q(category_id__isnull=True) if NO_CATEGORY in self.category_ids else Q()
            condition &= Q(category_id__in=self.category_ids) | whole_images
        if self.brands is not None:
            condition &= _is_any_of("product__brand", self.brands)
        if self.genders is not None:
            words = [word for gender in self.genders for word in GENDER_WORDS[gender]]
            condition &= _is_any_of("product__gender", words)
        if self.colors is not None:
            condition &= Q(color_name__in=self.colors)
        if self.in_stock is not None:
            condition &= any_size_in_stock(self.offers()) if self.in_stock else ~any_size_in_stock()
        return condition & self._prices("product__") & self._beyond_the_index()

    def offers(self) -> Q:
        """What another size of a garment, a product, must cost to stand for it where it is sold out."""
        return self._prices("")

    def _beyond_the_index(self) -> Q:
        """The restrictions of which the index knows nothing: they cost a search more neighbours."""
        condition = Q()
        if self.except_brands:
            condition &= ~_is_any_of("product__brand", map(folded, self.except_brands))
        if self.except_genders:
            words = [word for gender in self.except_genders for word in GENDER_WORDS[gender]]
            condition &= ~_is_any_of("product__gender", words)
        if self.age_groups is not None:
            words = [word for age_group in self.age_groups for word in AGE_GROUP_WORDS[age_group]]
            unnamed = Q(product__age_group="") if "adult" in self.age_groups else Q()
            condition &= _is_any_of("product__age_group", words) | unnamed
        return condition

    def _prices(self, product: str) -> Q:
        """What a shopper pays is the lower of price and sale price, or the only one there is."""
        price, sale_price = f"{product}price", f"{product}sale_price"
        condition = Q() if self.currency is None else Q(**{f"{product}currency__iexact": self.currency})
        if self.price_max is not None:
            condition &= Q(**{f"{price}__lte": self.price_max}) | Q(**{f"{sale_price}__lte": self.price_max})
        if self.price_min is not None:
            for name in (price, sale_price):
                condition &= Q(**{f"{name}__gte": self.price_min}) | Q(**{f"{name}__isnull": True})
            condition &= Q(**{f"{price}__isnull": False}) | Q(**{f"{sale_price}__isnull": False})
        return condition


def tags_of(
    retailer_id: int,
    category_id: int | None,
    brand: str,
    gender: str,
    color_name: str,
    currency: str,
    price: Decimal | None,
    sale_price: Decimal | None,
    is_in_stock: bool,
) -> Tags:
    """What a garment can be filtered by in the index; the arguments are the values of `TAG_FIELDS`."""
    paid = lower_price(price, sale_price)
    known_gender = gender_of(gender)
    return Tags(
        retailer_id=retailer_id,
        category_id=NO_CATEGORY if category_id is None else category_id,
        brand_id=stable_id(folded(brand)),
        gender_id=NO_VALUE if known_gender is None else stable_id(known_gender),
        color_id=COLOR_IDS.get(color_name, NO_VALUE),
        currency_id=stable_id(currency.upper()),
        price=NO_VALUE if paid is None or paid < 0 else hundredths(paid),
        in_stock=int(is_in_stock),
    )


def is_one_of(key: str, values: Collection[int]) -> Q:
    """A condition on a key that no index serves: hits are asked for by their own keys, never by a retailer's.

    SQLite would otherwise begin with all products of the retailer, however few garments are asked for.
    """
    return Q(In(F(key) + Value(0), list(values))) if values else Q(pk__in=[])


def _is_any_of(lookup: str, names: Iterable[str]) -> Q:
    """Whether a text is one of some folded names, in the database, whose own folding stops at ASCII (SQLite)."""
    # Folding writes ß as ss; PostgreSQL and Python tell them apart.
    spellings = (r"\s+".join(re.escape(word) for word in name.split()).replace("ss", "(ss|ß)") for name in names)
    alternatives = "|".join(sorted(spellings))
    return Q(**{f"{lookup}__iregex": rf"^\s*({alternatives})\s*$"}) if alternatives else Q(pk__in=[])
