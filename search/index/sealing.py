"""A folder whose files can be trusted: a manifest with their checksums, whose own checksum the pointer names."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from search.index.base import IndexDamaged, SpaceMismatch
from search.index.delta_log import LOG_FILES
from search.index.snapshots import sync

FORMAT_VERSION = 2
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class BaseFacts:
    """What a base's manifest says besides its files.

    Attributes:
        space: Name of the vector space.
        dim: Length of a vector.
        count: How many rows the base holds.
        log_start: What the running checksum of its log starts from; 32 bytes, unlike any other base's.
    """

    space: str
    dim: int
    count: int
    log_start: bytes


def new_log_start() -> bytes:
    """Draw what a new base's log starts from."""
    return secrets.token_bytes(32)


def seal(folder: Path, facts: BaseFacts) -> str:
    """Write the manifest of a folder's files, force everything to the disk, and give the manifest's sha256."""
    files = [path for path in sorted(folder.iterdir()) if path.name not in (MANIFEST, *LOG_FILES)]
    manifest = {
        "format_version": FORMAT_VERSION,
        "space": facts.space,
        "dim": facts.dim,
        "count": facts.count,
        "log_start": facts.log_start.hex(),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {path.name: _sha256(path) for path in files},
    }
    content = (json.dumps(manifest, indent=2) + "\n").encode()
    (folder / MANIFEST).write_bytes(content)
    for path in (*files, folder / MANIFEST, folder):
        sync(path)
    return hashlib.sha256(content).hexdigest()


def check_sealed(folder: Path, manifest_sha256: str, space: str, dim: int) -> BaseFacts:
    """Check every byte of a sealed folder.

    Args:
        folder: The base's folder.
        manifest_sha256: The manifest's checksum, from the pointer.
        space: The space that it must hold.
        dim: The vector length that it must hold.

    Raises:
        IndexDamaged: A file is missing, cut short or altered, or of another format version.
        SpaceMismatch: It holds another space or another vector length.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
        if hashlib.sha256(content).hexdigest() != manifest_sha256:
            raise IndexDamaged(f"{folder / MANIFEST} was altered; rebuild the index")
        manifest = json.loads(content)
        version = manifest.get("format_version")
        if version != FORMAT_VERSION:
            raise IndexDamaged(
                f"{folder} has format version {version}, this release reads {FORMAT_VERSION}; rebuild the index"
            )
        if (manifest["space"], manifest["dim"]) != (space, dim):
            raise SpaceMismatch(
                f"{folder} holds space {manifest['space']} with dimension {manifest['dim']}, "
                f"asked for was {space} with dimension {dim}"
            )
        for name, checksum in manifest["files"].items():
            if _sha256(folder / name) != checksum:
                raise IndexDamaged(f"{folder / name} was cut short or altered; rebuild the index")
    except OSError as error:
        raise IndexDamaged(f"{folder} cannot be read ({error}); rebuild the index") from error
    return BaseFacts(space, dim, manifest["count"], bytes.fromhex(manifest["log_start"]))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
