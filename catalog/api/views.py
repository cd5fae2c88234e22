"""The catalog's resources. Each view reads its parameters, asks one selector and formats."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.pagination import PageNumberPagination

from catalog import selectors
from catalog.api.parameters import asked
from catalog.api.problems import documented, not_found
from catalog.api.serializers import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    ProductDetailSerializer,
    ProductListQuery,
    ProductQuery,
    ProductSerializer,
    RetailerSerializer,
)
from catalog.errors import ProductNotFound, RetailerNotFound
from catalog.models import Product, Retailer


class ProductPages(PageNumberPagination):
    """Pages of products, by number."""

    page_size = DEFAULT_LIMIT
    page_size_query_param = "limit"
    max_page_size = MAX_LIMIT


@extend_schema_view(
    get=extend_schema(
        summary="List products",
        description="Products on sale, oldest first.",
        parameters=[ProductListQuery],
        responses={200: ProductSerializer(many=True), **documented(400, 404)},
        tags=["catalog"],
        operation_id="products_list",
    )
)
class ProductListView(generics.ListAPIView[Product]):
    """All products, filtered and in pages."""

    serializer_class = ProductSerializer
    pagination_class = ProductPages
    queryset = Product.objects.none()

    def get_queryset(self) -> QuerySet[Product]:
        """The products that were asked for."""
        wanted = asked(ProductListQuery, self.request.query_params.dict())
        try:
            return selectors.products(
                retailer_slug=wanted.get("retailer"), query=wanted["q"], in_stock=wanted["in_stock"]
            )
        except RetailerNotFound as error:
            raise not_found(error) from error


@extend_schema_view(
    get=extend_schema(
        summary="Get one product",
        parameters=[
            OpenApiParameter(
                "product_id",
                OpenApiTypes.STR,
                OpenApiParameter.PATH,
                description="Our key, or with `retailer` the retailer's own product id.",
            ),
            ProductQuery,
        ],
        responses={200: ProductDetailSerializer, **documented(400, 404)},
        tags=["catalog"],
        operation_id="products_retrieve",
    )
)
class ProductDetailView(generics.RetrieveAPIView[Product]):
    """One product with its images and all that its feed told."""

    serializer_class = ProductDetailSerializer
    queryset = Product.objects.none()

    def get_object(self) -> Product:
        """The product in the address."""
        wanted = asked(ProductQuery, self.request.query_params.dict())
        try:
            return selectors.get_product(self.kwargs["product_id"], wanted.get("retailer"))
        except (RetailerNotFound, ProductNotFound) as error:
            raise not_found(error) from error


@extend_schema_view(
    get=extend_schema(
        summary="List retailers",
        description="All retailers by slug, with their number of products on sale.",
        tags=["catalog"],
        operation_id="retailers_list",
    )
)
class RetailerListView(generics.ListAPIView[Retailer]):
    """All retailers."""

    serializer_class = RetailerSerializer
    pagination_class = None
    queryset = Retailer.objects.none()

    def get_queryset(self) -> QuerySet[Retailer]:
        """All retailers, counted."""
        return selectors.retailers()
