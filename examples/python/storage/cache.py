"""A cache in memory: bounded, expiring, shared by all threads."""

from __future__ import annotations

import ctypes
import json
import pickle
import weakref
from typing import Any, Dict, Optional

from native.bindings import Key, as_bytes, as_milliseconds, fetch_text
from native.library import NOT_FOUND, Call, load_library


class LRUCache:
    """At most `max_size` entries; when it is full, the one that was not used for longest leaves. Any thread may call.

        cache = LRUCache(max_size=1000)
        cache.set('key', 'value', ttl=300)
        value = cache.get('key')

    Values are whatever pickle takes; each get gives a copy, so that nobody changes what others see.
    """

    def __init__(self, max_size: int = 1000, library: str = "joinly_storage") -> None:
        if max_size < 0:
            raise ValueError("max_size must not be negative")
        self._library = load_library(library)
        self._call = Call()
        handle = ctypes.c_void_p()
        self._check(self._library.joinly_cache_new(max_size, ctypes.byref(handle), self._call.error_address))
        self._handle = handle.value or 0
        self._finalizer = weakref.finalize(self, self._library.joinly_cache_free, self._handle)

    def _check(self, code: int) -> None:
        if code:
            self._call.fail()

    def set(self, key: Key, value: Any, ttl: Optional[float] = None) -> None:
        """Sets or replaces an entry, which is gone after `ttl` seconds; None: it stays until it has to leave."""
        raw, kept = as_bytes(key), pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        self._check(
            self._library.joinly_cache_set(
                self._handle, raw, len(raw), kept, len(kept), as_milliseconds(ttl), self._call.error_address
            )
        )

    def get(self, key: Key, default: Any = None) -> Any:
        """The value, or `default` when there is none or it has expired. Counts as a hit or a miss."""
        raw, call = as_bytes(key), self._call
        while True:
            size = self._library.joinly_cache_get(
                self._handle, raw, len(raw), call.address, call.capacity, call.error_address
            )
            if 0 <= size <= call.capacity:
                return pickle.loads(call.view[:size])  # of this process's own making: it has never left the memory
            if size == -NOT_FOUND:
                return default
            if size < 0:
                call.fail()
            call.make_room(2 * size)

    def delete(self, key: Key) -> bool:
        """Whether there was an entry."""
        raw = as_bytes(key)
        code = self._library.joinly_cache_delete(self._handle, raw, len(raw), self._call.error_address)
        if code == NOT_FOUND:
            return False
        self._check(code)
        return True

    def clear(self) -> None:
        """Forgets all entries."""
        self._check(self._library.joinly_cache_clear(self._handle, self._call.error_address))

    def get_stats(self) -> Dict[str, Any]:
        """'hits', 'misses', 'hit_rate' in percent, 'size' and 'max_size' in entries, 'insertions', 'evictions', 'expirations'."""
        return json.loads(fetch_text(self._library.joinly_cache_stats, self._handle, self._call))

    def __len__(self) -> int:
        return self.get_stats()["size"]
