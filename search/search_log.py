"""Counts searches for trends: what shoppers looked for, and whether there was a good match. The photo is not kept."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from catalog.models import Retailer
from search.models import SearchedGarment, SearchLog, Space
from search.results import SearchResult
from segmentation.checkpoint import SpaceInfo


@transaction.atomic
def log_search(result: SearchResult, space: SpaceInfo, retailer: Retailer | None) -> None:
    """Stores one search: a row for each garment, or for the whole where there was none."""
    garments = [found for found in result.objects if found.kind == "garment"]
    log = SearchLog.objects.create(
        search_id=result.search_id,
        created_at=datetime.now(UTC),
        retailer=retailer,
        space=Space.objects.get_or_create(name=space.name, defaults={"dim": space.dim})[0],
        segmenter_version=result.model_version,
        n_garments=len(garments),
    )
    SearchedGarment.objects.bulk_create(
        SearchedGarment(
            search=log,
            category_id=found.descriptor.category_id,
            score=found.descriptor.score,
            color_name=found.descriptor.color.name,
            verdict=found.verdict,
        )
        for found in (garments if garments else result.objects)
    )
