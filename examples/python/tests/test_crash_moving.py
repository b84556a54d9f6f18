"""A process that is killed while it moves or mends a database, and a disk that is full then: nothing is half there, and it can be
called again."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Any, Callable, Dict, List

from native.bindings import NativeStorageBinding
from native.errors import FullError, StorageIOError
from storage.leveldb_store import LevelDBStore
from storage.sqlite_store import SQLiteStore
from tests.test_crash import STORES, largest_file, resource
from tests.test_storage import InFolder

PLAYERS = 3_000
OTHER = {"sqlite": "leveldb", "leveldb": "sqlite"}


def write_dump(file: str) -> None:
    with open(file, "w", encoding="utf-8") as lines:
        for number in range(PLAYERS):
            name = hashlib.sha512(b"%d" % number).hexdigest()  # which nothing makes much smaller
            player = {"player_id": f"{number:05}", "username": name, "skill_rating": number}
            lines.write(json.dumps({"key": f"player:{number:05}", "version": number + 1, "value": player}) + "\n")


def open_plain(kind: str, path: str) -> Any:
    return STORES[kind](path, "none", sync="process_crash")


def dump(kind: str) -> None:
    with open_plain(kind, "store") as store:
        store.dump("dump.jsonl")


def load(kind: str) -> None:
    with open_plain(kind, "into") as store:
        store.load_dump("players.jsonl", existing="skip")


def migrate(kind: str) -> None:
    with open_plain(kind, "store") as store:
        store.migrate_to(OTHER[kind], "into", sync="process_crash")


def back_up(kind: str) -> None:
    with open_plain(kind, "store") as store:
        store.backup("backups")


def restore(kind: str) -> None:
    STORES[kind].restore(str(next(Path("made").iterdir())), "into")


def repair(kind: str) -> None:
    if kind == "sqlite":
        SQLiteStore.repair("store", "into")
    else:
        LevelDBStore.repair("damaged")


WORK: Dict[str, Callable[[str], None]] = {
    "dump": dump, "load": load, "migrate": migrate, "back_up": back_up, "restore": restore, "repair": repair,
}  # fmt: skip


class Moved(InFolder):
    """In `store` are the players, in `made` a backup of it, and in `damaged`, of LevelDB, what does not open."""

    def fill(self, kind: str) -> None:
        write_dump("players.jsonl")
        with open_plain(kind, "store") as store:
            store.load_dump("players.jsonl")
            store.backup("made")
        if kind == "leveldb":
            shutil.copytree("store", "damaged")
            os.remove("damaged/CURRENT")

    def in_folder_of_its_own(self, name: str) -> None:
        """Goes into a copy of what fill() has made."""
        os.chdir(Path.cwd().parent)
        shutil.copytree("filled", name)
        os.chdir(name)
        self.before = set(os.listdir())

    def new(self) -> List[str]:
        """Without SQLite's logs of `store`, which stay where it could not write to them."""
        return sorted(set(os.listdir()) - self.before - {"store-shm", "store-wal"})

    def assert_done(self, name: str, kind: str) -> None:
        """What the work has made is whole."""
        made, into = "into", OTHER[kind] if name == "migrate" else kind
        if name == "dump":
            with NativeStorageBinding(policy="none") as store:
                self.assertEqual(store.load_dump("dump.jsonl").loaded, PLAYERS)
            return
        if name == "back_up":
            (backup,) = Path("backups").iterdir()
            shutil.rmtree("of_backup", ignore_errors=True)
            made = "of_backup"
            STORES[kind].restore(str(backup), made)
        if name == "repair" and kind == "leveldb":
            made = "damaged"
        with open_plain(into, made) as store:
            self.assertEqual(len(store.get_all_players()), PLAYERS)
            self.assertTrue(store.verify()["sound"])

    def take_away_what_is_whole(self, name: str, kind: str) -> None:
        """What has the name that the work gives at its end is whole. It would not be replaced."""
        if name == "back_up":
            for path in Path("backups").glob("*Z") if os.path.exists("backups") else ():
                shutil.rmtree("of_backup", ignore_errors=True)
                STORES[kind].restore(str(path), "of_backup")
                shutil.rmtree(path)
        made = {"dump": "dump.jsonl", "restore": "into", "repair": "into"}.get(name)
        if made and os.path.exists(made):
            self.assert_done(name, kind)
            shutil.rmtree(made) if os.path.isdir(made) else os.remove(made)

    def assert_nothing_is_left_behind(self, name: str, kind: str) -> None:
        """Besides what the work makes."""
        made = {"dump": ["dump.jsonl"], "back_up": ["backups"]}.get(name, ["into"])
        if name == "repair" and kind == "leveldb":
            made = []
        self.assertEqual([path for path in self.new() if path != "of_backup" and ".restore-" not in path], made)
        for path in Path(".").glob("into.restore-*"):
            self.assertFalse((path / "lock").exists())  # it was put aside, and is not what a restore had begun


