"""A store of the native library's: raw values, lobbies and players, transactions.

    from native.bindings import NativeStorageBinding

    storage = NativeStorageBinding('joinly_storage.dll')   # finds libjoinly_storage.so on Linux
    storage.set('key', 'value')
    storage.get('key')                                     # 'value'

storage.sqlite_store and storage.leveldb_store have the stores that keep things on a disk.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import weakref
from types import TracebackType
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, TypeVar, Union

from native.errors import ClosedError, ConflictError, InvalidArgumentError, NotFoundError
from native.library import NOT_FOUND, REPORT_BYTES, Call, Reader, load_library

Json = Dict[str, Any]
Key = Union[str, bytes]
Value = Union[str, bytes]
Option = Union[str, int, bool, "os.PathLike[str]", None]
Result = TypeVar("Result")

_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_scan_json = json.JSONDecoder().scan_once
_PAGE_SIZE = 1000
_NEVER = 2**63 - 1
_EXISTING = ("refuse", "overwrite", "skip")  # JOINLY_REFUSE and so on


class RecordInfo(NamedTuple):
    """About a record: its version, for `expect`, and when it expires, in Unix seconds; None: never."""

    version: int
    expires_at: Optional[float]


class LoadReport(NamedTuple):
    """What a dump's loading has done with its records."""

    loaded: int
    skipped: int  #: that were there already


class MigrateReport(NamedTuple):
    """What a migration has done."""

    records: int  #: that the target has, as the store does
    written: int  #: of these, and of the library's own, by this call: others were there from one that was stopped


def as_bytes(text: Union[str, bytes]) -> bytes:
    """Text as UTF-8. Bytes that are not came from `as_text`, and become again what they were (PEP 383)."""
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise TypeError(f"text or bytes are to be given, not {type(text).__name__}")
    return text.encode("utf-8", "surrogateescape")


def as_c_text(text: Union[str, bytes]) -> bytes:
    """Text that ends with a NUL for the library, so it cannot have one within."""
    raw = as_bytes(text)
    if b"\0" in raw:
        raise InvalidArgumentError(f"{text!r} has a NUL in it")
    return raw


def as_c_path(path: Union[str, bytes, "os.PathLike[str]"]) -> bytes:
    """As as_c_text, in the file system's encoding."""
    return as_c_text(os.fsencode(path))


def as_text(raw: bytes) -> str:
    """UTF-8 as text; other bytes are kept within it, and `as_bytes` gives them back."""
    return raw.decode("utf-8", "surrogateescape")


def as_milliseconds(ttl: Optional[float]) -> int:
    """Seconds as the library wants them: None is 0, for ever; what is not positive is refused."""
    if ttl is None:
        return 0
    if math.isnan(ttl) or ttl <= 0:
        raise InvalidArgumentError(f"a ttl must be positive, not {ttl} s")
    return math.ceil(min(ttl * 1000, _NEVER))


def _as_json(entity: Json) -> bytes:
    if not isinstance(entity, dict):
        raise TypeError(f"an entity is a dictionary, not {type(entity).__name__}")
    return _to_json(entity).encode("utf-8")


def _from_json(text: str) -> Json:
    try:
        return _scan_json(text, 0)[0]  # what json.loads does in the end
    except StopIteration:  # it begins with a blank
        return json.loads(text)


