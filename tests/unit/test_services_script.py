"""`make test` goes on where the servers' packages cannot be installed."""

from __future__ import annotations

import shutil
import subprocess

import pytest


@pytest.mark.parametrize("failing", ["apt-get", "tee"])
def test_a_failing_installation_says_what_to_install_and_stops_nothing(repository, tmp_path, failing):
    programs = {"id": "echo 0", "chmod": ":", "rm": ":", "tee": "while read -r _; do :; done", "apt-get": ":"}
    programs[failing] = "exit 100"
    for name, script in programs.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    (tmp_path / "env").symlink_to(shutil.which("env"))
    # A copy that leaves this machine's own policy for starting servers alone.
    script = tmp_path / "services.sh"
    text = (repository / "tests" / "services.sh").read_text()
    assert "=/usr/sbin/policy-rc.d\n" in text
    script.write_text(text.replace("/usr/sbin/policy-rc.d", str(tmp_path / "policy-rc.d")))
    done = subprocess.run(
        [shutil.which("bash"), str(script)],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "apt-get install redis-server" in done.stderr
    assert "their tests are skipped" in done.stderr
