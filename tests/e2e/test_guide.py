"""The integration guide, word for word: its commands run in order against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.pages_site import ROOT, served_empty_site

GUIDE = ROOT / "docs" / "integrate.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITHIN_S = 300


def script() -> str:
    """The guide's commands as one script that ends at the first that fails; its Python runs between them."""
    parts = ["set -euo pipefail"]
    for number, (language, code) in enumerate(BLOCK.findall(GUIDE.read_text(encoding="utf-8"))):
        if language == "bash":
            parts.append(code)
        elif language == "python":
            parts.append(f"export KEY PHOTO\npython3 - <<'BLOCK_{number}'\n{code}BLOCK_{number}\n")
    return "\n".join(parts)


def test_every_command_of_the_guide_works_as_written(tmp_path: Path) -> None:
    with served_empty_site(tmp_path) as (url, environment):
        work = tmp_path / "work"
        work.mkdir()
        manage = work / "bin" / "manage.py"
        manage.parent.mkdir()
        manage.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "manage.py"}" "$@"\n')
        manage.chmod(0o755)
        subprocess.run(
            [manage, "draw_catalog", "--out", work / "shop", "--products", "24", "--scenes", "2"], check=True
        )
        scene = next((work / "shop" / "scenes").glob("*.jpg"))
        commands = script().replace("http://127.0.0.1:8000", url)
        path = f"{manage.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-x", "-c", commands],
            cwd=work,
            env=environment | {"PATH": path, "PHOTO": str(scene)},
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
        assert re.search(r"^succeeded$", done.stdout, re.MULTILINE)
        assert "'failed': 0" in done.stdout
        assert re.search(r"out_of_stock$", done.stdout, re.MULTILINE)