class _Records:
    """What a store and a transaction have in common: entities and values, by way of _set, _get, _delete, _keys, _info, _items and
    _touch."""

    def _set(self, key: bytes, value: bytes, ttl: Optional[float], expect: Optional[int]) -> Optional[int]:
        raise NotImplementedError

    def _get(self, key: bytes) -> Optional[str]:
        raise NotImplementedError

    def _load(self, key: bytes) -> Optional[Json]:
        text = self._get(key)
        return None if text is None else _from_json(text)

    def _delete(self, key: bytes, expect: Optional[int]) -> None:
        raise NotImplementedError

    def _keys(self, prefix: bytes) -> List[bytes]:
        raise NotImplementedError

    def _info(self, key: bytes) -> Optional[RecordInfo]:
        raise NotImplementedError

    def _items(self, prefix: bytes) -> Iterator[Tuple[bytes, bytes]]:
        raise NotImplementedError

    def _touch(self, key: bytes, ttl: Optional[float]) -> None:
        raise NotImplementedError

    # --- lobbies and players

    def save_lobby(
        self, lobby_id: str, lobby: Json, ttl: Optional[float] = None, expect: Optional[int] = None
    ) -> Optional[int]:
        """Saves a lobby, replacing what was there.

        Args:
            lobby_id: 1 to 1024 bytes of text. The dictionary's 'lobby_id' must be the same, and is added if it has none.
            lobby: a dictionary of what json.dumps takes, of numbers that are finite and text without lone surrogates, at most 130
                lists and dictionaries deep; else it is a ValueError. The members that C++ knows must be of its types
                (joinly/entity/lobby.hpp): 'state' is 'waiting', 'starting', 'in_game' or 'closed', 'players' a list of ids. All
                others are kept as they are.
            ttl: seconds after which it is gone; None: never.
            expect: save only if the record is at this version, 0: if there is none.

        Returns:
            the new version; None within a transaction, where only the commit has one.

        Raises:
            InvalidArgumentError: a member is not as C++ wants it, or the ttl is not positive; the message names it.
            ConflictError: `expect` was given and somebody else came first.
        """
        return self._set(b"lobby:" + as_bytes(lobby_id), _as_json(lobby), ttl, expect)

    def load_lobby(self, lobby_id: str) -> Optional[Json]:
        """The lobby as it was saved last, a dictionary of the caller's own; None when there is none, or it has expired."""
        return self._load(("lobby:" + lobby_id).encode("utf-8", "surrogateescape"))

    def delete_lobby(self, lobby_id: str, expect: Optional[int] = None) -> None:
        """Deletes the lobby. That there is none is an error only if `expect` says that there should be."""
        self._delete(b"lobby:" + as_bytes(lobby_id), expect)

    def get_all_lobbies(self) -> List[str]:
        """The ids of all lobbies, in the order of their bytes."""
        return [as_text(key[6:]) for key in self._keys(b"lobby:")]

    def save_player(
        self, player_id: str, player: Json, ttl: Optional[float] = None, expect: Optional[int] = None
    ) -> Optional[int]:
        """As save_lobby. C++ knows 'username', 'skill_rating' and what else is in joinly/entity/player.hpp."""
        return self._set(b"player:" + as_bytes(player_id), _as_json(player), ttl, expect)

    def load_player(self, player_id: str) -> Optional[Json]:
        """As load_lobby."""
        return self._load(("player:" + player_id).encode("utf-8", "surrogateescape"))

    def delete_player(self, player_id: str, expect: Optional[int] = None) -> None:
        """As delete_lobby."""
        self._delete(b"player:" + as_bytes(player_id), expect)

    def get_all_players(self) -> List[str]:
        """As get_all_lobbies."""
        return [as_text(key[7:]) for key in self._keys(b"player:")]

    # --- values

    def set(self, key: Key, value: Value, ttl: Optional[float] = None, expect: Optional[int] = None) -> Optional[int]:
        """Sets the value under a key, text or bytes. Under 'lobby:ID', 'player:ID', 'match:ID' and 'queue:ID' it must be the entity's
        JSON. Otherwise as save_lobby."""
        return self._set(as_bytes(key), as_bytes(value), ttl, expect)

    def get(self, key: Key) -> Optional[str]:
        """The value as text, None when there is none. Of bytes that are not UTF-8 nothing is lost: set takes the text, and get_bytes
        gives the bytes themselves."""
        return self._get(as_bytes(key))

    def get_bytes(self, key: Key) -> Optional[bytes]:
        """The value as bytes, None when there is none."""
        text = self._get(as_bytes(key))
        return None if text is None else as_bytes(text)

    def delete(self, key: Key, expect: Optional[int] = None) -> None:
        """As delete_lobby."""
        self._delete(as_bytes(key), expect)

    def exists(self, key: Key) -> bool:
        """Whether there is a record that has not expired."""
        return self._get(as_bytes(key)) is not None

    def keys(self, prefix: Key = "") -> List[str]:
        """All keys that begin with `prefix`, entities' keys included, in the order of their bytes. To get each and set it in another store
        gives it a new version there, and no expiry: migrate_to copies a store with both."""
        return [as_text(key) for key in self._keys(as_bytes(prefix))]

    def items(self, prefix: Key = "") -> Iterator[Tuple[str, str]]:
        """Keys and values, in the order of the keys' bytes. A store reads a thousand at a time, and each page is of one moment; a
        transaction reads each when it comes to it."""
        for key, value in self._items(as_bytes(prefix)):
            yield as_text(key), as_text(value)

    def info(self, key: Key) -> Optional[RecordInfo]:
        """The record's version and expiry, None when there is none. What a transaction has written itself has version 0."""
        return self._info(as_bytes(key))

    def touch(self, key: Key, ttl: Optional[float]) -> None:
        """Has the record live for so many seconds from now; None: for ever. NotFoundError: there is none."""
        self._touch(as_bytes(key), ttl)


