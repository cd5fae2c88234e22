"""`manage.py calibrate_scores`: what a similarity is worth, fitted and written where searches read it."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from search.errors import BenchmarkError, SearchError
from search.evaluation.calibrating import Fitted, fit_scores, read_pairs
from search.evaluation.confidence import Pairs
from search.evaluation.evaluation import evaluate
from search.evaluation.reporting.charts import reliability_chart
from search.index.base import VectorIndexError
from search.management.evaluating import (
    add_benchmark_options,
    add_checkpoint_options,
    asked_checkpoints,
    evaluation_bars,
    read_asked_benchmark,
)
from search.models import Space
from search.spaces import find_space
from segmentation.calibration_fit import ABSENT_SHARE
from segmentation.checkpoint_header import rewrite_header
from segmentation.errors import SegmentationError
from segmentation.evaluation.reporting.charts import save
from workers.errors import WorkersError
from workers.model_files import CheckpointPair, find_pair


class Command(BaseCommand):
    """Parses, calls `evaluate` and `fit_scores`, writes the calibration, prints reliability."""

    help = (
        "Fit probabilities and verdicts to the answers of a benchmark (--benchmark) or to pairs that training held out "
        "(--pairs), and write them into a space (--space) or an embedder checkpoint (--embedder FILE --out FILE)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares the options."""
        add_benchmark_options(parser, required=False)
        add_checkpoint_options(parser)
        add = parser.add_argument
        add("--pairs", type=Path, metavar="FILE", help="pairs.npz of train_embedder, instead of a benchmark")
        add("--space", help="write into this space's record: its name, its hash, serving, or new")
        add("--out", type=Path, metavar="FILE", help="write an embedder checkpoint with the calibration here")
        add("--plot", type=Path, metavar="FILE.png", help="draw reliability before and after")
        share = (
            "of queries whose product is not sold, at most this share is answered with 'similar' (default %(default)g)"
        )
        add("--absent-share", type=float, default=ABSENT_SHARE, metavar="SHARE", help=share)

    def handle(self, *args: Any, **options: Any) -> None:
        """Fits, writes, reports."""
        _check(options)
        try:
            space = None if options["space"] is None else find_space(options["space"])
            checkpoints = asked_checkpoints(options) if space is None else find_pair(space.name)
            fitted = fit_scores(self._pairs(options, checkpoints), absent_share=options["absent_share"])
            content = fitted.calibration.to_mapping()
            if space is not None:
                Space.objects.filter(pk=space.pk).update(calibration=content)
            if options["out"] is not None:
                rewrite_header(checkpoints.embedder, options["out"], kind="embedder", metrics={"calibration": content})
            if options["plot"] is not None:
                bins = {"similarity": fitted.before, "score (held out)": fitted.after}
                save(reliability_chart(bins), options["plot"])
            self.stdout.write("\n".join(_lines(fitted)))
        except (SearchError, CatalogError, VectorIndexError, WorkersError, SegmentationError, OSError) as error:
            raise CommandError(str(error)) from error

    def _pairs(self, options: dict[str, Any], checkpoints: CheckpointPair) -> Pairs:
        if options["pairs"] is not None:
            return read_pairs(options["pairs"])
        with tempfile.TemporaryDirectory(prefix="selvedge-pictures-") as pictures:
            benchmark = read_asked_benchmark(options, Path(pictures))
            with evaluation_bars(shown=options["verbosity"] > 0) as show:
                pairs = evaluate(benchmark, checkpoints, cache=options["cache"], on_progress=show).pairs
        if not len(pairs.scores):
            raise BenchmarkError(f"{benchmark.name}: no query has an answer.")
        return pairs


def _check(options: dict[str, Any]) -> None:
    if (options["benchmark"] is None) == (options["pairs"] is None):
        raise CommandError("Give either --benchmark or --pairs.")
    if (options["space"] is None) == (options["out"] is None):
        raise CommandError("Give either --space, or --out for a checkpoint.")
    if options["space"] is not None and (options["embedder"] is not None or options["segmenter"] is not None):
        raise CommandError("A space has its own checkpoints: leave --segmenter and --embedder out.")
    if not 0.0 < options["absent_share"] < 1.0:
        raise CommandError("--absent-share must lie between 0 and 1.")


def _lines(fitted: Fitted) -> list[str]:
    calibration, figures = fitted.calibration, fitted.calibration.figures
    return [
        f"{figures['n_pairs']:.0f} pairs, {figures['n_same']:.0f} of one product",
        f"similarity as a score:  ECE {fitted.before.ece:.3f}  Brier {fitted.before.brier:.3f}",
        f"calibrated (held out):  ECE {fitted.after.ece:.3f}  Brier {fitted.after.brier:.3f}",
        f"exact from {calibration.exact_score:.2f}: {figures['same_reaching_exact']:.0%} of right answers, "
        f"{figures['absent_reaching_exact']:.0%} of best answers where the product is not sold",
        f"similar from {calibration.similar_score:.2f}: {figures['same_reaching_similar']:.0%} of right answers, "
        f"{figures['absent_reaching_similar']:.0%} of best answers where the product is not sold",
    ]
