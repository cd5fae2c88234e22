"""Counts searches for trends: what shoppers looked for, and whether there was a good match. The photo is not kept."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.models import Retailer
from search.models import SearchedGarment, SearchLog
from search.results import SearchResult


def log_search(result: SearchResult, space_id: int, retailer: Retailer | None) -> None:
    """Stores one search: a row for each garment, or for the whole where there was none. Call it in a transaction.

    Args:
        result: What was answered.
        space_id: Key of the record of the space that was searched.
        retailer: Whose products alone were searched.
    """
    garments = [found for found in result.objects if found.kind == "garment"]
    counted = garments if garments else list(result.objects)
    log = SearchLog.objects.create(
        search_id=result.search_id,
        created_at=datetime.now(UTC),
        retailer=retailer,
        space_id=space_id,
        segmenter_version=result.model_version,
        n_garments=len(garments),
        source=result.source,
        image_id=result.image_id,
        has_match=any(found.verdict != "none" for found in counted),
    )
    SearchedGarment.objects.bulk_create(
        SearchedGarment(
            search=log,
            category_id=found.descriptor.category_id,
            score=found.descriptor.score,
            color_name=found.descriptor.color.name,
            verdict=found.verdict,
        )
        for found in counted
    )
