"""One interface, whatever the backend is."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Callable, Iterator, List, Optional, Tuple, Union

from native.bindings import (
    Json,
    Key,
    LoadReport,
    MigrateReport,
    NativeStorageBinding,
    Option,
    RecordInfo,
    Result,
    Transaction,
    Value,
)


class StorageManager:
    """A backend's calls, passed on: so that a program names its backend in one place.

        storage = StorageManager(SQLiteStore('joinly.db'))

    What they do, answer and raise is told at NativeStorageBinding.
    """

    def __init__(self, backend: NativeStorageBinding) -> None:
        self.backend = backend

    def save_lobby(
        self, lobby_id: str, lobby: Json, ttl: Optional[float] = None, expect: Optional[int] = None
    ) -> Optional[int]:
        """Saves a lobby; its version."""
        return self.backend.save_lobby(lobby_id, lobby, ttl, expect)

    def load_lobby(self, lobby_id: str) -> Optional[Json]:
        """The lobby; None when there is none."""
        return self.backend.load_lobby(lobby_id)

    def delete_lobby(self, lobby_id: str, expect: Optional[int] = None) -> None:
        """Deletes a lobby."""
        self.backend.delete_lobby(lobby_id, expect)

    def get_all_lobbies(self) -> List[str]:
        """The ids of all lobbies."""
        return self.backend.get_all_lobbies()

    def save_player(
        self, player_id: str, player: Json, ttl: Optional[float] = None, expect: Optional[int] = None
    ) -> Optional[int]:
        """Saves a player; its version."""
        return self.backend.save_player(player_id, player, ttl, expect)

    def load_player(self, player_id: str) -> Optional[Json]:
        """The player; None when there is none."""
        return self.backend.load_player(player_id)

    def delete_player(self, player_id: str, expect: Optional[int] = None) -> None:
        """Deletes a player."""
        self.backend.delete_player(player_id, expect)

    def get_all_players(self) -> List[str]:
        """The ids of all players."""
        return self.backend.get_all_players()

    def set(self, key: Key, value: Value, ttl: Optional[float] = None, expect: Optional[int] = None) -> Optional[int]:
        """Sets the value under a key; its version."""
        return self.backend.set(key, value, ttl, expect)

    def get(self, key: Key) -> Optional[str]:
        """The value as text; None when there is none."""
        return self.backend.get(key)

    def get_bytes(self, key: Key) -> Optional[bytes]:
        """The value as bytes."""
        return self.backend.get_bytes(key)

    def delete(self, key: Key, expect: Optional[int] = None) -> None:
        """Deletes what is under the key."""
        self.backend.delete(key, expect)

    def exists(self, key: Key) -> bool:
        """Whether there is a record."""
        return self.backend.exists(key)

    def keys(self, prefix: Key = "") -> List[str]:
        """All keys that begin so."""
        return self.backend.keys(prefix)

    def items(self, prefix: Key = "") -> Iterator[Tuple[str, str]]:
        """Keys and values."""
        return self.backend.items(prefix)

    def info(self, key: Key) -> Optional[RecordInfo]:
        """The record's version and expiry."""
        return self.backend.info(key)

    def touch(self, key: Key, ttl: Optional[float]) -> None:
        """Another time for the record."""
        self.backend.touch(key, ttl)

    def sweep(self, budget: float = 3600.0) -> int:
        """Erases what has expired."""
        return self.backend.sweep(budget)

    def transaction(self) -> Transaction:
        """Everything within the block, or nothing."""
        return self.backend.transaction()

    def run_transaction(self, work: Callable[[Transaction], Result], max_tries: int = 100) -> Result:
        """The same, tried again when others came first."""
        return self.backend.run_transaction(work, max_tries)

    def flush(self, timeout: Optional[float] = None) -> None:
        """Returns once everything acknowledged is in the backend."""
        self.backend.flush(timeout)

    def close(self, timeout: Optional[float] = None) -> None:
        """Flushes and closes the backend."""
        self.backend.close(timeout)

    def stats(self) -> Json:
        """What the store has done, holds and risks."""
        return self.backend.stats()

    def metrics(self, name: str = "joinly") -> str:
        """The same for Prometheus."""
        return self.backend.metrics(name)

    def backup(self, directory: Union[str, "os.PathLike[str]"], keep: int = 0, name: str = "joinly") -> str:
        """Copies the database, live and consistent; the new backup's path."""
        return self.backend.backup(directory, keep, name)

    def dump(self, file: Union[str, "os.PathLike[str]"]) -> int:
        """Writes everything as text; how many records."""
        return self.backend.dump(file)

    def load_dump(self, file: Union[str, "os.PathLike[str]"], existing: str = "refuse") -> LoadReport:
        """Puts what a dump holds into the backend, which has policy='none'."""
        return self.backend.load_dump(file, existing)

    def verify(self, thorough: bool = True) -> Json:
        """Whether everything is as it should be."""
        return self.backend.verify(thorough)

    def migrate_to(self, backend: str, path: Union[str, "os.PathLike[str]"], **options: Option) -> MigrateReport:
        """Copies everything into another database, and compares."""
        return self.backend.migrate_to(backend, path, **options)

    def __enter__(self) -> "StorageManager":
        return self

    def __exit__(
        self, kind: Optional[type], error: Optional[BaseException], where: Optional[TracebackType]
    ) -> None:
        self.close()
