"""SQLite: the default, one file, which SQL can read as well."""

from __future__ import annotations

import os
from typing import Union

from native.bindings import Json, NativeStorageBinding, Option, restore, salvage


class SQLiteStore(NativeStorageBinding):
    """A SQLite database. Several processes may have it open; each sees what the others commit.

        storage = SQLiteStore('joinly.db')
        storage = SQLiteStore(db_path='joinly.db', policy='write_behind', journal='joinly.journal')
    """

    def __init__(
        self,
        db_path: Union[str, "os.PathLike[str]"] = "joinly.db",
        policy: str = "write_through",
        library: str = "joinly_storage",
        **options: Option,
    ) -> None:
        """Opens the database, and creates it if there is none.

        Args:
            db_path: the file. Three more may lie beside it: to copy the database, use backup.
            policy: how cache and database work together: "none", "read_through", "write_through" or "write_behind".
            library: see native.library.
            options: sync='process_crash' does without an fsync for each write, read_only=True, sql_views=True gives SQL a view for
                each kind; the others are in joinly/c/joinly.h.
        """
        super().__init__(library, "sqlite", db_path, policy, **options)

    @staticmethod
    def restore(
        backup: Union[str, "os.PathLike[str]"],
        db_path: Union[str, "os.PathLike[str]"] = "joinly.db",
        journal: Union[str, "os.PathLike[str]", None] = None,
        library: str = "joinly_storage",
    ) -> None:
        """Brings a backup, as `backup` gave its path, to where a database was, or nothing. What was there is kept beside it, and so is the
        journal of a store under write_behind. BusyError: somebody has it open."""
        restore("sqlite", backup, db_path, journal, library)

    @staticmethod
    def repair(
        db_path: Union[str, "os.PathLike[str]"],
        into: Union[str, "os.PathLike[str]"],
        library: str = "joinly_storage",
    ) -> Json:
        """Makes a new database, where nothing may be (InvalidArgumentError), of every record that can be read of a damaged one, which stays
        as it is and which nobody may have open (BusyError). It tells how many 'records' it has, the library's own included, and how
        many are 'lost': the first of the 'lost_keys', and the 'gaps' that they were in; 'may_lack_names' when there may be others.
        CorruptError: nothing can be read; bring a backup back. If `verify` says then that an index does not cover everything, `joinly
        reindex` builds it anew."""
        return salvage("sqlite", db_path, into, library)
