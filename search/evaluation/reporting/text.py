"""A search report in words: lines for a terminal, Markdown for a folder."""

from __future__ import annotations

from collections.abc import Mapping

from search.evaluation.confidence import Confidence
from search.evaluation.evaluation import MeasureReport, Report
from search.evaluation.figures import RANKS, Figures
from segmentation.evaluation.reporting.markdown import figure, percent, table

MEANINGS: Mapping[str, str] = {
    "photo": "the whole photo is searched as `/api/search` does; results of all its garments (in the query's box) in "
    "one list by score",
    "tapped": "likewise, only the results of the garment that was meant, as when a shopper taps on it; missed where it "
    "was not found",
    "box": "the query's box is sent along as `box`, as when a shopper draws it",
    "embedding": "no segmentation: the crop of the box against the catalog's pictures as wholes, compared exactly",
}
_HEADER = (
    "queries",
    "n",
    "missed",
    *(f"recall@{k}" for k in RANKS),
    "95 % of recall@1",
    "mAP@10",
    *(f"same color @{k}" for k in RANKS),
)


def summary_lines(report: Report) -> list[str]:
    """The figures a person looks at first, one line each."""
    lines = [
        f"{report.benchmark}: {report.n_queries} queries, {report.n_catalog} products",
        f"space {report.space} (segmenter {report.segmenter_version}, embedder {report.embedder_version})",
        "",
        f"{'measure':<10} {'queries':<12} {'n':>5} {'missed':>6}  {'@1':>5} {'@5':>5} {'@10':>5}  {'mAP@10':>6}",
    ]
    for name, measure in report.measures.items():
        for kind, figures in {"all": measure.all, **measure.by_kind}.items():
            recalls = " ".join(f"{figures.recall_at[k]:>5.3f}" for k in RANKS)
            counts = f"{figures.n_queries:>5} {figures.n_missed:>6}"
            lines.append(f"{name:<10} {kind[:12]:<12} {counts}  {recalls}  {figures.map_at_10:>6.3f}")
    total = report.milliseconds["total"]
    lines += [
        "",
        f"index against exact search: recall@10 {report.index_recall_at_10:.4f}",
        f"a query: {total['p50']:.0f} ms (p95 {total['p95']:.0f})",
    ]
    if report.confidence is not None:
        best = report.confidence.best
        lines.append(f"scores of the best answers: ECE {best.ece:.3f}, Brier {best.brier:.3f}")
    return lines


def report_text(report: Report, files: Mapping[str, str], *, command: str) -> str:
    """The report as Markdown.

    Args:
        report: The figures.
        files: File names of the charts and pictures there are, by name: `recall`, `reliability`, `good`, `bad`.
        command: What makes this report again.
    """
    parts = [
        f"# Search on {report.benchmark}",
        f"{report.n_queries} queries, {report.n_catalog} products. Space `{report.space}`: segmenter "
        f"`{report.segmenter_version}`, embedder `{report.embedder_version}`.",
        f"`{command}`",
    ]
    for name, measure in report.measures.items():
        parts += [f"## {name}", f"What is measured: {MEANINGS[name]}.", _measure_table(measure)]
        if name == "photo":
            parts += _image("recall", files)
    parts += ['Recall counts any color of the product, "same color" the same product in the same color alone.']
    parts += ["## Time and index", _time_table(report)]
    parts += [f"The published index returns {percent(report.index_recall_at_10)} of what an exact search returns."]
    if report.confidence is not None:
        parts += ["## Scores and verdicts", _confidence_text(report.confidence), *_image("reliability", files)]
    parts += ["## Queries", *_sheet("good", "The right product came first.", files)]
    parts += _sheet("bad", "Nothing right among the first ten.", files)
    return "\n\n".join(parts) + "\n"


def _measure_table(measure: MeasureReport) -> str:
    groups = {"all": measure.all, **measure.by_kind, **measure.by_category}
    return table(_HEADER, [_row(name, figures) for name, figures in groups.items()])


def _row(name: str, figures: Figures) -> list[str]:
    low, high = figures.recall_interval[RANKS[0]]
    return [
        name,
        str(figures.n_queries),
        str(figures.n_missed),
        *(figure(figures.recall_at[k]) for k in RANKS),
        f"{low:.3f} – {high:.3f}",
        figure(figures.map_at_10),
        *(figure(figures.same_color_recall_at[k] if figures.n_same_color else None) for k in RANKS),
    ]


def _time_table(report: Report) -> str:
    rows = [[stage, f"{each['p50']:.1f}", f"{each['p95']:.1f}"] for stage, each in report.milliseconds.items()]
    return table(("stage", "p50 ms", "p95 ms"), rows)


def _confidence_text(confidence: Confidence) -> str:
    rows = [
        [verdict, str(n), percent(confidence.best_right[verdict]), str(confidence.absent_verdicts[verdict])]
        for verdict, n in confidence.best_verdicts.items()
    ]
    header = ("verdict", "best answers", "of them right", "best answers if the product were not sold")
    return (
        f"Best answers: ECE {confidence.best.ece:.3f}, Brier {confidence.best.brier:.3f}; all answers: ECE "
        f"{confidence.answers.ece:.3f}, Brier {confidence.answers.brier:.3f}.\n\n{table(header, rows)}"
    )


def _image(name: str, files: Mapping[str, str]) -> list[str]:
    return [f"![{name}]({files[name]})"] if name in files else []


def _sheet(name: str, words: str, files: Mapping[str, str]) -> list[str]:
    return [words, *_image(name, files)] if name in files else []
