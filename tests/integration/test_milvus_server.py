"""The Milvus keeper over the network: a real server process, and several processes that share it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from search.index.base import IndexBusy, IndexUnreachable, PublishFailed, Tags
from search.index.registry import open_reader, open_writer, published_spaces

pytest.importorskip("milvus_lite", reason="the server of these tests is milvus-lite's; see tests/requirements.txt")

SPACE, DIM = "testnet-emb8@0123abcd", 8
AXES = np.eye(DIM, dtype=np.float32)
ASK_FOREVER = f"""
import sys
import numpy as np
from search.index.registry import open_reader
reader = open_reader(sys.argv[1], "{SPACE}", {DIM})
for line in sys.stdin:
    hits = reader.search(np.eye({DIM}, dtype=np.float32)[[int(line)]], 1)
    print(hits.ids[0, 0], hits.generation, flush=True)
"""
KILL_ITSELF = f"""
import os, sys
import numpy as np
from search.index.base import Tags
from search.index.registry import open_writer
with open_writer(sys.argv[1], "{SPACE}", {DIM}, fresh=sys.argv[2] == "fresh") as writer:
    ids = np.arange(9000)
    writer.upsert(ids, np.eye({DIM}, dtype=np.float32)[ids % {DIM}], [Tags(1, 4)] * 9000)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def server(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = [sys.executable, "-c", "from milvus_lite.cmdline import main; main()", "server"]
    with subprocess.Popen(
        [*command, "--data-dir", str(tmp_path_factory.mktemp("server")), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(port)
            yield f"milvus://127.0.0.1:{port}"
        finally:
            process.kill()


def wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.1)


def publish(url: str, *ids: int) -> int:
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(np.array(ids), AXES[[one % DIM for one in ids]], [Tags(1, 4)] * len(ids))
        return writer.publish()


def test_what_one_process_publishes_another_finds_at_its_next_search(server: str, repository: Path) -> None:
    url = f"{server}/fresh?index=FLAT"
    publish(url, 1, 2)
    with subprocess.Popen(
        [sys.executable, "-c", ASK_FOREVER, url],
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None

        def ask(axis: int) -> list[int]:
            print(axis, file=other.stdin, flush=True)
            return [int(word) for word in other.stdout.readline().split()]  # type: ignore[union-attr]

        assert ask(2) == [2, 1]
        publish(url, 10)
        assert ask(2) == [2, 2]
        with open_writer(url, SPACE, DIM) as writer:
            writer.remove(np.array([2]))
            writer.publish()
        assert ask(2) == [10, 3]
        with open_writer(url, SPACE, DIM, fresh=True) as writer:
            writer.upsert(np.array([50]), AXES[2:3], [Tags(1, 4)])
            assert ask(2) == [10, 3]
            writer.publish()
        assert ask(2) == [50, 4]
        other.stdin.close()


@pytest.mark.parametrize("how", ["fresh", "changing"])
def test_a_writer_that_is_killed_changes_nothing_and_its_litter_goes(server: str, repository: Path, how: str) -> None:
    url = f"{server}/killed{how}?index=FLAT"
    publish(url, 1, 2)
    killed = subprocess.run([sys.executable, "-c", KILL_ITSELF, url, how], cwd=repository, check=False)
    assert killed.returncode == -9
    assert open_reader(url, SPACE, DIM).ids().tolist() == [1, 2]
    assert publish(url, 3) == 2
    assert open_reader(url, SPACE, DIM).ids().tolist() == [1, 2, 3]
    assert collections(url) == 1


def test_a_writer_on_another_machine_is_waited_for_and_who_was_silent_for_long_gives_up(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from search.index import milvus_keeper, milvus_lease  # the client is optional

    url = f"{server}/machines?index=FLAT"
    publish(url, 1)
    with open_writer(url, SPACE, DIM) as here:
        here.upsert(np.array([2]), AXES[2:3], [Tags(1, 4)])
        monkeypatch.setattr(milvus_lease.socket, "gethostname", lambda: "another")
        monkeypatch.setattr(milvus_keeper.tempfile, "gettempdir", lambda: str(tmp_path))
        with pytest.raises(IndexBusy, match="another machine"), open_writer(url, SPACE, DIM, timeout_s=0.2):
            pass
        two_minutes_later = time.time() + milvus_lease.LEASE_S + 1
        monkeypatch.setattr("search.index.milvus_lease.time.time", lambda: two_minutes_later)
        with open_writer(url, SPACE, DIM, timeout_s=0.2) as there:
            there.upsert(np.array([3]), AXES[3:4], [Tags(1, 4)])
            with pytest.raises(PublishFailed, match="another machine"):
                here.publish()
            assert there.publish() == 2
    assert open_reader(url, SPACE, DIM).ids().tolist() == [1, 3]


def test_installations_under_other_names_do_not_see_each_other(server: str) -> None:
    publish(f"{server}/left", 1)
    publish(f"{server}/right", 2, 3)
    assert open_reader(f"{server}/left", SPACE, DIM).ids().tolist() == [1]
    assert published_spaces(f"{server}/left") == [SPACE]
    assert published_spaces(f"{server}/nobody") == []


def test_a_server_that_does_not_answer_is_told_apart_from_a_damaged_index(port: int) -> None:
    nobody = f"milvus://127.0.0.1:{1 if port != 1 else 2}/shop?timeout_s=1"
    with pytest.raises(IndexUnreachable, match=r"127\.0\.0\.1"):
        open_reader(nobody, SPACE, DIM)
    with pytest.raises(PublishFailed), open_writer(nobody, SPACE, DIM):
        pass


def collections(url: str) -> int:
    from search.index.milvus_client import connection_to  # the client is optional
    from search.index.milvus_options import MilvusAddress

    address = MilvusAddress.parse(url.removeprefix("milvus://"))
    return sum(name.startswith(f"{address.name}_rows") for name in connection_to(address).names())
