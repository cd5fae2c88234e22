"""What an address names: a product by its retailer's own id, within what the caller may see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from catalog.access.caller import visible_retailer, written_retailer
from catalog.api.access import caller_of
from catalog.api.problems import ProblemError, not_found, sentence
from catalog.errors import (
    CatalogError,
    IdempotencyKeyReused,
    ImageNotFound,
    ImageRefused,
    ImportEnded,
    ImportNotFound,
    InvalidProduct,
    InvalidRetailer,
    ProductNotFound,
    RetailerExists,
    RetailerNotFound,
    RetailerRequired,
    StorageUnavailable,
    TooManyImages,
    TooManyImports,
)
from catalog.models import Product, Retailer
from catalog.selectors import get_product

PRODUCT_ID = OpenApiParameter(
    "product_id",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="The retailer's own product id. Callers that belong to no retailer name it by `retailer`; without it, "
    "they give our key.",
)


class RetailerQuery(serializers.Serializer[Any]):
    """Query parameters of what belongs to a retailer."""

    retailer = serializers.SlugField(
        required=False, help_text="Slug of the retailer; a key that belongs to one needs not name it."
    )


def seen_retailer(request: Request, slug: str | None) -> Retailer | None:
    """The one retailer whose records the request reads; None for all of them.

    Raises:
        RetailerNotFound: There is none, or it is another's.
    """
    return visible_retailer(caller_of(request), slug)


def changed_retailer(request: Request, slug: str | None) -> Retailer:
    """The retailer whose records the request writes.

    Raises:
        RetailerNotFound: There is none, or it is another's.
        RetailerRequired: The caller belongs to none and named none.
    """
    return written_retailer(caller_of(request), slug)


def addressed_product(request: Request, product_id: str, slug: str | None, *, also_withdrawn: bool = False) -> Product:
    """The product on sale, or once on sale, that an address names, its retailer and images loaded along.

    Raises:
        RetailerNotFound, ProductNotFound: There is none, or it is another retailer's.
    """
    retailer = seen_retailer(request, slug)
    return get_product(product_id, None if retailer is None else retailer.slug, also_withdrawn=also_withdrawn)


def changed_product(request: Request, product_id: str, slug: str | None) -> Product:
    """Likewise, to be written: rights are the view's, and what may be seen may be changed with them."""
    return addressed_product(request, product_id, slug)


@contextmanager
def answering_problems() -> Iterator[None]:
    """Turns the catalog's errors into refusals.

    Raises:
        ProblemError: See `_REFUSALS`.
    """
    try:
        yield
    except (RetailerNotFound, ProductNotFound) as error:
        raise not_found(error) from error
    except InvalidProduct as error:
        raise ProblemError(400, "invalid_parameter", sentence(error), field=error.field) from error
    except ImageRefused as error:
        raise ProblemError(400, error.code, f"The image {error}.", field="image") from error
    except tuple(_REFUSALS) as error:
        status, code, field = _REFUSALS[type(error)]
        raise ProblemError(status, code, sentence(error), field=field) from error


_REFUSALS: dict[type[CatalogError], tuple[int, str, str | None]] = {
    RetailerRequired: (400, "retailer_required", "retailer"),
    InvalidRetailer: (400, "invalid_parameter", "slug"),
    RetailerExists: (409, "retailer_exists", "slug"),
    ImageNotFound: (404, "not_found", None),
    ImportNotFound: (404, "not_found", None),
    TooManyImages: (409, "too_many_images", None),
    TooManyImports: (409, "too_many_imports", None),
    StorageUnavailable: (503, "storage_unavailable", None),
    ImportEnded: (409, "import_ended", None),
    IdempotencyKeyReused: (422, "idempotency_key_reused", None),
}
