"""A CSV that grows photo by photo and survives a kill at any moment."""

from __future__ import annotations

import csv
import errno
import io
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

Row = tuple[str, ...]


class PartialSubmission:
    """Rows of photos in a given order, in a file beside the final one, which appears when all of them are there.

    `n_done` says how many photos are written, `n_rows` how many rows, `problems` what was told about photos.
    """

    def __init__(self, out: Path, key: str, columns: Row, image_ids: Sequence[str]) -> None:
        """Open nothing yet.

        Args:
            out: The final file.
            key: Equal for runs that would write the same; what another key left is not gone on with.
            columns: The header.
            image_ids: All photos, in order.
        """
        self._out, self._columns, self._image_ids = out, columns, image_ids
        self._file = out.with_name(f"{out.name}.{key}.partial")
        self._told = out.with_name(f"{out.name}.{key}.problems.partial")
        self._stream: BinaryIO
        self.n_done, self.n_rows = 0, 0
        self.problems: tuple[str, ...] = ()

    def __enter__(self) -> PartialSubmission:
        """Go on after the last photo that is surely whole, or begin.

        Raises:
            OSError: The folder cannot be written to, or the final file is a folder.
        """
        if self._out.is_dir():
            raise IsADirectoryError(errno.EISDIR, "Is a directory", str(self._out))
        self._out.parent.mkdir(parents=True, exist_ok=True)
        end = self._recovered() if self._file.is_file() else 0
        self._stream = self._file.open("r+b" if end else "wb")
        self._stream.truncate(end)
        self._stream.seek(end)
        if not end:
            self._told.unlink(missing_ok=True)
            self._write([self._columns])
        elif self._told.is_file():
            done = set(self._image_ids[: self.n_done])
            lines = self._told.read_text(encoding="utf-8").splitlines()
            self.problems = tuple(dict.fromkeys(line for line in lines if line.split(": ")[0] in done))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; what is written stays for the next run."""
        self._stream.close()

    def add(self, rows: Sequence[Row], *, problem: str = "") -> None:
        """Write the rows of the next photo, one at least, and a line `ImageId: reason` where something was wrong."""
        if problem:
            self.problems = (*self.problems, problem)
            with self._told.open("a", encoding="utf-8") as stream:
                stream.write(f"{problem}\n")
        self._write(rows)
        self.n_done, self.n_rows = self.n_done + 1, self.n_rows + len(rows)

    def finish(self) -> None:
        """Put the file in its place, and remove what runs with other settings left."""
        self._stream.close()
        self._file.replace(self._out)
        for left in self._out.parent.glob(f"{self._out.name}.*.partial"):
            left.unlink()

    def _write(self, rows: Sequence[Row]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._stream.write(text.getvalue().encode("utf-8"))
        self._stream.flush()

    def _recovered(self) -> int:
        """The byte where the last photo's rows begin: it may have been cut off, so it is done again."""
        begins: list[int] = []
        rows_before: list[int] = []
        offset, last = 0, None
        with self._file.open("rb") as stream:
            for number, line in enumerate(stream):
                image_id = line.decode("utf-8", "replace").split(",", 1)[0].strip('"').replace('""', '"')
                if number > 0 and image_id != last:
                    if len(begins) >= len(self._image_ids) or image_id != self._image_ids[len(begins)]:
                        break  # the beginning of a name, or a name that holds a comma or a line's end
                    begins.append(offset)
                    rows_before.append(number - 1)
                    last = image_id
                offset += len(line)
        if not begins:
            return 0
        self.n_done, self.n_rows = len(begins) - 1, rows_before[-1]
        return begins[-1]