class NativeStorageBinding(_Records):
    """An open store. Any thread may call anything; other threads of Python's run while the library works.

    To be closed, best by a `with`; what a write has survived before that is the policy's promise (joinly/policy/README.md).
    """

    def __init__(
        self,
        library: str = "joinly_storage",
        backend: str = "memory",
        path: Union[str, "os.PathLike[str]", None] = None,
        policy: str = "none",
        **options: Option,
    ) -> None:
        """Opens a store, and creates its database if there is none.

        Args:
            library: the library's name, by which it is found on every platform, or its path, and then no other is; see
                native.library.find_library.
            backend: "memory", which forgets, "sqlite" or "leveldb".
            path: of the database; None for the memory.
            policy: "none", "read_through", "write_through" or "write_behind".
            options: as joinly_options_set has them (joinly/c/joinly.h); None: the default.

        Raises:
            OSError: the library is not there.
            StorageError: the store could not be opened: see the code and the message.
        """
        self._library = load_library(library)
        self._call = Call()
        self._read = self._library.joinly_reader_get
        self._handle = self._open(backend, path, policy, options)
        self._finalizer = weakref.finalize(self, self._library.joinly_free, self._handle)

    def _open(self, backend: str, path: Any, policy: str, options: Dict[str, Any]) -> int:
        chosen = _make_options(self._library, self._call, options)
        try:
            handle = ctypes.c_void_p()
            place = as_c_path(path) if path is not None else None
            self._check(
                self._library.joinly_open(
                    as_c_text(backend), place, as_c_text(policy), chosen, ctypes.byref(handle), self._call.error_address
                )
            )
            return handle.value or 0
        finally:
            self._library.joinly_options_free(chosen)

    def _check(self, code: int) -> None:
        if code:
            self._call.fail()

    # --- what _Records stands on; a transaction of this thread's takes part in all of it

    def _set(self, key: bytes, value: bytes, ttl: Optional[float], expect: Optional[int]) -> Optional[int]:
        if self._call.transaction is not None:
            return self._call.transaction._set(key, value, ttl, expect)
        version = ctypes.c_uint64()
        self._check(
            self._library.joinly_set(
                self._handle,
                key,
                len(key),
                value,
                len(value),
                as_milliseconds(ttl),
                _expected(expect),
                ctypes.byref(version),
                self._call.error_address,
            )
        )
        return version.value

    def _get(self, key: bytes) -> Optional[str]:
        call = self._call
        if call.transaction is not None:
            return call.transaction._get(key)
        return _fetch(self._library.joinly_get, self._handle, key, call)

    def _load(self, key: bytes) -> Optional[Json]:
        """What a game does all the time, so without a detour: one call without a copy, whose text ctypes makes bytes of."""
        call = self._call
        reader = call.reader
        if reader is None:
            return self._load_otherwise(key)
        text = self._read(reader, key, len(key))
        if text is None:
            return self._absent(call)
        try:
            return _scan_json(text.decode(), 0)[0]  # what json.loads does in the end
        except StopIteration:  # it begins with a blank
            return json.loads(text)

    def _load_otherwise(self, key: bytes) -> Optional[Json]:
        call = self._call
        if call.transaction is not None:
            return call.transaction._load(key)
        if call.reader_owner is None:
            call.reader_owner = Reader(self._library, self._handle, call)
        call.reader = call.reader_owner.handle
        return self._load(key)

    def _absent(self, call: Call) -> None:
        if self._library.joinly_reader_outcome(call.reader, None, call.error_address) != -NOT_FOUND:
            call.fail()

    def _delete(self, key: bytes, expect: Optional[int]) -> None:
        if self._call.transaction is not None:
            return self._call.transaction._delete(key, expect)
        self._check(self._library.joinly_delete(self._handle, key, len(key), _expected(expect), self._call.error_address))
        return None

    def _keys(self, prefix: bytes) -> List[bytes]:
        if self._call.transaction is not None:
            return self._call.transaction._keys(prefix)
        return [key for key, _ in self._scan(prefix, 0)]

    def _scan(self, prefix: bytes, what: int) -> Iterator[Tuple[bytes, bytes]]:
        after = b""
        while True:
            page = ctypes.c_void_p()
            self._check(
                self._library.joinly_scan(
                    self._handle, prefix, len(prefix), after, len(after), _PAGE_SIZE, what, ctypes.byref(page), self._call.error_address
                )
            )
            records = _read_page(self._library, page, bool(what))
            yield from records
            if len(records) < _PAGE_SIZE:
                return
            after = records[-1][0]

    def _info(self, key: bytes) -> Optional[RecordInfo]:
        call = self._call
        if call.transaction is not None:
            return call.transaction._info(key)
        code = self._library.joinly_exists(self._handle, key, len(key), call.info_address, call.error_address)
        if code == NOT_FOUND:
            return None
        self._check(code)
        return _record_info(call)

    def _items(self, prefix: bytes) -> Iterator[Tuple[bytes, bytes]]:
        if self._call.transaction is not None:
            return self._call.transaction._items(prefix)
        return self._scan(prefix, 1)

    def _touch(self, key: bytes, ttl: Optional[float]) -> None:
        if self._call.transaction is not None:
            return self._call.transaction._touch(key, ttl)
        self._check(self._library.joinly_touch(self._handle, key, len(key), as_milliseconds(ttl), self._call.error_address))
        return None

    # --- the rest

    def sweep(self, budget: float = 3600.0) -> int:
        """Erases what has expired, for at most so many seconds; how many records. They are absent to every call anyhow. No part of a
        transaction: InvalidArgumentError within one."""
        if self._call.transaction is not None:
            raise InvalidArgumentError("sweep cannot be part of a transaction, and one of this thread's is under way")
        erased = ctypes.c_uint64()
        self._check(
            self._library.joinly_sweep(self._handle, _as_timeout(budget), ctypes.byref(erased), self._call.error_address)
        )
        return erased.value

    def transaction(self) -> Transaction:
        """Reads and writes that take effect together, or not at all:

            with storage.transaction() as tx:
                lobby = tx.load_lobby('lobby_123')
                lobby['players'].append('player_456')
                tx.save_lobby('lobby_123', lobby)

        At the end of the block everything is committed at once, provided that nothing has changed that was read within: else
        ConflictError, and nothing is written (run_transaction tries again). An exception within the block leaves everything as
        it was. This store's own calls by this thread, within the block, are part of it; of sweep, flush, close, stats and backup,
        which are of the store as a whole, sweep is refused there, and the others do not see what is not committed.
        """
        return Transaction(self)

    def run_transaction(self, work: Callable[[Transaction], Result], max_tries: int = 100) -> Result:
        """Calls `work(tx)` in a transaction, and again when others came first; what the call returned that was committed. `work` may be
        called several times, so it must do nothing besides that cannot be done again."""
        for tries_left in range(max_tries - 1, -1, -1):
            try:
                with self.transaction() as tx:
                    result = work(tx)
                return result
            except ConflictError:
                if tries_left == 0:
                    raise
        raise InvalidArgumentError("max_tries must be positive")

    def flush(self, timeout: Optional[float] = None) -> None:
        """Returns once everything acknowledged before is in the backend. With a timeout, in seconds, a backend that fails is tried
        again until then; math.inf: for ever."""
        self._check(self._library.joinly_flush(self._handle, _as_timeout(timeout), self._call.error_address))

    def close(self, timeout: Optional[float] = None) -> None:
        """Flushes and ends the store's work: every later call is a ClosedError, but this one. Files are let go of once the calls that
        other threads are in have ended."""
        self._check(self._library.joinly_close(self._handle, _as_timeout(timeout), self._call.error_address))

    def stats(self) -> Json:
        """What the store has done, holds and risks: 'operations' and 'errors' by their names, 'size_on_disk' in bytes, logs included, and
        'size_by_part'; 'hit_rate' of the 'cache' in percent."""
        text = fetch_text(self._library.joinly_stats, self._handle, self._call)
        return _from_json(text)

    def metrics(self, name: str = "joinly") -> str:
        """The same as the text that Prometheus scrapes, every metric with the label store="name"."""
        return fetch_text(self._library.joinly_metrics, self._handle, self._call, as_c_text(name))

    def backup(self, directory: Union[str, "os.PathLike[str]"], keep: int = 0, name: str = "joinly") -> str:
        """Copies the database, live and consistent, into a directory of backups; the path of the new one. It is read back and proved
        first. A copy of the database's files by other means would miss what is in the logs. SQLiteStore.restore and LevelDBStore.restore
        bring it back.

        Args:
            directory: made if it is not there.
            keep: so many of the newest of that name are left; 0: all.
            name: what its name begins with, before the time: of a-z, 0-9 and '_'. Give stores that share a directory names of their own:
                `keep` removes the older backups of a name, whichever store's they are.
        """
        path = ctypes.create_string_buffer(8192)
        size = self._library.joinly_backup_named(
            self._handle, as_c_path(directory), as_c_text(name), keep, path, len(path), self._call.error_address
        )
        if size < 0:
            self._call.fail()
        return os.fsdecode(path.raw[:size])

    def dump(self, file: Union[str, "os.PathLike[str]"]) -> int:
        """Writes everything, of one moment, into a new text file, one JSON line for each record; how many there were, the library's own
        included. Any store loads it, whatever its backend and codec. The file is there when it is whole, and never replaces another
        one, which is an InvalidArgumentError. CorruptError: a record is damaged."""
        records = ctypes.c_uint64()
        self._check(self._library.joinly_dump(self._handle, as_c_path(file), ctypes.byref(records), self._call.error_address))
        return records.value

    def load_dump(self, file: Union[str, "os.PathLike[str]"], existing: str = "refuse") -> LoadReport:
        """Puts what a dump holds into the store, which is to be opened with policy='none' for that: it goes past any cache. Records keep
        their expiry and, where the store was empty, their versions.

        Args:
            file: as `dump` has written it.
            existing: what becomes of a record that is there already: 'refuse' makes it a ConflictError, 'overwrite' replaces it, 'skip'
                leaves it. After an error, which names the line, 'skip' goes on.

        Raises:
            InvalidArgumentError: the store has a cache.
            CorruptError: the file is no dump, or cut off.
        """
        if existing not in _EXISTING:
            raise InvalidArgumentError(f"existing is one of {', '.join(_EXISTING)}, not {existing!r}")
        loaded, skipped = ctypes.c_uint64(), ctypes.c_uint64()
        self._check(
            self._library.joinly_load_dump(
                self._handle,
                as_c_path(file),
                _EXISTING.index(existing),
                ctypes.byref(loaded),
                ctypes.byref(skipped),
                self._call.error_address,
            )
        )
        return LoadReport(loaded.value, skipped.value)

    def verify(self, thorough: bool = True) -> Json:
        """Reads everything, and tells whether it is 'sound': how many 'records' are, in total and by 'kinds', and of what is not the
        'flaw_count' and the first 'flaws', each with its 'key', 'code' and 'what'. Not 'complete': not all could be looked for. Without
        `thorough` the engine's own check is left out, which takes several times as long."""
        call = self._call
        call.make_room(max(call.capacity, REPORT_BYTES))
        size = self._library.joinly_verify(self._handle, int(bool(thorough)), call.address, call.capacity, call.error_address)
        return _read_report(size, call)

    def migrate_to(self, backend: str, path: Union[str, "os.PathLike[str]"], **options: Option) -> MigrateReport:
        """Copies everything, of one moment, into a database of the backend "sqlite" or "leveldb", with versions, expiry and indexes, and
        compares. The target is empty, or not there yet, or what a migration of this store that was stopped or killed has left: the same
        call then goes on. Otherwise it is a ConflictError. This store may be used meanwhile; nobody may have the target open.

            storage.migrate_to('leveldb', 'joinly_leveldb')

        `options` are the target's, as for opening it; the codec is this store's."""
        records, written = ctypes.c_uint64(), ctypes.c_uint64()
        chosen = _make_options(self._library, self._call, options)
        try:
            self._check(
                self._library.joinly_migrate(
                    self._handle,
                    as_c_text(backend),
                    as_c_path(path),
                    chosen,
                    ctypes.byref(records),
                    ctypes.byref(written),
                    self._call.error_address,
                )
            )
        finally:
            self._library.joinly_options_free(chosen)
        return MigrateReport(records.value, written.value)

    def __enter__(self: Any) -> Any:
        return self

    def __exit__(
        self, kind: Optional[type], error: Optional[BaseException], where: Optional[TracebackType]
    ) -> None:
        self.close()