@unittest.skipUnless(hasattr(signal, "SIGKILL"), "nothing is killed so here")
class KilledWhileMoving(Moved):
    def start(self, name: str, kind: str) -> "subprocess.Popen[bytes]":
        """The work in a process of its own, which is about to begin it."""
        root = str(Path(__file__).resolve().parents[1])
        program = f"import os; from tests.test_crash_moving import WORK; os.write(1, b'+'); WORK[{name!r}]({kind!r})"
        child = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, bufsize=0, env={**os.environ, "PYTHONPATH": root}
        )
        assert child.stdout is not None
        self.assertEqual(child.stdout.read(1), b"+")
        return child

    def test_what_is_made_is_whole_or_not_there_and_another_one_goes_on(self) -> None:
        seed = int(os.environ.get("JOINLY_SEED", random.randrange(2**32)))
        chance = random.Random(seed)
        for kind in STORES:
            os.makedirs(f"{kind}/filled")
            os.chdir(f"{kind}/filled")
            self.fill(kind)
            for name in WORK:
                with self.subTest(kind=kind, work=name, JOINLY_SEED=seed):
                    self.in_folder_of_its_own(f"usual_{name}")
                    begin = time.monotonic()
                    WORK[name](kind)
                    usual = time.monotonic() - begin
                    self.assert_done(name, kind)
                    self.in_folder_of_its_own(name)
                    for _ in range(3):
                        with self.start(name, kind) as child:
                            time.sleep(chance.random() * usual)
                            child.kill()
                        self.assertIn(child.returncode, (0, -signal.SIGKILL))
                        self.take_away_what_is_whole(name, kind)
                    WORK[name](kind)
                    self.assert_done(name, kind)
                    self.assert_nothing_is_left_behind(name, kind)
            os.chdir(Path.cwd().parents[1])


@unittest.skipUnless(resource, "files cannot be limited here")
class FullDiskWhileMoving(Moved):
    def test_it_says_so_and_goes_on_when_there_is_room(self) -> None:
        for kind in STORES:
            os.makedirs(f"{kind}/filled")
            os.chdir(f"{kind}/filled")
            self.fill(kind)
            for name in WORK:
                with self.subTest(kind=kind, work=name):
                    self.in_folder_of_its_own(name)
                    for size in (1 << 14, 1 << 16, 1 << 18):
                        with largest_file(size), self.assertRaises((FullError, StorageIOError)):
                            WORK[name](kind)
                        self.take_away_what_is_whole(name, kind)
                        if name not in ("load", "migrate"):  # what these have done stays
                            self.assertEqual([path for path in self.new() if path not in ("backups", "of_backup")], [])
                            self.assertEqual(list(Path(".").glob("backups/*")), [])
                    WORK[name](kind)
                    self.assert_done(name, kind)
                    self.assert_nothing_is_left_behind(name, kind)
            os.chdir(Path.cwd().parents[1])


if __name__ == "__main__":
    unittest.main()
