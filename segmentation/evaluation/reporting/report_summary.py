"""The first paragraph of a report: what a person should know, and look at, first."""

from __future__ import annotations

from segmentation.evaluation.categories import FEW_GARMENTS
from segmentation.evaluation.confusion import NOTHING
from segmentation.evaluation.reporting.markdown import figure, percent
from segmentation.evaluation.reporting.report import Report
from segmentation.taxonomy import CATEGORIES

_N_CONFUSIONS = 6
_N_WEAKEST = 4


def summary(report: Report) -> str:
    """The report in a few sentences."""
    annotated = [row for row in report.categories if row.n_val]
    trained = "" if report.n_train_garments is None else f"; {report.n_train_garments:,} in the training annotations"
    low, high = report.kaggle_interval
    lines = [
        f"{report.n_garments:,} garments of {len(annotated)} categories{trained}.",
        "",
        *_warnings(report),
        f"- **Mask AP {figure(report.mask.ap)}** (AP50 {figure(report.mask.ap50)}, AP75 {figure(report.mask.ap75)}); "
        f"{figure(report.mask_ap_common)} over the categories with at least {FEW_GARMENTS} garments here.",
        f"- Kaggle score {figure(report.kaggle)} (95 % interval {figure(low)} to {figure(high)}).",
        f"- At the operating point it finds {percent(report.sensitivity)} of the garments, and "
        f"{percent(report.precision)} of what it shows is right.",
        f"- {report.speed.median_ms:.0f} ms a photo on {report.speed.device}.",
        *_first_looks(report),
    ]
    return "\n".join(lines)


def _warnings(report: Report) -> list[str]:
    if not report.n_shared_photos:
        return []
    return [
        f"- **{report.n_shared_photos} of these photos are in the training annotations too.** A model trained on them "
        "looks better here than it is."
    ]


def _first_looks(report: Report) -> list[str]:
    lines = []
    errors = sorted(report.errors.items(), key=lambda item: -item[1])
    if errors and errors[0][1]:
        listed = ", ".join(f"{kind} {count}" for kind, count in errors if count)
        lines.append(f"- Errors by kind: {listed}.")
    confusions = common_confusions(report)[:3]
    if confusions:
        listed = ", ".join(f"{true} for {found} ({n} of {of})" for true, found, n, of in confusions)
        lines.append(f"- Most often mistaken: {listed}.")
    known = [(row.mask_ap, row.name) for row in report.categories if row.mask_ap is not None and not row.has_few]
    if len(known) > _N_WEAKEST:
        listed = ", ".join(f"{name.partition(',')[0]} {ap:.2f}" for ap, name in sorted(known)[:_N_WEAKEST])
        lines.append(f"- Weakest of the categories with enough garments (mask AP): {listed}.")
    return lines


def common_confusions(report: Report) -> list[tuple[str, str, int, int]]:
    """Which categories are mistaken most often: annotated, predicted, how often, of how many garments."""
    pairs = [
        (CATEGORIES[row].name.partition(",")[0], CATEGORIES[column].name.partition(",")[0], count, sum(counts))
        for row, counts in enumerate(report.confusion[:NOTHING])
        for column, count in enumerate(counts[:NOTHING])
        if count and row != column
    ]
    return sorted(pairs, key=lambda pair: -pair[2])[:_N_CONFUSIONS]
