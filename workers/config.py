"""Where the vision work runs, read from the environment. What the model is lives in its checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from segmentation.checkpoint import SHIPPED_EMBEDDER, SHIPPED_SEGMENTER

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class WorkersConfig:
    """One process's view of the queue and the model."""

    broker_url: str | None
    """`redis://host:6379/0`; None runs every task in the calling process."""
    segmenter: Path
    embedder: Path
    media_root: Path
    """Photos that travel by reference are read below this folder, and nowhere else."""
    models_dir: Path
    """Copies of the checkpoints of every space that was ever begun; shared by all who run models."""
    threads: int | None
    """CPU threads of the model; None lets torch choose."""
    visibility_timeout_s: int
    """When the broker hands an unacknowledged task to another worker. Longer than the longest batch takes."""
    result_expires_s: int
    """How long an answer nobody fetched stays in the broker."""
    connect_timeout_s: float
    """How long to wait for a connection to the broker."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> WorkersConfig:
        """Read the variables; blanks count as missing, as compose files pass them.

        Args:
            environ: Variables by name; None reads the process's own.

        Raises:
            ValueError: A number is not a number; the message names the variable.
        """
        env = os.environ if environ is None else environ
        data_dir = Path(text_of(env, "SELVEDGE_DATA_DIR", str(ROOT / "var")))
        threads = whole_number_of(env, "SELVEDGE_THREADS", 0)
        broker = text_of(env, "CELERY_BROKER_URL", "")
        return cls(
            broker_url=broker if broker else None,
            segmenter=Path(text_of(env, "SELVEDGE_SEGMENTER", str(SHIPPED_SEGMENTER))),
            embedder=Path(text_of(env, "SELVEDGE_EMBEDDER", str(SHIPPED_EMBEDDER))),
            media_root=Path(text_of(env, "SELVEDGE_MEDIA_ROOT", str(data_dir / "media"))).resolve(),
            models_dir=Path(text_of(env, "SELVEDGE_MODELS_DIR", str(data_dir / "models"))).resolve(),
            threads=threads if threads > 0 else None,
            visibility_timeout_s=whole_number_of(env, "SELVEDGE_VISIBILITY_TIMEOUT_S", 3600),
            result_expires_s=whole_number_of(env, "SELVEDGE_RESULT_EXPIRES_S", 600),
            connect_timeout_s=float(whole_number_of(env, "SELVEDGE_CONNECT_TIMEOUT_S", 2)),
        )


def text_of(env: Mapping[str, str], name: str, default: str) -> str:
    """The variable, or the default where it is missing or blank."""
    value = env.get(name, "").strip()
    return value if value else default


def whole_number_of(env: Mapping[str, str], name: str, default: int) -> int:
    """Likewise, as a number.

    Raises:
        ValueError: It is none; the message names the variable.
    """
    text = text_of(env, name, str(default))
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{name} must be a whole number, not {text!r}") from error
