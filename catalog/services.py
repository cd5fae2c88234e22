"""Writes to the catalog: imports a retailer's product feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug

from catalog.errors import FeedError, InvalidRetailer
from catalog.feed_import import FeedImport, Listeners
from catalog.feeds.detecting import open_feed
from catalog.feeds.rows import FeedRowError
from catalog.feeds.vocabulary import FeedDefaults
from catalog.image_sources import open_images
from catalog.import_summary import ImportSummary
from catalog.models import ImportJob, Retailer
from catalog.upkeep import Changing

__all__ = ["ImportSummary", "import_feed"]


def import_feed(
    retailer_slug: str,
    feed: Path,
    *,
    images_dir: Path | None = None,
    feed_format: str | None = None,
    mode: str = "full",
    allow_withdrawals: bool = False,
    currency: str = "",
    link_template: str = "",
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    on_errors: Callable[[Sequence[FeedRowError]], None] | None = None,
    on_chunk: Callable[[ImportSummary], None] | None = None,
    changing: Changing | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ImportSummary:
    """Bring a retailer's records in line with its feed: new and changed products are written, others left alone.

    Idempotent and resumable: the same feed again writes nothing; after a kill it resumes at the chunk it was in.
    A product whose image cannot be taken over is stored with that image `failed`; images on the web are left to the
    stage that fetches them (`catalog.downloads.stage`).

    Args:
        retailer_slug: The retailer; its record is made when missing.
        feed: A file in one of `catalog.feeds.detecting.FORMATS`, plain or gzip.
        images_dir: Folder or zip of the images that the feed names as files; None = the feed's folder.
        feed_format: One of `catalog.feeds.detecting.FORMATS`; None = told by the content.
        mode: "full": known products that the feed does not name are withdrawn (guarded); "delta": they stay.
        allow_withdrawals: Withdraw them without the guard.
        currency: ISO 4217 code of prices that name none (Shopify's); empty = such prices are row errors.
        link_template: Makes the links of products without one, such as "https://shop.example/products/{handle}".
        dry_run: Write nothing, neither records nor images.
        on_progress: Called with (bytes done, bytes of the feed, unpacked), often.
        on_errors: Called after each chunk with its row errors, all of them (the summary keeps `ERRORS_KEPT`).
        on_chunk: Called after each chunk, and once at the end, with the summary so far; `lines_done` of `n_lines`.
        changing: Entered around every write of known products that change, with their ids: for those who must follow,
            and may look at what is about to go.
        should_stop: Asked before each chunk; True ends the import (`ImportSummary.is_stopped`).

    Raises:
        FeedError: The feed cannot be read as a whole, an argument is unknown, or `images_dir` is neither folder nor
            zip. Nothing was written.
        InvalidRetailer: The slug holds more than letters, digits, hyphens and underscores, or over 50 of them.
    """
    _check_slug(retailer_slug)
    if mode not in ImportJob.Mode.values:
        raise FeedError(f'"{mode}" is none of {", ".join(ImportJob.Mode.values)}')
    source = open_feed(feed, feed_format, FeedDefaults(currency.upper(), link_template))
    files = open_images(feed.parent if images_dir is None else images_dir)
    listeners = Listeners(
        on_progress=_say_nothing if on_progress is None else on_progress,
        on_errors=_say_nothing if on_errors is None else on_errors,
        on_chunk=_say_nothing if on_chunk is None else on_chunk,
        changing=_unseen if changing is None else changing,
        should_stop=_never if should_stop is None else should_stop,
    )
    retailer = _retailer(retailer_slug, create=not dry_run)
    run = FeedImport(source, files, retailer, listeners, dry_run=dry_run)
    run.take_rows()
    if mode == ImportJob.Mode.FULL:
        run.take_off_sale(allow_withdrawals=allow_withdrawals)
    run.finish()
    return run.summary


def _check_slug(slug: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise InvalidRetailer(f'"{slug}": use letters, digits, hyphens and underscores') from error
    longest = Retailer._meta.get_field("slug").max_length
    if longest is not None and len(slug) > longest:
        raise InvalidRetailer(f'"{slug}" has {len(slug)} characters; at most {longest} are allowed')


def _retailer(slug: str, *, create: bool) -> Retailer | None:
    if not create:
        return Retailer.objects.filter(slug=slug).first()
    return Retailer.objects.get_or_create(slug=slug, defaults={"name": slug.replace("-", " ").title()})[0]


def _say_nothing(*_: object) -> None:
    """For listeners nobody gave."""


def _unseen(_: Sequence[int]) -> AbstractContextManager[None]:
    return nullcontext()


def _never() -> bool:
    return False
