"""What moves a database or mends it: dump and load, verify, migrate, repair."""

from __future__ import annotations

import json
import os
import sqlite3
import unittest
from pathlib import Path
from typing import Any

from native.bindings import LoadReport, NativeStorageBinding, repair, salvage
from native.errors import (
    BusyError,
    ClosedError,
    ConflictError,
    CorruptError,
    InvalidArgumentError,
    NotFoundError,
    StorageError,
    UnsupportedError,
)
from storage.base import StorageManager
from storage.leveldb_store import LevelDBStore
from storage.sqlite_store import SQLiteStore
from tests.test_storage import LOBBY, PLAYER, InFolder


def fill(store: Any) -> None:
    store.save_player("player_456", PLAYER, ttl=3600)
    store.save_lobby("lobby_123", LOBBY)
    store.set("raw", b"\0\xff")


def damage_players(path: str) -> None:
    """Changes their values, but not what proves them."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE record SET value = x'7b7d' WHERE CAST(key AS TEXT) LIKE 'player:%'")
    db.close()


class Moving(InFolder):
    def assert_same(self, found: Any, wanted: Any) -> None:
        self.assertEqual(found.load_player("player_456"), PLAYER)
        self.assertEqual(found.load_lobby("lobby_123"), LOBBY)
        self.assertEqual(found.get_bytes("raw"), b"\0\xff")
        for key in wanted.keys():
            self.assertEqual(found.info(key), wanted.info(key))

    def test_a_dump_loads_into_another_backend(self) -> None:
        source = self.opened(StorageManager(SQLiteStore("from.db", policy="write_behind")))
        fill(source)
        records = source.dump("dump.jsonl")
        lines = [json.loads(line) for line in Path("dump.jsonl").read_text("utf-8").splitlines()]
        self.assertEqual(len(lines), records + 2)
        self.assertIn(PLAYER, [line.get("value") for line in lines])
        target = self.opened(StorageManager(LevelDBStore("into", policy="none")))
        self.assertEqual(target.load_dump(Path("dump.jsonl")), LoadReport(loaded=3, skipped=0))
        self.assert_same(target, source)

    def test_a_dump_replaces_nothing_and_a_damaged_one_is_not_there(self) -> None:
        with SQLiteStore() as store:
            fill(store)
            Path("there").write_text("mine")
            with self.assertRaisesRegex(InvalidArgumentError, "there"):
                store.dump("there")
            self.assertEqual(Path("there").read_text(), "mine")
        with self.assertRaises(ClosedError):
            store.dump("dump")
        damage_players("joinly.db")
        store = self.opened(SQLiteStore())
        with self.assertRaisesRegex(CorruptError, "player:player_456"):
            store.dump("dump")
        self.assertEqual([name for name in os.listdir() if name.startswith("dump")], [])

    def test_what_is_there_already(self) -> None:
        source = self.opened(NativeStorageBinding())
        fill(source)
        source.dump("dump")
        store = self.opened(SQLiteStore(policy="none"))
        store.set("raw", "own")
        with self.assertRaisesRegex(ConflictError, "line"):
            store.load_dump("dump")
        self.assertEqual(store.load_dump("dump", existing="skip"), LoadReport(loaded=2, skipped=1))
        self.assertEqual(store.get("raw"), "own")
        self.assertEqual(store.load_dump("dump", existing="overwrite"), LoadReport(loaded=3, skipped=0))
        self.assertEqual(store.get_bytes("raw"), b"\0\xff")
        with self.assertRaisesRegex(InvalidArgumentError, "refuse, overwrite, skip"):
            store.load_dump("dump", existing="sometimes")

    def test_what_cannot_be_loaded(self) -> None:
        source = self.opened(NativeStorageBinding())
        fill(source)
        source.dump("dump")
        Path("cut").write_bytes(Path("dump").read_bytes()[:-40])
        Path("text").write_text("once upon a time\n")
        store = self.opened(SQLiteStore(policy="none"))
        for file, error in (("cut", CorruptError), ("text", CorruptError), ("nowhere", NotFoundError), (".", StorageError)):
            with self.subTest(file=file), self.assertRaises(error):
                store.load_dump(file)
        with self.assertRaisesRegex(InvalidArgumentError, "'none'"):
            self.opened(SQLiteStore("cached.db")).load_dump("dump")

    def test_a_store_is_verified(self) -> None:
        with StorageManager(SQLiteStore()) as store:
            fill(store)
            for thorough in (True, False):
                report = store.verify(thorough)
                self.assertTrue(report["sound"])
                self.assertEqual(report["kinds"], {"": 1, "lobby": 1, "player": 1})
                self.assertEqual(report["records"], 3)
        damage_players("joinly.db")
        report = self.opened(SQLiteStore()).verify()
        self.assertFalse(report["sound"])
        self.assertEqual(report["flaw_count"], 1)
        self.assertEqual(report["flaws"][0]["key"], "player:player_456")
        self.assertEqual(report["flaws"][0]["code"], "corrupt")

    def test_a_migration_to_another_backend(self) -> None:
        source = self.opened(StorageManager(SQLiteStore(policy="write_behind", codec="json+zstd")))
        fill(source)
        report = source.migrate_to("leveldb", Path("into"), sync="process_crash")
        self.assertEqual(report.records, 3)
        self.assertGreaterEqual(report.written, 3)
        self.assertEqual(source.migrate_to("leveldb", "into").written, 0)
        with LevelDBStore("into", codec="json+zstd") as target:
            self.assert_same(target, source)
            with self.assertRaises(BusyError):
                source.migrate_to("leveldb", "into")
            target.set("another", "one")
        with self.assertRaises(ConflictError):
            source.migrate_to("leveldb", "into")

    def test_a_migration_that_cannot_be(self) -> None:
        store = self.opened(SQLiteStore())
        for backend, path, options, error in (
            ("leveldb", "into", {"codec": "binary"}, InvalidArgumentError),
            ("leveldb", "into", {"max_delay": 1}, InvalidArgumentError),
            ("leveldb", "into", {"no_such": 1}, InvalidArgumentError),
            ("leveldb", "", {}, InvalidArgumentError),
            ("redis", "into", {}, InvalidArgumentError),
            ("memory", "", {}, UnsupportedError),
            ("sqlite", "nowhere/db", {}, StorageError),
        ):
            with self.subTest(backend=backend, path=path, options=options), self.assertRaises(error):
                store.migrate_to(backend, path, **options)
        self.assertFalse(os.path.exists("into"))

    def test_a_damaged_leveldb_is_repaired(self) -> None:
        with LevelDBStore("store") as store:
            fill(store)
            with self.assertRaises(BusyError):
                LevelDBStore.repair("store")
        os.remove("store/CURRENT")
        with self.assertRaises(CorruptError):
            LevelDBStore("store")
        LevelDBStore.repair("store")
        with LevelDBStore("store") as store:
            self.assertEqual(store.load_player("player_456"), PLAYER)
            self.assertTrue(store.verify()["sound"])
        with self.assertRaises(InvalidArgumentError):
            LevelDBStore.repair("nowhere")

    def test_a_damaged_sqlite_is_salvaged(self) -> None:
        with SQLiteStore() as store:
            fill(store)
            with self.assertRaises(BusyError):
                SQLiteStore.repair("joinly.db", "saved.db")
        damage_players("joinly.db")
        report = SQLiteStore.repair("joinly.db", Path("saved.db"))
        self.assertEqual(report["lost"], 1)
        self.assertEqual(report["lost_keys"], ["player:player_456"])
        with SQLiteStore("saved.db") as store:
            self.assertEqual(store.keys(), ["lobby:lobby_123", "raw"])
            self.assertTrue(store.verify()["sound"])
        with self.assertRaisesRegex(InvalidArgumentError, "saved.db"):
            SQLiteStore.repair("joinly.db", "saved.db")
        with self.assertRaises(NotFoundError):
            SQLiteStore.repair("nowhere", "another.db")

    def test_each_engine_is_mended_in_its_way(self) -> None:
        with self.assertRaises(UnsupportedError):
            repair("sqlite", "joinly.db")
        with self.assertRaises(UnsupportedError):
            salvage("leveldb", "store", "another")

    def test_a_nul_is_refused_rather_than_the_end(self) -> None:
        store = self.opened(SQLiteStore(policy="none"))
        for call in (
            lambda: store.dump("nul\0"),
            lambda: store.load_dump("nul\0"),
            lambda: store.migrate_to("sqlite", "nul\0"),
            lambda: store.migrate_to("sqlite\0", "nul"),
            lambda: SQLiteStore.repair("joinly.db", "nul\0"),
            lambda: LevelDBStore.repair("nul\0"),
        ):
            with self.subTest(call=call), self.assertRaisesRegex(InvalidArgumentError, "NUL"):
                call()
        self.assertEqual([name for name in os.listdir() if name.startswith("nul")], [])


if __name__ == "__main__":
    unittest.main()
