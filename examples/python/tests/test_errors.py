"""Each error by what provokes it. Those that every store has, such as ConflictError, are in test_storage."""

from __future__ import annotations

import ctypes
import sqlite3
import unittest

from native.errors import ClosedError, IncompatibleError, ReadOnlyError, StorageError, TimedOutError, error_of
from native.library import load_library
from storage.sqlite_store import SQLiteStore
from tests.test_storage import InFolder


class Errors(InFolder):
    def test_each_code_of_the_librarys_has_an_exception_of_its_own(self) -> None:
        name_of = load_library().joinly_code_name
        name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.c_int32]
        errors = [error_of(code, "words") for code in range(1, 14)]
        self.assertEqual([error.code for error in errors], [name_of(code).decode() for code in range(1, 14)])
        self.assertEqual(len({type(error) for error in errors}), 13)
        for error in errors:
            self.assertEqual(str(error), f"{error.code}: words")
        self.assertEqual(name_of(14), b"unknown")  # so these are all
        self.assertIs(type(error_of(14, "words")), StorageError)
        self.assertEqual(str(error_of(14, "words")), "unknown: words")

    def test_a_close_that_times_out_loses_nothing_and_may_be_called_again(self) -> None:
        store = SQLiteStore("a.db", policy="write_behind", busy_timeout=50)
        other = sqlite3.connect("a.db", isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        store.set("key", "value")
        with self.assertRaises(TimedOutError) as caught:
            store.flush(0.1)
        self.assertIsInstance(caught.exception, TimeoutError)
        self.assertEqual(store.get("key"), "value")
        for _ in range(2):
            with self.assertRaises(TimedOutError):
                store.close(0.1)
            with self.assertRaises(ClosedError):
                store.get("key")
        other.execute("COMMIT")
        store.close(60)
        with SQLiteStore("a.db") as again:
            self.assertEqual(again.get("key"), "value")

    def test_what_was_opened_for_reading_refuses_writes(self) -> None:
        with SQLiteStore() as store:
            store.set("key", "value")
        with SQLiteStore(read_only=True) as store:
            for write in (
                lambda: store.set("key", "2"),
                lambda: store.delete("key"),
                lambda: store.touch("key", 60),
                lambda: store.run_transaction(lambda tx: tx.set("key", "2")),
            ):
                with self.assertRaises(ReadOnlyError):
                    write()
            self.assertEqual(store.get("key"), "value")

    def test_what_is_compressed_is_incompatible_without(self) -> None:
        with SQLiteStore(codec="json+zstd") as store:
            store.save_player("ada", {"username": "Ada" * 1000})
        with SQLiteStore() as store, self.assertRaisesRegex(IncompatibleError, "compressed"):
            store.load_player("ada")


if __name__ == "__main__":
    unittest.main()
