"""The whole path with one command: `python -m deploy.demo [--data FOLDER] [--port 8000]`; `make demo` calls it.

Migrates, draws a catalog where no folder is given, indexes what changed, puts sample photos on the search page, and
runs the web server. Everything done once is not done again.
"""

from __future__ import annotations

import argparse
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

from deploy import demo_catalog
from deploy.demo_catalog import DemoCatalog

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Prepare and serve; the exit status."""
    options = _parse(sys.argv[1:])
    try:
        failure = _get_ready(options)
        if failure == 0:
            _serve()
    except KeyboardInterrupt:
        print("\nStopped. The next run goes on where this one was.")
        return 130
    return failure


def _get_ready(options: argparse.Namespace) -> int:
    """Everything before serving; the exit status where it failed, else 0."""
    try:
        _refuse_a_taken_port(options.port)
        catalog = demo_catalog.of_folder(options.data, ROOT) if options.data else demo_catalog.drawn(ROOT)
        # Read by Django's settings, by the commands below and by the server.
        os.environ["SELVEDGE_DATA_DIR"] = str(catalog.data_dir)
        # A demo listens on this machine alone and shows its catalog to whoever asks; writing needs a key all the same.
        os.environ.setdefault("SELVEDGE_ANONYMOUS", "read")
        _prepare(catalog)
        sample = demo_catalog.place_samples(catalog)
        os.environ |= {"PORT": str(options.port), "SELVEDGE_GREETING": greeting(catalog, sample, options.port)}
    except demo_catalog.DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


def _serve() -> None:
    """Run the web server in this process until Ctrl-C."""
    os.chdir(ROOT)
    sys.argv = ["gunicorn", "-c", str(ROOT / "deploy" / "gunicorn_conf.py"), "deploy.wsgi"]
    # Imported here: it reads its configuration from the arguments and the environment set above.
    from gunicorn.app.wsgiapp import run

    run()


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with feed.csv and the images it names")
    parser.add_argument("--port", type=int, default=8000)
    return parser.parse_args(arguments)


def _prepare(catalog: DemoCatalog) -> None:
    """Bring database and index up to date; what is unchanged since the last run is skipped."""
    demo_catalog.claim(catalog)
    _manage("migrate", "--verbosity", "0")
    if not catalog.feed.exists():
        _draw(catalog.folder)
    state = demo_catalog.fingerprint(catalog)
    if demo_catalog.is_done(catalog, state):
        print(f"{catalog.folder.name}: already indexed.", flush=True)
        return
    # Keys of a database made anew start again: vectors of the lost one would pass for those of new garments.
    orphaned = not demo_catalog.holds_products(catalog) and demo_catalog.holds_an_index(catalog)
    feed = ("--retailer", catalog.retailer, "--feed", catalog.feed, "--images", catalog.folder)
    # A demo shows what is checked out: where newer checkpoints came with it, their space takes over unasked.
    _manage("index_catalog", *feed, "--space", "configured")
    _manage("promote_space", "configured", "--force", "--live", 0, "--verbosity", 0)
    if orphaned:
        _manage("rebuild_index")
    demo_catalog.mark_done(catalog, state)


def _draw(folder: Path) -> None:
    """Draw beside the final name, so that an interrupted drawing is never taken for a whole one."""
    partial = folder.with_name(folder.name + ".partial")
    demo_catalog.remove_folder(partial)
    _manage("draw_catalog", "--out", partial, "--products", 160, "--scenes", 24, "--seed", 1)
    demo_catalog.remove_folder(folder)
    partial.rename(folder)


def _manage(*arguments: object) -> None:
    """One command in a process of its own, so that its memory is gone when the server starts."""
    subprocess.run([sys.executable, str(ROOT / "manage.py"), *map(str, arguments)], check=True)


def _refuse_a_taken_port(port: int) -> None:
    if not 1 <= port <= 65535:
        raise demo_catalog.DemoError(f"There is no port {port}: PORT= takes 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise demo_catalog.DemoError(f"Port {port} is not allowed here; try `make demo PORT=8000`.") from error
        except OSError as error:
            other = port + 1 if port < 65535 else 8000
            raise demo_catalog.DemoError(f"Port {port} is taken; try `make demo PORT={other}`.") from error


def greeting(catalog: DemoCatalog, sample: Path | None, port: int) -> str:
    """What a newcomer reads when the server is up: addresses, and a line to paste."""
    url = f"http://127.0.0.1:{port}"
    lines = [
        "",
        f"Selvedge serves the catalog of {catalog.folder}",
        f"  photo search     {url}/",
        f"  trends           {url}/trends",
        f"  API docs         {url}/api/docs/",
    ]
    if sample is not None:
        lines += [
            "",
            "Search from another terminal:",
            f"  curl -s -F {shlex.quote(f'image=@{_shown(sample)}')} {url}/api/search",
        ]
    return "\n".join([*lines, "", "Ctrl-C stops the server."])


def _shown(path: Path) -> Path:
    """Relative to where the reader stands where that is shorter."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
