"""The stores, the manager and transactions: what their docstrings promise.

    cd examples/python && python3 -m unittest
"""

from __future__ import annotations

import inspect
import os
import sqlite3
import tempfile
import threading
import unittest
import unittest.mock
from pathlib import Path
from typing import Any, Callable, List

from native.bindings import NativeStorageBinding, Transaction, restore
from native.errors import (
    BusyError,
    ClosedError,
    ConflictError,
    CorruptError,
    InvalidArgumentError,
    NotFoundError,
    StorageError,
    StorageIOError,
    UnsupportedError,
)
from storage.base import StorageManager
from storage.leveldb_store import LevelDBStore
from storage.sqlite_store import SQLiteStore

LOBBY = {"lobby_id": "lobby_123", "state": "waiting", "players": ["ada"], "map": {"name": "Ärger", "size": [1, 2.5, None]}}
PLAYER = {"player_id": "player_456", "username": "PlayerOne", "skill_rating": 1200}


def nested(depth: int) -> Any:
    """Empty lists within each other."""
    return [] if depth == 1 else [nested(depth - 1)]


class InFolder(unittest.TestCase):
    """A test in an empty folder of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)

    def opened(self, store: Any) -> Any:
        self.addCleanup(store.close)
        return store


class Entities(InFolder):
    def stores(self) -> List[Any]:
        return [
            self.opened(SQLiteStore("none.db", policy="none")),
            self.opened(SQLiteStore(db_path="through.db")),
            self.opened(SQLiteStore("behind.db", policy="write_behind", journal="journal")),
            self.opened(LevelDBStore("store.leveldb")),
            self.opened(StorageManager(SQLiteStore("managed.db"))),
            self.opened(NativeStorageBinding()),
        ]

    def test_dictionaries_come_back_as_they_were(self) -> None:
        for store in self.stores():
            with self.subTest(store=store):
                store.save_lobby("lobby_123", LOBBY)
                store.save_player("player_456", PLAYER)
                self.assertEqual(store.load_lobby("lobby_123"), LOBBY)
                self.assertEqual(store.load_player("player_456"), PLAYER)
                self.assertEqual(store.get_all_lobbies(), ["lobby_123"])
                self.assertEqual(store.get_all_players(), ["player_456"])
                store.delete_lobby("lobby_123")
                self.assertIsNone(store.load_lobby("lobby_123"))
                self.assertEqual(store.get_all_lobbies(), [])
                store.delete_lobby("lobby_123")

    def test_what_was_closed_is_there_when_it_is_opened_again(self) -> None:
        for store in (SQLiteStore, LevelDBStore):
            with self.subTest(store=store):
                with store("again") as first:
                    first.save_player("player_456", PLAYER)
                with store("again") as second:
                    self.assertEqual(second.load_player("player_456"), PLAYER)
                os.rename("again", store.__name__)

    def test_a_caller_may_change_what_was_loaded(self) -> None:
        store = self.opened(SQLiteStore())
        store.save_player("player_456", PLAYER)
        store.load_player("player_456")["username"] = "somebody else"
        self.assertEqual(store.load_player("player_456"), PLAYER)

    def test_an_id_is_added_and_must_be_the_right_one(self) -> None:
        store = self.opened(NativeStorageBinding())
        store.save_player("ada", {})
        self.assertEqual(store.load_player("ada"), {"player_id": "ada"})
        with self.assertRaisesRegex(InvalidArgumentError, "bob"):
            store.save_player("ada", {"player_id": "bob"})

    def test_what_cpp_could_not_load_is_refused(self) -> None:
        store = self.opened(NativeStorageBinding())
        for lobby in ({"state": "asleep"}, {"players": "ada"}, {"max_players": -1}):
            with self.subTest(lobby=lobby), self.assertRaises(InvalidArgumentError) as caught:
                store.save_lobby("1", lobby)
            self.assertEqual(caught.exception.code, "invalid_argument")
            self.assertIn(next(iter(lobby)), caught.exception.message)
        for value in (float("nan"), float("inf"), "\ud800", nested(130)):
            with self.assertRaises(ValueError):
                store.save_lobby("1", {"x": value})
        with self.assertRaises(TypeError):
            store.save_lobby("1", {"x": object()})
        with self.assertRaises(TypeError):
            store.save_lobby("1", ["not", "a", "dictionary"])  # type: ignore[arg-type]
        self.assertEqual(store.keys(), [])
        store.save_lobby("1", {"x": nested(129)})
        self.assertEqual(store.load_lobby("1"), {"x": nested(129), "lobby_id": "1"})

    def test_large_ones_and_many(self) -> None:
        store = self.opened(SQLiteStore(policy="write_behind"))
        large = {"lobby_id": "large", "notes": "ä" * 100_000}
        store.save_lobby("large", large)
        self.assertEqual(store.load_lobby("large"), large)
        ids = [f"{number:05}" for number in range(2_500)]  # more than one page
        for player_id in ids:
            store.save_player(player_id, {})
        self.assertEqual(store.get_all_players(), ids)


class Values(InFolder):
    def test_text_and_bytes(self) -> None:
        store = self.opened(NativeStorageBinding("joinly_storage.dll"))
        self.assertIsNone(store.get("key"))
        store.set("key", "välue")
        self.assertEqual(store.get("key"), "välue")
        store.set(b"\xff\x00", b"\x80\x00")
        self.assertEqual(store.get_bytes(b"\xff\x00"), b"\x80\x00")
        self.assertEqual(store.keys(), ["key", "\udcff\x00"])
        self.assertTrue(store.exists("key"))
        store.delete("key")
        self.assertFalse(store.exists("key"))

    def test_keys_and_values_are_text_or_bytes(self) -> None:
        store = self.opened(NativeStorageBinding())
        for call in (
            lambda: store.set(5, "x"),  # type: ignore[arg-type]
            lambda: store.set("x", {}),  # type: ignore[arg-type]
            lambda: store.get(None),  # type: ignore[arg-type]
            lambda: store.save_lobby(5, {}),  # type: ignore[arg-type]
            lambda: store.load_lobby(5),  # type: ignore[arg-type]
        ):
            with self.assertRaises(TypeError):
                call()
        self.assertEqual(store.keys(), [])

    def test_an_id_that_is_not_utf_8_is_absent_rather_than_an_error(self) -> None:
        store = self.opened(NativeStorageBinding("joinly_storage.dll"))
        self.assertIsNone(store.load_lobby("\udcff"))
        self.assertIsNone(store.load_player("\udcff"))

    def test_a_migration_by_keys_loses_nothing(self) -> None:
        sqlite, leveldb = self.opened(SQLiteStore()), self.opened(LevelDBStore())
        sqlite.save_lobby("lobby_123", LOBBY)
        sqlite.set(b"\xfe", b"\xff\x00")
        sqlite.set("plain", "text")
        for key in sqlite.keys():
            leveldb.set(key, sqlite.get(key))
        self.assertEqual(list(leveldb.items()), list(sqlite.items()))
        self.assertEqual(leveldb.load_lobby("lobby_123"), LOBBY)
        self.assertEqual(leveldb.get_bytes(b"\xfe"), b"\xff\x00")

    def test_a_migration_by_keys_begins_versions_and_expiry_anew(self) -> None:
        sqlite, leveldb = self.opened(SQLiteStore()), self.opened(LevelDBStore())
        for _ in range(2):
            version = sqlite.set("key", "value", ttl=3600)
        for key in sqlite.keys():
            leveldb.set(key, sqlite.get(key))
        self.assertIsNone(leveldb.info("key").expires_at)
        self.assertLess(leveldb.info("key").version, version)

    def test_versions_and_expiry(self) -> None:
        store = self.opened(NativeStorageBinding(policy="write_through"))
        version = store.set("key", "1", expect=0)
        self.assertEqual(store.info("key"), (version, None))
        with self.assertRaises(ConflictError):
            store.set("key", "2", expect=0)
        store.set("key", "2", ttl=3600, expect=version)
        self.assertGreater(store.info("key").expires_at, 1_700_000_000)
        store.touch("key", 0.001)
        while store.exists("key"):
            pass
        self.assertIsNone(store.info("key"))
        self.assertEqual(store.sweep(), 1)
        with self.assertRaises(NotFoundError):
            store.touch("key", None)
        store.set("key", "1")
        for ttl in (0, -3, -0.5, float("nan")):
            for call in (
                lambda: store.set("key", "2", ttl=ttl),
                lambda: store.save_player("ada", {}, ttl=ttl),
                lambda: store.touch("key", ttl),
                lambda: store.run_transaction(lambda tx: tx.set("key", "2", ttl=ttl)),
            ):
                with self.assertRaisesRegex(InvalidArgumentError, f"a ttl must be positive, not {ttl} s$"):
                    call()
        self.assertEqual(store.get("key"), "1")
        for ttl in (float("inf"), 1e307):
            store.set("key", "1", ttl=ttl)

    def test_times_without_an_end(self) -> None:
        store = self.opened(SQLiteStore(sync="process_crash", policy="write_behind"))
        store.set("key", "1")
        store.flush(timeout=float("inf"))
        self.assertEqual(store.sweep(float("inf")), 0)
        for call in (store.flush, store.sweep, store.close):
            with self.assertRaises(InvalidArgumentError):
                call(float("nan"))
        store.flush(timeout=float("-inf"))
        store.close(timeout=float("inf"))


class Manager(InFolder):
    def test_every_call_is_passed_on(self) -> None:
        backend = unittest.mock.create_autospec(NativeStorageBinding, instance=True)
        manager = StorageManager(backend)
        for name in dir(NativeStorageBinding):
            if name.startswith("_"):
                continue
            with self.subTest(name=name):
                signature = inspect.signature(getattr(NativeStorageBinding, name))
                self.assertEqual(inspect.signature(getattr(StorageManager, name)), signature)
                parameters = list(signature.parameters.values())[1:]
                given = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
                options = {each.name: "given" for each in parameters if each.kind is each.VAR_KEYWORD}
                answer = getattr(manager, name)(*given, **options)
                passed = getattr(backend, name)
                passed.assert_called_once_with(*given, **options)
                self.assertIs(answer, None if signature.return_annotation == "None" else passed.return_value)

    def test_the_calls_that_a_game_makes_least(self) -> None:
        manager = StorageManager(SQLiteStore(policy="write_behind"))
        self.addCleanup(manager.close)
        manager.set("key", b"\xff", ttl=0.001)
        while manager.exists("key"):
            pass
        manager.set("other", b"\xff")
        manager.flush(60)
        self.assertEqual(manager.get_bytes("other"), b"\xff")
        self.assertEqual(manager.sweep(), 1)
        manager.save_player("ada", {})
        manager.delete_player("ada")
        self.assertIsNone(manager.load_player("ada"))
        self.assertEqual(manager.run_transaction(lambda tx: tx.get_bytes("other")), b"\xff")
        manager.close(timeout=60)
        with self.assertRaises(ClosedError):
            manager.get_bytes("other")
        with SQLiteStore() as again:
            self.assertEqual(again.get_bytes("other"), b"\xff")


class Transactions(InFolder):
    def setUp(self) -> None:
        super().setUp()
        self.store = self.opened(SQLiteStore(sync="process_crash"))
        self.store.save_player("ada", {"skill_rating": 1200})
        self.store.save_player("bob", {"skill_rating": 1200})

    def test_all_of_it_at_the_end_of_the_block(self) -> None:
        with self.store.transaction() as tx:
            ada = tx.load_player("ada")
            ada["skill_rating"] += 16
            tx.save_player("ada", ada)
            tx.save_lobby("1", {"players": ["ada"]})
            tx.delete_player("bob")
            self.assertEqual(tx.get_all_players(), ["ada"])
            self.assertEqual(tx.load_player("ada")["skill_rating"], 1216)
        self.assertEqual(self.store.load_player("ada")["skill_rating"], 1216)
        self.assertEqual(self.store.info("player:ada").version, tx.version)
        self.assertEqual(self.store.info("lobby:1").version, tx.version)
        self.assertIsNone(self.store.load_player("bob"))

    def test_an_exception_leaves_everything_as_it_was(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            with self.store.transaction() as tx:
                tx.delete_player("ada")
                tx.save_lobby("1", {})
                raise ZeroDivisionError
        self.assertEqual(self.store.keys(), ["player:ada", "player:bob"])

    def test_the_stores_own_calls_are_part_of_the_block(self) -> None:
        manager = StorageManager(self.store)
        self.assertEqual(manager.load_player("ada")["skill_rating"], 1200)
        with self.assertRaises(ZeroDivisionError):
            with manager.transaction():
                manager.save_lobby("1", {})
                manager.save_player("ada", {"skill_rating": 1})
                self.assertEqual(manager.load_player("ada")["skill_rating"], 1)
                raise ZeroDivisionError
        self.assertIsNone(manager.load_lobby("1"))
        self.assertEqual(manager.load_player("ada")["skill_rating"], 1200)

    def test_touching_and_listing_are_part_of_the_block(self) -> None:
        self.store.set("note", "1", ttl=3600)
        before = self.store.info("note")
        for calls in (self.store, StorageManager(self.store), None):
            with self.subTest(calls=calls), self.assertRaises(ZeroDivisionError):
                with self.store.transaction() as tx:
                    calls = calls or tx
                    self.assertEqual(calls.info("note"), before)
                    calls.save_player("cid", {"skill_rating": 7})
                    calls.delete_player("ada")
                    self.assertEqual([key for key, _ in calls.items("player:")], ["player:bob", "player:cid"])
                    self.assertEqual(dict(calls.items("note")), {"note": "1"})
                    self.assertEqual(calls.info("player:cid"), (0, None))
                    self.assertIsNone(calls.info("player:ada"))
                    calls.touch("note", None)
                    self.assertEqual(calls.info("note"), (0, None))
                    with self.assertRaises(NotFoundError):
                        calls.touch("player:ada", None)
                    raise ZeroDivisionError
            self.assertEqual(self.store.info("note"), before)
            self.assertEqual([key for key, _ in self.store.items("player:")], ["player:ada", "player:bob"])
        with self.store.transaction() as tx:
            self.store.touch("note", None)
            self.store.touch("player:ada", 60)
        self.assertEqual(self.store.info("note"), (tx.version, None))
        self.assertGreater(self.store.info("player:ada").expires_at, 1_700_000_000)
        self.assertEqual(self.store.load_player("ada")["skill_rating"], 1200)

    def test_what_it_has_looked_at_counts_as_read(self) -> None:
        looks = (
            lambda: self.store.info("player:ada"),
            lambda: list(self.store.items("player:")),
            lambda: self.store.touch("player:ada", None),
        )
        for look in looks:
            with self.subTest(look=look), self.assertRaises(ConflictError):
                with self.store.transaction():
                    look()
                    self.store.set("score", "1")
                    self.in_another_thread(lambda: self.store.save_player("ada", {}))
            self.assertIsNone(self.store.get("score"))

    def test_a_sweep_is_no_part_of_it(self) -> None:
        with self.store.transaction():
            with self.assertRaisesRegex(InvalidArgumentError, "sweep"):
                self.store.sweep()
            self.in_another_thread(self.store.sweep)
        self.assertEqual(self.store.sweep(), 0)

    def in_another_thread(self, work: Callable[[], Any]) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    def test_a_change_of_what_was_read_is_a_conflict(self) -> None:
        for read in (lambda tx: tx.load_player("ada"), lambda tx: tx.load_player("new"), lambda tx: tx.get_all_players()):
            with self.subTest(read=read), self.assertRaises(ConflictError) as caught:
                with self.store.transaction() as tx:
                    read(tx)
                    tx.set("score", "1")
                    for player_id in ("ada", "new"):
                        self.in_another_thread(lambda: self.store.save_player(player_id, {}))
            self.assertEqual(caught.exception.code, "conflict")
            self.assertIsNone(self.store.get("score"))
            self.store.delete_player("new")

    def test_retried_until_nobody_is_in_the_way(self) -> None:
        tries: List[int] = []

        def add_one(tx: Transaction) -> int:
            ada = tx.load_player("ada")
            tries.append(ada["skill_rating"])
            if len(tries) == 1:
                self.in_another_thread(lambda: self.store.save_player("ada", {"skill_rating": 5}))
            tx.save_player("ada", {"skill_rating": ada["skill_rating"] + 1})
            return ada["skill_rating"] + 1

        self.assertEqual(self.store.run_transaction(add_one), 6)
        self.assertEqual(tries, [1200, 5])
        tries.clear()
        with self.assertRaises(ConflictError):
            self.store.run_transaction(add_one, max_tries=1)

    def test_threads_lose_no_update(self) -> None:
        def add_one(tx: Transaction) -> None:
            tx.set("count", str(int(tx.get("count") or 0) + 1))

        threads = [
            threading.Thread(target=lambda: [self.store.run_transaction(add_one, 10_000) for _ in range(25)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.store.get("count"), "100")

    def test_one_that_has_ended_is_closed(self) -> None:
        with self.store.transaction() as tx:
            tx.rollback()
        with self.store.transaction() as committed:
            committed.set("key", "1")
            committed.commit()
            with self.assertRaises(ClosedError):  # before the end of the block, too
                committed.get("key")
        for ended in (tx, committed):
            for call in (
                lambda: ended.get("key"),
                lambda: ended.set("key", "2"),
                lambda: ended.delete("key"),
                lambda: ended.keys(),
                lambda: ended.info("key"),
                lambda: ended.touch("key", None),
                lambda: list(ended.items()),
                ended.commit,
            ):
                with self.assertRaisesRegex(ClosedError, "the transaction has ended"):
                    call()
            ended.rollback()
        self.assertEqual(self.store.get("key"), "1")

    def test_one_within_another_is_refused(self) -> None:
        with self.store.transaction():
            with self.assertRaises(InvalidArgumentError):
                with self.store.transaction():
                    pass


class Opening(InFolder):
    def test_what_is_wrong_is_told(self) -> None:
        for error, open_store in (
            (InvalidArgumentError, lambda: NativeStorageBinding(backend="redis")),
            (InvalidArgumentError, lambda: NativeStorageBinding(colour="red")),
            (InvalidArgumentError, lambda: SQLiteStore(compression=True)),
            (StorageIOError, lambda: SQLiteStore("no/such/folder.db")),
        ):
            with self.subTest(error=error), self.assertRaises(error) as caught:
                open_store()
            self.assertIsInstance(caught.exception, StorageError)
        with unittest.mock.patch.dict(os.environ):
            os.environ.pop("JOINLY_LIBRARY", None)
            with self.assertRaisesRegex(OSError, "cmake"):
                NativeStorageBinding("no_such_library")

    def test_a_nul_is_refused_rather_than_the_end(self) -> None:
        store = self.opened(SQLiteStore())
        backup = store.backup("backups")
        for call in (
            lambda: SQLiteStore("nul\0.db"),
            lambda: LevelDBStore(Path("nul\0.db")),
            lambda: SQLiteStore(policy="none\0"),
            lambda: SQLiteStore(codec="json\0"),
            lambda: SQLiteStore(**{"codec\0": "json"}),
            lambda: NativeStorageBinding(backend="memory\0"),
            lambda: store.backup("nul\0"),
            lambda: store.backup("backups", name="nul\0"),
            lambda: store.metrics("players\0"),
            lambda: SQLiteStore.restore(backup + "\0", "nul"),
            lambda: SQLiteStore.restore(backup, "nul\0"),
            lambda: SQLiteStore.restore(backup, "nul", journal="nul\0"),
            lambda: restore("sqlite\0", backup, "nul"),
        ):
            with self.subTest(call=call), self.assertRaisesRegex(InvalidArgumentError, "NUL"):
                call()
        self.assertEqual([path for path in os.listdir() if path.startswith("nul")], [])

    def test_what_is_no_database_is_left_alone(self) -> None:
        Path("joinly.db").write_bytes(b"something else" * 100)
        with self.assertRaises(StorageError):
            SQLiteStore("joinly.db")
        self.assertEqual(Path("joinly.db").read_bytes(), b"something else" * 100)

    def test_the_other_codecs_records_are_corrupt(self) -> None:
        with SQLiteStore(codec="binary") as store:
            store.save_player("ada", {"username": "Ada"})
            self.assertEqual(store.load_player("ada")["username"], "Ada")
        with SQLiteStore() as store, self.assertRaises(CorruptError):
            store.load_player("ada")

    def test_entities_may_be_compressed(self) -> None:
        player = {"username": "Ada" * 1000, "player_id": "ada"}
        for codec in ("json+zstd", "binary+zstd"):
            with self.subTest(codec=codec), SQLiteStore(codec + ".db", codec=codec) as store:
                store.save_player("ada", player)
                self.assertEqual(store.load_player("ada")["username"], player["username"])
                self.assertEqual(store.stats()["codec"], codec)
                with sqlite3.connect(codec + ".db") as other:
                    self.assertLess(other.execute("SELECT max(length(value)) FROM record").fetchone()[0], 200)
                other.close()

    def test_a_closed_store_says_so(self) -> None:
        store = LevelDBStore()
        store.set("key", "value")
        store.close()
        store.close()
        for call in (lambda: store.get("key"), lambda: store.set("key", "1"), store.stats, store.transaction):
            with self.assertRaises(ClosedError):
                call()
        with LevelDBStore() as again:  # its lock is free
            self.assertEqual(again.get("key"), "value")

    def test_a_backup_brings_back_what_was_there(self) -> None:
        for kind in (SQLiteStore, LevelDBStore):
            with self.subTest(kind=kind):
                with kind("joinly", policy="write_behind") as store:
                    store.save_player("player_456", PLAYER)
                    backup = StorageManager(store).backup(Path("backups"), keep=7)
                    store.delete_player("player_456")
                    with self.assertRaises(BusyError):
                        kind.restore(backup, "joinly")
                kind.restore(backup, "joinly")
                with kind("joinly") as store:
                    self.assertEqual(store.load_player("player_456"), PLAYER)
                os.rename("joinly", kind.__name__)
        with NativeStorageBinding() as memory, self.assertRaises(UnsupportedError):
            memory.backup("backups")

    def test_stores_that_share_a_directory_keep_the_backups_of_the_others_by_names_of_their_own(self) -> None:
        for name in ("players", "lobbies", "players"):
            with SQLiteStore(name) as store:
                made = StorageManager(store).backup("backups", keep=1, name=name)
                self.assertEqual(os.path.basename(made).split("-")[0], name)
                with self.assertRaises(InvalidArgumentError):
                    store.backup("backups", name="No Name")
        self.assertEqual(sorted(made.split("-")[0] for made in os.listdir("backups")), ["lobbies", "players"])

    def test_a_restore_puts_the_journal_of_what_was_there_aside(self) -> None:
        for kind in (SQLiteStore, LevelDBStore):
            with self.subTest(kind=kind):
                base = kind.__name__
                with kind(base, policy="write_behind", journal=f"{base}.journal") as store:
                    store.set("key", "1")
                    backup = store.backup(f"{base}.backups")
                    store.set("key", "2")
                kind.restore(backup, base, journal=f"{base}.journal")
                self.assertFalse(os.path.exists(f"{base}.journal"))
                self.assertEqual(len(list(Path().glob(f"{base}.restore-*/journal"))), 1)
                with kind(base, policy="write_behind", journal=f"{base}.journal") as store:
                    self.assertEqual(store.get("key"), "1")

    def test_statistics(self) -> None:
        with SQLiteStore() as store:
            store.save_player("player_456", PLAYER)
            store.load_player("player_456")
            stats = store.stats()
            self.assertEqual(stats["backend"], "sqlite")
            self.assertEqual(stats["cache"]["hits"], 1)
            self.assertGreaterEqual(stats["size_on_disk"], os.path.getsize("joinly.db"))
            page = StorageManager(store).metrics("players")
            self.assertIn('joinly_operations_total{store="players",operation="save"} 1\n', page)
            self.assertIn("# TYPE joinly_operations_total counter\n", page)

    def test_other_threads_run_while_the_library_works(self) -> None:
        with SQLiteStore("a.db", busy_timeout=60_000) as store:
            other = sqlite3.connect("a.db", isolation_level=None, check_same_thread=False)
            other.execute("BEGIN IMMEDIATE")
            # Within the library, set waits for the lock that only another thread of Python's can give back.
            threading.Timer(0.05, lambda: other.execute("COMMIT")).start()
            store.set("key", "value")
            self.assertEqual(store.get("key"), "value")
            other.close()


if __name__ == "__main__":
    unittest.main()
