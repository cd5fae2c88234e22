"""A comparison of two reports in words and tables."""

from __future__ import annotations

from segmentation.evaluation.reporting.comparison import CategoryChange, Change, Comparison
from segmentation.evaluation.reporting.markdown import figure, signed, table


def comparison_lines(found: Comparison) -> list[str]:
    """The overall figures for a terminal."""
    return [
        f"{'':<28} {'before':>8} {'after':>8} {'change':>8}",
        *(f"{one.name:<28} {figure(one.before):>8} {figure(one.after):>8} {_change(one):>8}" for one in found.figures),
        _chance(found),
    ]


def comparison_section(found: Comparison, chart: str | None) -> str:
    """The report's section about it.

    Args:
        found: The comparison.
        chart: File of the before-and-after chart, relative to the report, where there is one.
    """
    names = f"Before is `{found.before.checkpoint}`, after is `{found.after.checkpoint}`."
    parts = [f"## Against {found.before.checkpoint}", f"{names} {_chance(found)}"]
    rows = [(one.name, figure(one.before), figure(one.after), _change(one)) for one in found.figures]
    parts.append(table(("figure", "before", "after", "change"), rows))
    if chart is not None:
        parts.append(f"![Sensitivity per category before and after]({chart})")
        parts.append(
            "Numbers behind a name are garments in training and in validation. Where validation has few, one garment "
            "more or less moves the point far."
        )
    header = ("category", "train", "val", "mask AP before", "after", "change", "sensitivity before", "after", "change")
    ranked = sorted(found.categories, key=_rise, reverse=True)
    parts.append(table(header, [_row(one) for one in ranked]))
    return "\n\n".join(parts)


def _rise(one: CategoryChange) -> float:
    return 0.0 if one.mask_ap.difference is None else one.mask_ap.difference


def _row(one: CategoryChange) -> tuple[str, ...]:
    counts = ("–" if one.n_train is None else str(one.n_train), str(one.n_val))
    values = [
        text for change in (one.mask_ap, one.sensitivity) for text in (figure(change.before), figure(change.after))
    ]
    return (one.name, *counts, *values[:2], _change(one.mask_ap), *values[2:], _change(one.sensitivity))


def _change(one: Change) -> str:
    return signed(one.difference)


def _chance(found: Comparison) -> str:
    """Whether the difference of the Kaggle score may be chance."""
    if found.kaggle_difference is None or found.kaggle_interval is None:
        return "The two reports have no photo in common: their figures cannot be compared."
    low, high = found.kaggle_interval
    sentence = (
        f"On the {found.n_common_photos} photos of both, the Kaggle score changes by "
        f"{signed(found.kaggle_difference, 4)} (95 % interval {signed(low, 4)} to "
        f"{signed(high, 4)}, paired bootstrap over photos): "
    )
    sentence += "chance alone may explain that." if low <= 0 <= high else "more than chance explains."
    if not found.is_of_same_photos:
        sentence += " The reports are of different photos, so the other figures are not comparable."
    return sentence