def restore(
    backend: str,
    backup: Union[str, "os.PathLike[str]"],
    path: Union[str, "os.PathLike[str]"],
    journal: Union[str, "os.PathLike[str]", None] = None,
    library: str = "joinly_storage",
) -> None:
    """See SQLiteStore.restore."""
    native, call = load_library(library), Call()
    options = _make_options(native, call, {"journal": journal})
    try:
        if native.joinly_restore(as_c_text(backend), as_c_path(backup), as_c_path(path), options, call.error_address):
            call.fail()
    finally:
        native.joinly_options_free(options)


def repair(backend: str, path: Union[str, "os.PathLike[str]"], library: str = "joinly_storage") -> None:
    """See LevelDBStore.repair."""
    native, call = load_library(library), Call()
    if native.joinly_repair(as_c_text(backend), as_c_path(path), call.error_address):
        call.fail()


def salvage(
    backend: str,
    path: Union[str, "os.PathLike[str]"],
    into: Union[str, "os.PathLike[str]"],
    library: str = "joinly_storage",
) -> Json:
    """See SQLiteStore.repair."""
    native, call = load_library(library), Call()
    call.make_room(REPORT_BYTES)
    size = native.joinly_salvage(
        as_c_text(backend), as_c_path(path), as_c_path(into), call.address, call.capacity, call.error_address
    )
    return _read_report(size, call)


