"""One way in to all layouts: a path and, where it cannot be told from it, the layout's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from search.errors import BenchmarkError
from search.evaluation.benchmark import Benchmark, check_benchmark
from search.evaluation.layouts.ccp_robust import find_ccp_robust, read_ccp_robust
from search.evaluation.layouts.deepfashion2 import find_deepfashion2, read_deepfashion2
from search.evaluation.layouts.inshop import find_inshop, read_inshop
from search.evaluation.layouts.lookbench import find_lookbench, read_lookbench
from search.evaluation.layouts.selvedge import find_selvedge, read_selvedge

AUTO = "auto"
_FINDERS: Mapping[str, Callable[[Path], Path | None]] = {
    # The first that finds something is taken; this project's own reads any JSON file, so it stands last.
    "ccp_robust": find_ccp_robust,
    "lookbench": find_lookbench,
    "deepfashion2": find_deepfashion2,
    "inshop": find_inshop,
    "selvedge": find_selvedge,
}
LAYOUTS = (AUTO, *sorted(_FINDERS))


def read_benchmark(path: Path, *, layout: str = AUTO, pictures: Path) -> Benchmark:
    """Read and check a benchmark.

    Args:
        path: A file or a folder, as the layout says.
        layout: One of `LAYOUTS`.
        pictures: A folder for pictures that are packed into the benchmark's files; made when it is needed.

    Raises:
        BenchmarkError: There is no such path, it is of none (or not of the named) layout, or something in it is not
            as documented.
    """
    if not path.exists():
        raise BenchmarkError(f"{path}: there is no such file or folder.")
    names = list(_FINDERS) if layout == AUTO else [layout]
    found = next(((name, place) for name in names if (place := _FINDERS[name](path)) is not None), None)
    if found is None:
        wanted = "any known layout" if layout == AUTO else f"the layout {layout}"
        raise BenchmarkError(f"{path} is not of {wanted} ({', '.join(LAYOUTS[1:])}).")
    name, place = found
    readers: Mapping[str, Callable[[Path], Benchmark]] = {
        "ccp_robust": read_ccp_robust,
        "lookbench": lambda folder: read_lookbench(folder, pictures=pictures),
        "deepfashion2": read_deepfashion2,
        "inshop": read_inshop,
        "selvedge": read_selvedge,
    }
    return check_benchmark(readers[name](place), place.name)
