"""The resource of a product's images. Each view reads its parameters, calls one body and formats."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.access import audit
from catalog.api.addressing import PRODUCT_ID, RetailerQuery, addressed_product, answering_problems, changed_product
from catalog.api.conditional import IF_NONE_MATCH, answer
from catalog.api.fields import TextField
from catalog.api.json_bodies import BoundedJSONParser
from catalog.api.parameters import asked
from catalog.api.problems import ProblemError, documented
from catalog.api.serializers import ProductImageSerializer, product_path
from catalog.limits import LINK_CHARS
from catalog.models import ProductImage
from catalog.products.images import MAX_IMAGES, add_image, delete_image, get_image, move_image
from catalog.upkeep import NOBODY_FOLLOWS, Upkeep

IMAGE_ID = OpenApiParameter(
    "image_id", OpenApiTypes.INT, OpenApiParameter.PATH, description="The image's `id`, as the list gives it."
)


def _position(**kwargs: Any) -> serializers.IntegerField:
    help_text = "Its place: 0 is the main image, the others move back."
    return serializers.IntegerField(min_value=0, max_value=MAX_IMAGES - 1, help_text=help_text, **kwargs)


FROM_THE_WEB = OpenApiExample(
    "An image on the web",
    value={"url": "https://shop.example/images/mj07-blue.jpg", "position": 0},
    request_only=True,
    media_type="application/json",
)
TO_THE_FRONT = OpenApiExample("The main image from now on", value={"position": 0}, request_only=True)


class ImageMove(serializers.Serializer[Any]):
    """Where an image goes."""

    position = _position()


class ImageLink(serializers.Serializer[Any]):
    """An image on the web."""

    url = TextField(max_length=LINK_CHARS, help_text="http or https address; it is fetched soon after.")
    position = _position(required=False)


class ImageForm(serializers.Serializer[Any]):
    """An image that is uploaded."""

    image = serializers.FileField(allow_empty_file=True, help_text="JPEG, PNG, WebP, HEIC or GIF.")
    position = _position(required=False)


class ImageListSerializer(serializers.Serializer[Any]):
    """A product's images."""

    results = ProductImageSerializer(many=True, help_text="The main image first.")


class ProductImageListView(APIView):
    """A product's images."""

    parser_classes = (MultiPartParser, BoundedJSONParser)
    upkeep: Upkeep = NOBODY_FOLLOWS

    @extend_schema(
        summary="List a product's images",
        description="With their status: pending ones are still to be fetched, failed ones say why.",
        parameters=[PRODUCT_ID, RetailerQuery, IF_NONE_MATCH],
        responses={200: ImageListSerializer, 304: None, **documented(400, 404)},
        tags=["products"],
        operation_id="product_images_list",
    )
    def get(self, request: Request, product_id: str) -> Response:
        """List."""
        wanted = asked(RetailerQuery, request.query_params.dict())
        with answering_problems():
            product = addressed_product(request, product_id, wanted.get("retailer"))
        shown = ProductImageSerializer(product.images.all(), many=True, context={"request": request}).data
        return answer(request, {"results": shown})

    @extend_schema(
        summary="Add an image",
        description="Upload a file, or send JSON with its `url`. What it is, its content says, not its name.",
        parameters=[PRODUCT_ID, RetailerQuery],
        request={"multipart/form-data": ImageForm, "application/json": ImageLink},
        examples=[FROM_THE_WEB],
        responses={201: ProductImageSerializer, **documented(400, 404, 409, 413, 415, 503)},
        tags=["products"],
        operation_id="product_images_create",
    )
    def post(self, request: Request, product_id: str) -> Response:
        """Add it."""
        wanted = asked(RetailerQuery, request.query_params.dict())
        image, position = _given_image(request)
        with answering_problems(), transaction.atomic():
            product = changed_product(request, product_id, wanted.get("retailer"))
            added = add_image(product, image, position, upkeep=self.upkeep)
            audit(request, "image.create", product.external_id, retailer=product.retailer, detail={"image": added.pk})
        path, _, query = product_path(product).partition("?")
        location = request.build_absolute_uri(f"{path}/images/{added.pk}?{query}")
        return Response(_shown(request, added), status=201, headers={"Location": location})


class ProductImageView(APIView):
    """One image of a product."""

    parser_classes = (BoundedJSONParser,)
    upkeep: Upkeep = NOBODY_FOLLOWS

    @extend_schema(
        summary="Get an image",
        parameters=[PRODUCT_ID, IMAGE_ID, RetailerQuery],
        responses={200: ProductImageSerializer, **documented(400, 404)},
        tags=["products"],
        operation_id="product_images_retrieve",
    )
    def get(self, request: Request, product_id: str, image_id: str) -> Response:
        """Show it."""
        wanted = asked(RetailerQuery, request.query_params.dict())
        with answering_problems():
            product = addressed_product(request, product_id, wanted.get("retailer"))
            return Response(_shown(request, get_image(product, int(image_id))))

    @extend_schema(
        summary="Move an image",
        parameters=[PRODUCT_ID, IMAGE_ID, RetailerQuery],
        request=ImageMove,
        examples=[TO_THE_FRONT],
        responses={200: ProductImageSerializer, **documented(400, 404)},
        tags=["products"],
        operation_id="product_images_move",
    )
    def patch(self, request: Request, product_id: str, image_id: str) -> Response:
        """Put it at another place."""
        wanted = asked(RetailerQuery, request.query_params.dict())
        to = asked(ImageMove, request.data)
        with answering_problems(), transaction.atomic():
            product = changed_product(request, product_id, wanted.get("retailer"))
            moved = move_image(product, int(image_id), to["position"], upkeep=self.upkeep)
            audit(request, "image.move", product.external_id, retailer=product.retailer, detail={"image": moved.pk})
        return Response(_shown(request, moved))

    @extend_schema(
        summary="Delete an image",
        description="The next one takes its place. A feed that names it brings it back.",
        parameters=[PRODUCT_ID, IMAGE_ID, RetailerQuery],
        responses={204: None, **documented(404)},
        tags=["products"],
        operation_id="product_images_delete",
    )
    def delete(self, request: Request, product_id: str, image_id: str) -> Response:
        """Delete it."""
        wanted = asked(RetailerQuery, request.query_params.dict())
        with answering_problems(), transaction.atomic():
            product = changed_product(request, product_id, wanted.get("retailer"))
            delete_image(product, int(image_id), upkeep=self.upkeep)
            audit(request, "image.delete", product.external_id, retailer=product.retailer, detail={"image": image_id})
        return Response(status=204)


def _given_image(request: Request) -> tuple[bytes | str, int | None]:
    """An upload's bytes, or an address; and the place it goes to."""
    if not (request.content_type or "").startswith("multipart/"):
        link = asked(ImageLink, request.data)
        return link["url"], link.get("position")
    sent: Any = request.data
    form = asked(ImageForm, sent.dict())
    upload = form["image"]
    limit = settings.SELVEDGE_MAX_UPLOAD_BYTES
    if upload.size > limit:
        detail = f"The image has {upload.size:,} bytes; at most {limit:,} are taken."
        raise ProblemError(413, "file_too_large", detail, field="image")
    if not upload.size:
        raise ProblemError(400, "empty_file", "The image's file is empty.", field="image")
    return bytes(upload.read()), form.get("position")


def _shown(request: Request, image: ProductImage) -> dict[str, Any]:
    return dict(ProductImageSerializer(image, context={"request": request}).data)
