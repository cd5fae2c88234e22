"""Started by torchrun in a test: a run in which one photo turns to NaN; each process writes what stopped it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from segmentation.data.coco import read_coco
from segmentation.data.loaders import Batch
from segmentation.errors import TrainingDiverged
from segmentation.training import run as run_module
from segmentation.training.distributed import joined_world
from segmentation.training.run import Listener, TrainingRun
from tests.tiny_training import ANNOTATIONS, tiny_config


def main(data: Path, out: Path, image_id: str) -> None:
    """Train, and write the error's words to `stopped-RANK.txt`."""
    loader = run_module.training_loader

    def poisoned(*arguments: Any, **options: Any) -> list[Batch]:
        batches = list(loader(*arguments, **options))
        for images, _, image_ids in batches:
            for image, each in zip(images, image_ids, strict=True):
                if each == image_id:
                    image[:] = float("nan")
        return batches

    run_module.training_loader = poisoned  # type: ignore[assignment]
    photos = read_coco(data / ANNOTATIONS, data / "images").photos
    with joined_world() as world:
        try:
            run = TrainingRun(tiny_config(), photos, photos[:2], out, world=world)
            run.train(Listener(lambda *_: None, lambda *_: None, lambda *_: None))
        except TrainingDiverged as error:
            (data / f"stopped-{world.rank}.txt").write_text(str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
