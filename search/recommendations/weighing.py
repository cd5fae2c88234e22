"""Candidates for an alternative, weighed against the product they would stand for."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from catalog.models import Product
from search.neighbours import group_of
from search.ranking import Match
from search.recommendations.fitting import SizeFit, fit_size
from search.recommendations.reasons import Reason, reasons_for, same_brand
from search.recommendations.scoring import ScoreParts, price_ratio, score_parts
from search.recommendations.sizes import Sizes
from segmentation.calibration import Verdict


@dataclass(frozen=True, slots=True)
class Candidate:
    """One product that could be bought instead."""

    product: Product
    group: Hashable
    similarity: float | None
    verdict: Verdict
    garment_id: int | None
    is_same_item: bool
    fit: SizeFit
    ratio: float | None
    parts: ScoreParts

    @property
    def order(self) -> tuple[float, float, int]:
        """Best first; ties by the lower key."""
        return (-self.parts.score, -(0.0 if self.similarity is None else self.similarity), self.product.pk)

    def reasons(self, instead_of: Product) -> tuple[Reason, ...]:
        """Why it is offered."""
        return reasons_for(
            self.product,
            is_same_item=self.is_same_item,
            looks_alike=self.verdict != "none",
            size_code=self.fit.code,
            price_ratio=self.ratio,
            is_same_brand=same_brand(self.product, instead_of),
        )


@dataclass(frozen=True, slots=True)
class Weighing:
    """What alternatives are weighed against."""

    product: Product
    sizes: Sizes

    def weigh(self, product: Product, match: Match | None, *, is_same_item: bool) -> Candidate:
        """Scores one candidate.

        Args:
            product: The candidate.
            match: How it was found by its looks; None where its photos were not compared.
            is_same_item: Whether it is the same item in another color: that counts as wholly alike.
        """
        fit = fit_size(self.sizes, product.size)
        same_currency = bool(product.currency) and product.currency.upper() == self.product.currency.upper()
        ratio = price_ratio(product.effective_price, self.product.effective_price, same_currency=same_currency)
        likeness = 1.0 if is_same_item or match is None else match.similarity
        parts = score_parts(
            likeness=likeness,
            comes_in_size=fit.comes_in_it,
            price_ratio=ratio,
            is_same_brand=is_same_item or same_brand(product, self.product),
        )
        return Candidate(
            product,
            group_of(product.pk, product.retailer_id, product.item_group_id),
            None if match is None else match.similarity,
            "none" if match is None else match.verdict,
            None if match is None else match.garment_id,
            is_same_item,
            fit,
            ratio,
            parts,
        )


def best_of_groups(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each item group once, best first."""
    best: dict[Hashable, Candidate] = {}
    for each in candidates:
        known = best.get(each.group)
        if known is None or each.order < known.order:
            best[each.group] = each
    return sorted(best.values(), key=lambda each: each.order)