class Transaction(_Records):
    """See NativeStorageBinding.transaction. For one thread."""

    def __init__(self, store: NativeStorageBinding) -> None:
        self._store = store
        self._library = store._library
        self._call = store._call
        handle = ctypes.c_void_p()
        if self._library.joinly_begin(store._handle, ctypes.byref(handle), self._call.error_address):
            self._call.fail()
        self._handle = handle.value
        self._finalizer = weakref.finalize(self, self._library.joinly_transaction_free, self._handle)
        self.version: Optional[int] = None  #: of everything that was written, once it is committed

    def _open_handle(self) -> int:
        if self._handle is None:
            raise ClosedError("the transaction has ended")
        return self._handle

    def _set(self, key: bytes, value: bytes, ttl: Optional[float], expect: Optional[int]) -> Optional[int]:
        code = self._library.joinly_transaction_set(
            self._open_handle(), key, len(key), value, len(value), as_milliseconds(ttl), _expected(expect), self._call.error_address
        )
        if code:
            self._call.fail()
        return None

    def _get(self, key: bytes) -> Optional[str]:
        return _fetch(self._library.joinly_transaction_get, self._open_handle(), key, self._call)

    def _delete(self, key: bytes, expect: Optional[int]) -> None:
        if self._library.joinly_transaction_delete(self._open_handle(), key, len(key), _expected(expect), self._call.error_address):
            self._call.fail()

    def _keys(self, prefix: bytes) -> List[bytes]:
        found: List[bytes] = []
        after = b""
        while True:
            page = ctypes.c_void_p()
            if self._library.joinly_transaction_scan(
                self._open_handle(), prefix, len(prefix), after, len(after), _PAGE_SIZE, ctypes.byref(page), self._call.error_address
            ):
                self._call.fail()
            keys = [key for key, _ in _read_page(self._library, page, False)]
            found += keys
            if len(keys) < _PAGE_SIZE:
                return found
            after = keys[-1]

    def _info(self, key: bytes) -> Optional[RecordInfo]:
        call = self._call
        size = self._library.joinly_transaction_get(
            self._open_handle(), key, len(key), None, 0, call.info_address, call.error_address
        )
        if size == -NOT_FOUND:
            return None
        if size < 0:
            call.fail()
        return _record_info(call)

    def _items(self, prefix: bytes) -> Iterator[Tuple[bytes, bytes]]:
        for key in self._keys(prefix):
            value = self._get(key)
            if value is not None:  # it has expired, or was deleted, since the keys were listed
                yield key, as_bytes(value)

    def _touch(self, key: bytes, ttl: Optional[float]) -> None:
        value = self._get(key)
        if value is None:
            raise NotFoundError(f"{as_text(key)}: there is none to touch")
        self._set(key, as_bytes(value), ttl, None)

    def commit(self) -> int:
        """Makes all of it, or, on ConflictError, nothing; the version. It has ended then. The end of the `with` block does this."""
        version = ctypes.c_uint64()
        code = self._library.joinly_commit(self._open_handle(), ctypes.byref(version), self._call.error_address)
        if code:
            self._call.fail()
        self.version = version.value
        return self.version

    def rollback(self) -> None:
        """Ends it; nothing has been written, and every later call is a ClosedError. An exception in the `with` block does this."""
        self._finalizer()
        self._handle = None

    def __enter__(self) -> Transaction:
        if self._call.transaction is not None:
            raise InvalidArgumentError("a transaction of this thread's is under way already")
        self._call.transaction = self
        self._call.reader = None
        return self

    def __exit__(
        self, kind: Optional[type], error: Optional[BaseException], where: Optional[TracebackType]
    ) -> None:
        self._call.transaction = None
        try:
            if kind is None and self._handle is not None and self.version is None:
                self.commit()
        finally:
            self.rollback()


