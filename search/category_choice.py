"""What a client means by a category: one class of the taxonomy, or a group of classes."""

from __future__ import annotations

from search.errors import UnknownCategory
from segmentation.taxonomy import CATEGORIES, find_category


def choose_category(text: str) -> frozenset[int]:
    """Reads a category's name, slug, id, or one of its words; or the name of a group (a super-category).

    Returns:
        The taxonomy ids that are meant.

    Raises:
        UnknownCategory: It is none of these.

    >>> sorted(choose_category("jacket")), sorted(choose_category("Arms-and-hands"))
    ([4], [17, 18])
    """
    category = find_category(text)
    if category is not None:
        return frozenset({category.id})
    group = " ".join(text.lower().replace("-", " ").split())
    members = frozenset(each.id for each in CATEGORIES if each.supercategory == group)
    if not members:
        raise UnknownCategory(f'there is no category "{text[:80]}"; /api/categories/ lists them and their groups')
    return members
