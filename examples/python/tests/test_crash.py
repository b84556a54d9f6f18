"""A process that is killed, and a disk that is full: what was acknowledged is there afterwards."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any, Iterator

try:
    import resource
except ImportError:  # there is none on Windows
    resource = None  # type: ignore[assignment]

from native.errors import FullError, StorageIOError
from storage.leveldb_store import LevelDBStore
from storage.sqlite_store import SQLiteStore
from tests.test_storage import InFolder

STORES = {"sqlite": SQLiteStore, "leveldb": LevelDBStore}
WAYS = [(kind, policy) for kind in STORES for policy in ("none", "write_behind")]


def open_store(kind: str, policy: str) -> Any:
    options = {"journal": f"{kind}.journal", "max_delay": 20, "full_timeout": 100} if policy == "write_behind" else {}
    return STORES[kind](kind, policy, sync="process_crash", **options)


def write_until_killed(kind: str, policy: str) -> None:
    """Saves number 0, 1, 2, ..., every other one as a player and a lobby in a transaction, and a byte for each on standard output."""
    store = open_store(kind, policy)
    for number in itertools.count():
        if number % 2 == 0:
            store.set(f"plain:{number:07}", "x" * 100)
        else:
            with store.transaction() as tx:
                tx.save_player(f"{number:07}", {"skill_rating": number})
                tx.save_lobby(f"{number:07}", {})
        os.write(1, b"+")


@unittest.skipUnless(hasattr(signal, "SIGKILL"), "nothing is killed so here")
class Killed(InFolder):
    def killed(self, kind: str, policy: str, enough: int) -> int:
        """Runs write_until_killed in a process of its own, and kills it once it has acknowledged enough; how many it did."""
        root = str(Path(__file__).resolve().parents[1])
        program = f"from tests.test_crash import write_until_killed as run; run({kind!r}, {policy!r})"
        with subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, bufsize=0, env={**os.environ, "PYTHONPATH": root}
        ) as child:
            assert child.stdout is not None
            acknowledged = 0
            for piece in iter(lambda: child.stdout.read(64), b""):  # to the end: it may have done more before it was killed
                acknowledged += len(piece)
                if acknowledged >= enough:
                    child.kill()
        self.assertEqual(child.returncode, -signal.SIGKILL)
        return acknowledged

    def test_what_was_acknowledged_is_there_and_transactions_are_whole(self) -> None:
        seed = int(os.environ.get("JOINLY_SEED", random.randrange(2**32)))
        chance = random.Random(seed)
        for (kind, policy), round_ in itertools.product(WAYS, range(3)):
            with self.subTest(kind=kind, policy=policy, round=round_, JOINLY_SEED=seed):
                before = Path(f"{kind}-{policy}-{round_}").resolve()
                before.mkdir()
                os.chdir(before)
                acknowledged = self.killed(kind, policy, chance.randrange(1, 400))
                with open_store(kind, policy) as store:
                    plain = [int(key[6:]) for key in store.keys("plain:")]
                    players = [int(number) for number in store.get_all_players()]
                    self.assertEqual(store.get_all_lobbies(), store.get_all_players())
                    self.assertEqual(sorted(plain + players), list(range(len(plain) + len(players))))
                    self.assertGreaterEqual(len(plain) + len(players), acknowledged)
                    for number in players:
                        self.assertEqual(store.load_player(f"{number:07}")["skill_rating"], number)
                os.chdir(before.parent)


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may become larger meanwhile, which is the nearest to a full disk that everybody can have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@unittest.skipUnless(resource, "files cannot be limited here")
class FullDisk(InFolder):
    def test_a_write_that_finds_no_room_is_an_error_and_the_others_are_there(self) -> None:
        for kind in STORES:
            with self.subTest(kind=kind):
                store = open_store(kind, "none")
                written = 0
                with largest_file(1 << 20), self.assertRaises((FullError, StorageIOError)):
                    for number in range(5_000):
                        store.set(f"{number:05}", "x" * 1_000)
                        written += 1
                self.assertGreater(written, 0)
                self.assertEqual(len(store.keys()), written)
                store.close()
                with open_store(kind, "none") as store:
                    self.assertEqual(store.keys(), [f"{number:05}" for number in range(written)])
                    store.set(f"{written:05}", "there is room again")

    def test_a_journal_without_room_is_full_and_keeps_what_it_has_taken(self) -> None:
        for kind in STORES:
            with self.subTest(kind=kind):
                store = open_store(kind, "write_behind")
                written = 0
                with largest_file(4 << 20):  # neither for the database, nor for another segment of the journal
                    with self.assertRaises(FullError):
                        for number in range(100):
                            store.set(f"{number:05}", "x" * 1_000_000)
                            written += 1
                    self.assertIsNotNone(store.get(f"{written - 1:05}"))  # from memory: the database may not be read now
                self.assertGreater(written, 4)
                store.set(f"{written:05}", "there is room again")
                store.close(60)
                with open_store(kind, "write_behind") as store:
                    self.assertEqual(store.keys(), [f"{number:05}" for number in range(written + 1)])


if __name__ == "__main__":
    unittest.main()
