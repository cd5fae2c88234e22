"""Training recipes at the same compute: the article's against ours, and what each ingredient of ours brings.

    python -m benchmarks.recipes --data DATA --mobilenet FILE --resnet FILE --minutes 25 --only article,ours
    python -m benchmarks.recipes --data DATA --mobilenet FILE --minutes 6 --only ablation --out runs/ablation
    python -m benchmarks.recipes --table --out runs/recipes

Every recipe trains from ImageNet weights for the same number of CPU minutes (summed over threads, validation not
counted): a probe measures what a batch of each of its stages costs, and its epochs are scaled to fit. Then its last
weights, not its best, are measured on the validation photos, once. A killed command goes on where it was; a recipe
that is finished is not run again.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from segmentation.config import SegmenterConfig
from segmentation.config_files import from_mapping, load_config, to_mapping
from segmentation.data.samplers import n_batches, photo_repeats
from segmentation.data.sources import read_splits
from segmentation.evaluation.coco_ap import evaluate_segmenter
from segmentation.segmenter import Segmenter
from segmentation.training.run import LAST, STATE, Listener, TrainingRun

RESULT = "result.json"
PROBED_BATCHES = 6


@dataclass(frozen=True)
class Recipe:
    """A configuration, with some of its values changed."""

    what: str
    config: str = "street"
    changes: Mapping[str, Any] = field(default_factory=dict)


ARTICLE = to_mapping(load_config("article", SegmenterConfig))
OURS = to_mapping(load_config("street", SegmenterConfig))
OUR_WEIGHTS = {name: OURS["model"][name] for name in ("backbone", "stride_in_1x1", "tf_same_padding")}
OUR_SPEED = {name: OURS["train"][name] for name in ("batch_size", "bf16", "rois_per_image")}
ARTICLE_RESIZING = {name: ARTICLE["model"][name] for name in ("resize", "interpolation")}
ARTICLE_OPTIMIZER = {name: ARTICLE["train"][name] for name in ("optimizer", "weight_decay", "stages")}
ARTICLE_REST = {name: ARTICLE["train"][name] for name in ("train_sides_px", "ema_decay", "loss_weights", "augment")}

COMPARED = {
    "article": Recipe("the article's recipe (ResNet-50-FPN)", "article"),
    "article_on_ours": Recipe("the article's recipe on our backbone (MobileNetV2)", "article", {"model": OUR_WEIGHTS}),
    "article_fast": Recipe(
        "the article's recipe on our model, with our speed-ups",
        changes={"model": ARTICLE_RESIZING, "train": {**ARTICLE_OPTIMIZER, **ARTICLE_REST, **OUR_SPEED}},
    ),
    "ours": Recipe("our recipe (MobileNetV2-FPN from stride 8)"),
}
RARE = ["tie", "glove", "watch", "scarf"]
ABLATION = {
    "ours": COMPARED["ours"],
    "seed": Recipe("ours, another seed (how much is chance)", changes={"train": {"seed": 18}}),
    "fp32": Recipe("float32 instead of bf16", changes={"train": {"bf16": False}}),
    "proposals": Recipe(
        "2,000 proposals, 512 RoIs and four samples a bin, as torchvision",
        changes={
            "model": {"rpn_pre_nms_train": 2000, "rpn_post_nms_train": 2000, "roi_sampling_ratio": 2},
            "train": {"rois_per_image": 512},
        },
    ),
    "sgd": Recipe("the article's SGD stages instead of AdamW with cosine", changes={"train": ARTICLE_OPTIMIZER}),
    "no_ema": Recipe("no weight averaging", changes={"train": {"ema_decay": 0.0}}),
    "squash": Recipe(
        "squashed to 512x512, one size", changes={"model": {"resize": "squash"}, "train": {"train_sides_px": [512]}}
    ),
    "plain": Recipe("plain instead of smooth resizing", changes={"model": {"interpolation": "plain"}}),
    "loss_weights": Recipe(
        "the article's loss weights", changes={"train": {"loss_weights": ARTICLE["train"]["loss_weights"]}}
    ),
    "augment": Recipe("the article's augmentations", changes={"train": {"augment": ARTICLE["train"]["augment"]}}),
    "copy_paste": Recipe("with copy-paste", changes={"train": {"augment": {"copy_paste": 0.5}}}),
    "repeat_factor": Recipe(
        "with repeat-factor sampling", changes={"train": {"sampling": {"repeat_factor_threshold": 0.1}}}
    ),
    "oversample": Recipe(
        "with four rare categories three times as often",
        changes={"train": {"sampling": {"oversample_categories": RARE, "oversample_factor": 3.0}}},
    ),
}
SETS = {"compared": COMPARED, "ablation": ABLATION}
RECIPES = {**ABLATION, **COMPARED}


def main() -> None:
    """Run the recipes asked for one after the other, each in its own process, and print the table."""
    options = _options()
    names = [name for part in options.only.split(",") for name in SETS.get(part, {part: None})]
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        sys.exit(f"no recipe {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    if options.inside:
        _run_one(names[0], options)
        return
    for name in names:
        if not options.table and not (options.out / name / RESULT).is_file():
            subprocess.run(
                [sys.executable, "-m", "benchmarks.recipes", *sys.argv[1:], "--only", name, "--inside"], check=True
            )
    _print_table(options.out, names)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with instances_train.json and instances_val.json")
    parser.add_argument("--mobilenet", type=Path, help="ImageNet weights of MobileNetV2")
    parser.add_argument("--resnet", type=Path, help="ImageNet weights of ResNet-50")
    parser.add_argument("--minutes", type=float, default=25.0, help="CPU minutes of each recipe")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="compared", help=f"compared, ablation, or of {','.join(RECIPES)}")
    parser.add_argument("--out", type=Path, default=Path("runs/recipes"))
    parser.add_argument("--table", action="store_true", help="only print what is finished")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _run_one(name: str, options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    out: Path = options.out / name
    planned = out / "planned.json"
    train, val = (found.photos for found in read_splits(options.data))
    recipe = RECIPES[name]
    if (out / STATE).is_file() and planned.is_file():
        config = from_mapping(SegmenterConfig, json.loads(planned.read_text()), where=planned.name)
    else:
        config = _planned(configured(recipe, options), train, val, options.minutes * 60)
        out.mkdir(parents=True, exist_ok=True)
        planned.write_text(json.dumps(to_mapping(config), indent=2))
    seen = _Clock()
    run = TrainingRun(config, train, val[:2], out, resume=(out / STATE).is_file())
    run.train(Listener(seen.on_batch, seen.on_epoch, seen.on_validation))
    segmenter, _ = Segmenter.from_file(out / LAST, bf16=config.train.bf16)
    report = evaluate_segmenter(segmenter, val)
    (out / RESULT).write_text(
        json.dumps(
            {
                "what": recipe.what,
                "images": run.progress.images_seen,
                "cpu_s": run.progress.cpu_s,
                "epochs": sum(stage.epochs for stage in config.train.stages),
                **asdict(report),
            },
            indent=2,
        )
    )


def configured(recipe: Recipe, options: argparse.Namespace) -> SegmenterConfig:
    """The recipe's configuration with its initial weights."""
    values = _merged(to_mapping(load_config(recipe.config, SegmenterConfig)), recipe.changes)
    weights = options.resnet if values["model"]["backbone"] == "resnet50" else options.mobilenet
    if weights is None:
        sys.exit(f"{recipe.what}: name the backbone's weights with --resnet or --mobilenet")
    values["train"]["initial_weights"] = str(weights)
    return from_mapping(SegmenterConfig, values, where=recipe.config)


