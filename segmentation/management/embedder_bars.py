"""What `train_embedder` shows while it runs."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

from segmentation.metric_learning.run import EmbedderListener


class EmbedderBars:
    """One bar for the whole run, so that its ETA is the run's; one for each validation."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._validation: Any = None

    def listener(self) -> EmbedderListener:
        """For `EmbedderRun.train`."""
        return EmbedderListener(self._on_batch, self._on_epoch, self._on_validation)

    def close(self) -> None:
        """Leave the terminal tidy, also after an error."""
        for bar in (self._validation, self._bar):
            if bar is not None:
                bar.close()

    def _on_batch(self, done: int, total: int, losses: dict[str, float]) -> None:
        if self._bar is None:
            # Without smoothing: the mean rate knows of validation too, and the ETA with it.
            self._bar = tqdm(total=total, initial=done - 1, unit="batch", smoothing=0, dynamic_ncols=True)
        self._bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()}, refresh=False)
        self._bar.update(done - self._bar.n)

    def _on_validation(self, done: int, total: int) -> None:
        if self._validation is None:
            self._validation = tqdm(
                total=total, desc="validate", unit="crop", leave=False, position=1, dynamic_ncols=True
            )
        self._validation.update(done - self._validation.n)
        if done == total:
            self._validation.close()
            self._validation = None

    def _on_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        shown = {name: value for name, value in figures.items() if name.endswith(("_at_1", "_at_10"))}
        tqdm.write(f"epoch {epoch + 1}: " + ", ".join(f"{name} {value:.3f}" for name, value in shown.items()))
