"""Finds joinly_storage, loads it, and tells ctypes what its functions take: joinly/c/joinly.h, in Python's words."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from ctypes import POINTER, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Iterator, NoReturn

from native.errors import error_of

#: A path of the library, which comes before every other place.
ENVIRONMENT_VARIABLE = "JOINLY_LIBRARY"

NOT_FOUND = 1
REPORT_BYTES = 65536  # JOINLY_REPORT_BYTES
_ABI_MAJOR = 1


class Error(ctypes.Structure):
    """joinly_error"""

    _fields_ = [("code", c_int32), ("message", ctypes.c_char * 508)]


class Info(ctypes.Structure):
    """joinly_info"""

    _fields_ = [("version", c_uint64), ("expires_at", c_int64)]


# Results and arguments, in the order of the header. The last one is the error everywhere; addresses are c_void_p, which takes
# a plain int and so costs least.
_BYTES = [c_char_p, c_size_t]
_SET = [*_BYTES, *_BYTES, c_int64, POINTER(c_uint64)]
_GET = [*_BYTES, c_void_p, c_size_t, c_void_p]
_PAGE = POINTER(c_void_p)
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "joinly_abi_version": (c_uint32, []),
    "joinly_version": (c_char_p, []),
    "joinly_options_new": (c_void_p, []),
    "joinly_options_set": (c_int32, [c_void_p, c_char_p, c_char_p, c_void_p]),
    "joinly_options_free": (None, [c_void_p]),
    "joinly_open": (c_int32, [c_char_p, c_char_p, c_char_p, c_void_p, POINTER(c_void_p), c_void_p]),
    "joinly_flush": (c_int32, [c_void_p, c_int64, c_void_p]),
    "joinly_close": (c_int32, [c_void_p, c_int64, c_void_p]),
    "joinly_free": (None, [c_void_p]),
    "joinly_set": (c_int32, [c_void_p, *_SET, POINTER(c_uint64), c_void_p]),
    "joinly_get": (c_int64, [c_void_p, *_GET, c_void_p]),
    "joinly_reader_new": (c_int32, [c_void_p, POINTER(c_void_p), c_void_p]),
    "joinly_reader_get": (c_char_p, [c_void_p, *_BYTES]),
    "joinly_reader_outcome": (c_int64, [c_void_p, c_void_p, c_void_p]),
    "joinly_reader_free": (None, [c_void_p]),
    "joinly_delete": (c_int32, [c_void_p, *_BYTES, POINTER(c_uint64), c_void_p]),
    "joinly_exists": (c_int32, [c_void_p, *_BYTES, c_void_p, c_void_p]),
    "joinly_touch": (c_int32, [c_void_p, *_BYTES, c_int64, c_void_p]),
    "joinly_sweep": (c_int32, [c_void_p, c_int64, POINTER(c_uint64), c_void_p]),
    "joinly_scan": (c_int32, [c_void_p, *_BYTES, *_BYTES, c_size_t, c_int, _PAGE, c_void_p]),
    "joinly_page_count": (c_size_t, [c_void_p]),
    "joinly_page_key": (c_void_p, [c_void_p, c_size_t, POINTER(c_size_t)]),
    "joinly_page_value": (c_void_p, [c_void_p, c_size_t, POINTER(c_size_t)]),
    "joinly_page_free": (None, [c_void_p]),
    "joinly_begin": (c_int32, [c_void_p, POINTER(c_void_p), c_void_p]),
    "joinly_transaction_set": (c_int32, [c_void_p, *_SET, c_void_p]),
    "joinly_transaction_get": (c_int64, [c_void_p, *_GET, c_void_p]),
    "joinly_transaction_delete": (c_int32, [c_void_p, *_BYTES, POINTER(c_uint64), c_void_p]),
    "joinly_transaction_scan": (c_int32, [c_void_p, *_BYTES, *_BYTES, c_size_t, _PAGE, c_void_p]),
    "joinly_commit": (c_int32, [c_void_p, POINTER(c_uint64), c_void_p]),
    "joinly_transaction_free": (None, [c_void_p]),
    "joinly_stats": (c_int64, [c_void_p, c_void_p, c_size_t, c_void_p]),
    "joinly_metrics": (c_int64, [c_void_p, c_char_p, c_void_p, c_size_t, c_void_p]),
    "joinly_backup_named": (c_int64, [c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, c_size_t, c_void_p]),
    "joinly_restore": (c_int32, [c_char_p, c_char_p, c_char_p, c_void_p, c_void_p]),
    "joinly_dump": (c_int32, [c_void_p, c_char_p, POINTER(c_uint64), c_void_p]),
    "joinly_load_dump": (c_int32, [c_void_p, c_char_p, c_int, POINTER(c_uint64), POINTER(c_uint64), c_void_p]),
    "joinly_verify": (c_int64, [c_void_p, c_int, c_void_p, c_size_t, c_void_p]),
    "joinly_migrate": (c_int32, [c_void_p, c_char_p, c_char_p, c_void_p, POINTER(c_uint64), POINTER(c_uint64), c_void_p]),
    "joinly_repair": (c_int32, [c_char_p, c_char_p, c_void_p]),
    "joinly_salvage": (c_int64, [c_char_p, c_char_p, c_char_p, c_void_p, c_size_t, c_void_p]),
    "joinly_cache_new": (c_int32, [c_size_t, POINTER(c_void_p), c_void_p]),
    "joinly_cache_set": (c_int32, [c_void_p, *_BYTES, *_BYTES, c_int64, c_void_p]),
    "joinly_cache_get": (c_int64, [c_void_p, *_BYTES, c_void_p, c_size_t, c_void_p]),
    "joinly_cache_delete": (c_int32, [c_void_p, *_BYTES, c_void_p]),
    "joinly_cache_clear": (c_int32, [c_void_p, c_void_p]),
    "joinly_cache_stats": (c_int64, [c_void_p, c_void_p, c_size_t, c_void_p]),
    "joinly_cache_free": (None, [c_void_p]),
}


def _suffix() -> str:
    return {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


def _file_names(name: str) -> list[str]:
    """What the platform calls a library: "joinly_storage.dll" is libjoinly_storage.so on Linux."""
    stem = os.path.basename(name)
    for suffix in (".dll", ".so", ".dylib"):
        stem = stem.removesuffix(suffix)
    stem = stem.removeprefix("lib")
    names = [f"lib{stem}{_suffix()}"]
    return [f"{stem}.dll", *names] if sys.platform == "win32" else names


def _folders() -> Iterator[Path]:
    package = Path(__file__).resolve().parent
    yield package  # beside this file, and beside the packages
    yield package.parent
    yield package.parent.parent / "native"  # where `cmake .` in examples/native leaves it
    builds = package.parent.parent.parent / "build"
    for build in (builds, *sorted(builds.glob("*"))):
        yield build / "examples" / "native"


def find_library(name: str = "joinly_storage") -> str:
    """The library's path: what JOINLY_LIBRARY says; else `name`, if it has a folder, as it is or as the platform calls it, and no other;
    else the first place that has it, beside the package and in the build folders; else the bare name, for the system's loader to
    look up."""
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        return chosen
    folders, names = _folders(), _file_names(name)
    if os.path.dirname(name):
        folders = iter([Path(name).parent])
        # The file itself comes first, unless it is of another platform.
        names = sorted([os.path.basename(name), *names], key=lambda file_name: not file_name.endswith(_suffix()))
    for folder in folders:
        for file_name in names:
            if (folder / file_name).is_file():
                return str((folder / file_name).resolve())
    return os.path.abspath(name) if os.path.dirname(name) else names[0]


_loaded: dict[str, ctypes.CDLL] = {}
_loading = threading.Lock()


def load_library(name: str = "joinly_storage") -> ctypes.CDLL:
    """The library, loaded once. Calls of its functions let other Python threads run meanwhile.

    Raises:
        OSError: it was not found, or is another one.
    """
    path = find_library(name)
    with _loading:
        if path not in _loaded:
            try:
                library = ctypes.CDLL(path)
            except OSError as error:
                raise OSError(
                    f"{error}: build it with `cmake . && cmake --build .` in examples/native, or say with "
                    f"{ENVIRONMENT_VARIABLE} where it is"
                ) from error
            _declare(library, path)
            _loaded[path] = library
        return _loaded[path]


def _declare(library: ctypes.CDLL, path: str) -> None:
    for name, (result, arguments) in _SIGNATURES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise OSError(f"{path} is no joinly_storage, or an older one: it has no {name}") from None
        function.restype = result
        function.argtypes = arguments
    version = library.joinly_abi_version()
    if version >> 16 != _ABI_MAJOR:
        raise OSError(f"{path} has interface {version >> 16}; this package was written for {_ABI_MAJOR}")


class Reader:
    """A joinly_reader, freed when nobody has it any more."""

    def __init__(self, library: ctypes.CDLL, store: int, call: "Call") -> None:
        handle = c_void_p()
        self._free = library.joinly_reader_free
        self.handle: Any = None
        if library.joinly_reader_new(store, ctypes.byref(handle), call.error_address):
            call.fail()
        self.handle = handle.value

    def __del__(self) -> None:
        self._free(self.handle)


class Call(threading.local):
    """What a thread makes its calls with: room for an answer, and for an error; and the transaction that it is in."""

    def __init__(self) -> None:
        self.transaction: Any = None
        self.error = Error()
        self.error_address = ctypes.addressof(self.error)
        self.info = Info()
        self.info_address = ctypes.addressof(self.info)
        self.make_room(4096)
        self.reader_owner: Any = None
        self.reader: Any = None  # its handle, except in a transaction, which a load must not pass by

    def make_room(self, capacity: int) -> None:
        self.buffer = ctypes.create_string_buffer(capacity)
        self.address = ctypes.addressof(self.buffer)
        self.capacity = capacity
        self.view = memoryview(self.buffer).cast("B")

    def fail(self) -> NoReturn:
        """Raises the error that the last call has left."""
        raise error_of(self.error.code, self.error.message.decode("utf-8", "replace"))