def _make_options(library: ctypes.CDLL, call: Call, options: Dict[str, Any]) -> Any:
    """Options of the library's, to be freed."""
    chosen = library.joinly_options_new()
    try:
        for name, value in options.items():
            if value is None:
                continue
            text = as_c_path(str(value).lower() if isinstance(value, bool) else str(value))
            if library.joinly_options_set(chosen, as_c_text(name), text, call.error_address):
                call.fail()
    except BaseException:
        library.joinly_options_free(chosen)
        raise
    return chosen


def _read_report(size: int, call: Call) -> Json:
    """What has just been put into the call's buffer, which had room for it."""
    if size < 0:
        call.fail()
    return json.loads(str(call.view[:size], "utf-8"))


def _expected(version: Optional[int]) -> Any:
    return None if version is None else ctypes.byref(ctypes.c_uint64(version))


def _as_timeout(timeout: Optional[float]) -> int:
    """Seconds as the library wants them: None is -1, once; infinity is for ever."""
    if timeout is None:
        return -1
    if math.isnan(timeout):
        raise InvalidArgumentError("a time in seconds is to be given, not nan")
    return math.ceil(max(0, min(timeout * 1000, _NEVER)))


def _record_info(call: Call) -> RecordInfo:
    """What the last call has told of a record."""
    expires_at = call.info.expires_at
    return RecordInfo(call.info.version, None if expires_at == _NEVER else expires_at / 1000)


