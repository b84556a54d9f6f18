"""LevelDB: a directory, fast to write. Nothing else is to be installed for it: it is in the library."""

from __future__ import annotations

import os
from typing import Union

from native.bindings import NativeStorageBinding, Option, repair, restore


class LevelDBStore(NativeStorageBinding):
    """A LevelDB database, which one process can have open at a time.

        storage = LevelDBStore('joinly_leveldb')
    """

    def __init__(
        self,
        db_path: Union[str, "os.PathLike[str]"] = "joinly_leveldb",
        policy: str = "write_through",
        library: str = "joinly_storage",
        **options: Option,
    ) -> None:
        """Opens the database, and creates it if there is none.

        Args:
            db_path: the directory.
            policy: how cache and database work together: "none", "read_through", "write_through" or "write_behind".
            library: see native.library.
            options: sync='process_crash' does without an fsync for each write, compression=False; the others are in
                joinly/c/joinly.h.
        """
        super().__init__(library, "leveldb", db_path, policy, **options)

    @staticmethod
    def restore(
        backup: Union[str, "os.PathLike[str]"],
        db_path: Union[str, "os.PathLike[str]"] = "joinly_leveldb",
        journal: Union[str, "os.PathLike[str]", None] = None,
        library: str = "joinly_storage",
    ) -> None:
        """Brings a backup, as `backup` gave its path, to where a database was, or nothing. What was there is kept beside it, and so is the
        journal of a store under write_behind. BusyError: somebody has it open."""
        restore("leveldb", backup, db_path, journal, library)

    @staticmethod
    def repair(db_path: Union[str, "os.PathLike[str]"], library: str = "joinly_storage") -> None:
        """Makes a damaged database one that opens, in its place, with every record that can be read; what else it has held is gone, so
        keep a copy of the directory. BusyError: somebody has it open. `verify` then tells whether it is sound. `joinly repair` does the
        same, tells what is lost, and builds indexes anew that are not whole, as `joinly reindex` does by itself."""
        repair("leveldb", db_path, library)