def _merged(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, value in changes.items():
        merged[key] = _merged(values[key], value) if isinstance(values.get(key), dict) else value
    return merged


def _planned(config: SegmenterConfig, train: Any, val: Any, budget_s: float) -> SegmenterConfig:
    """Scale the stages' epochs so that training takes the budget."""
    n_full = n_batches(photo_repeats(train, config.train.sampling), config.train.batch_size)
    stages = config.train.stages
    seconds = [_batch_s(config, index, train, val) for index in range(len(stages))]
    as_written = sum(stage.epochs * n_full * each for stage, each in zip(stages, seconds, strict=True))
    scale = budget_s / as_written
    print(f"{config.name}: {', '.join(f'{each:.2f}' for each in seconds)} s a batch; epochs x {scale:.3f}")
    scaled = tuple(
        dataclasses.replace(stage, epochs=stage.epochs * scale, milestones=tuple(m * scale for m in stage.milestones))
        for stage in stages
    )
    return dataclasses.replace(config, train=dataclasses.replace(config.train, stages=scaled))


class _Probed(Exception):
    """Ends a probe."""


class _Clock:
    """CPU seconds after each batch; ends the run after `stop_after` batches."""

    def __init__(self, stop_after: int | None = None) -> None:
        self._stop_after = stop_after
        self.marks: list[float] = []

    def on_batch(self, *_: Any) -> None:
        self.marks.append(time.process_time())
        if self._stop_after is not None and len(self.marks) >= self._stop_after:
            raise _Probed

    def on_epoch(self, *_: Any) -> None:
        """Nothing: a run in the background shows no bar."""

    def on_validation(self, *_: Any) -> None:
        """Likewise."""


def _batch_s(config: SegmenterConfig, stage: int, train: Any, val: Any) -> float:
    """CPU seconds of one batch of a stage, the first ones left out."""
    only = dataclasses.replace(config.train.stages[stage], epochs=1.0, warmup_iterations=0, milestones=())
    probed = dataclasses.replace(config, train=dataclasses.replace(config.train, stages=(only,)))
    clock = _Clock(PROBED_BATCHES + 2)
    with tempfile.TemporaryDirectory() as scratch, contextlib.suppress(_Probed):
        TrainingRun(probed, train, val[:2], Path(scratch)).train(
            Listener(clock.on_batch, clock.on_epoch, clock.on_validation)
        )
    return (clock.marks[-1] - clock.marks[1]) / (len(clock.marks) - 2)


def _print_table(out: Path, names: list[str]) -> None:
    results = {name: json.loads((out / name / RESULT).read_text()) for name in names if (out / name / RESULT).is_file()}
    if not results:
        sys.exit(f"{out}: nothing is finished")
    first = next(iter(results.values()))
    print("\n| recipe | CPU min | images | mask AP | AP50 | box AP | mask AP / first |\n|---|---|---|---|---|---|---|")
    for each in results.values():
        ratio = f"{each['mask_ap'] / first['mask_ap']:.2f}x" if first["mask_ap"] > 0 else "first is 0"
        print(
            f"| {each['what']} | {each['cpu_s'] / 60:.1f} | {each['images']:,} | {each['mask_ap']:.4f} "
            f"| {each['mask_ap50']:.4f} | {each['box_ap']:.4f} | {ratio} |"
        )


if __name__ == "__main__":
    main()
