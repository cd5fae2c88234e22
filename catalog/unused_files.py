"""Copies of images that no record needs any more. Several products, also of several retailers, may share one."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.files.storage import default_storage

from catalog.models import FetchedUrl, ProductImage

NAMES_A_QUERY = 500


def files_of(images: Iterable[ProductImage]) -> set[str]:
    """The names of images' copies; ask before the records are deleted."""
    return {str(image.file) for image in images if image.file}


def remove_unused(names: Iterable[str]) -> int:
    """Removes those files that no image uses, and what is remembered of their download; returns how many.

    Call it when the deletion of the records is committed: a file that is lost stays lost.
    """
    n_removed = 0
    wanted = sorted(set(names) - {""})
    for start in range(0, len(wanted), NAMES_A_QUERY):
        some = wanted[start : start + NAMES_A_QUERY]
        used = set(ProductImage.objects.filter(file__in=some).values_list("file", flat=True))
        unused = [name for name in some if name not in used]
        FetchedUrl.objects.filter(file__in=unused).delete()
        for name in unused:
            default_storage.delete(name)
        n_removed += len(unused)
    return n_removed