def _fetch(get: Any, handle: Optional[int], key: bytes, call: Call) -> Optional[str]:
    while True:
        size = get(handle, key, len(key), call.address, call.capacity, None, call.error_address)
        if 0 <= size <= call.capacity:
            return str(call.view[:size], "utf-8", "surrogateescape")
        if size == -NOT_FOUND:
            return None
        if size < 0:
            call.fail()
        call.make_room(2 * size)


def fetch_text(get: Any, handle: int, call: Call, *arguments: bytes) -> str:
    """What a function without a key gives: statistics."""
    while True:
        size = get(handle, *arguments, call.address, call.capacity, call.error_address)
        if 0 <= size <= call.capacity:
            return str(call.view[:size], "utf-8")
        if size < 0:
            call.fail()
        call.make_room(2 * size)


def _read_page(library: ctypes.CDLL, page: ctypes.c_void_p, with_values: bool) -> List[Tuple[bytes, bytes]]:
    """The page's records; it is freed."""
    try:
        size = ctypes.c_size_t()
        at = ctypes.byref(size)
        records = []
        for index in range(library.joinly_page_count(page)):
            key = ctypes.string_at(library.joinly_page_key(page, index, at), size.value)
            value = ctypes.string_at(library.joinly_page_value(page, index, at), size.value) if with_values else b""
            records.append((key, value))
        return records
    finally:
        library.joinly_page_free(page)
