"""What can go wrong, as exceptions. Each has the library's code for it: see joinly/c/joinly.h."""

from __future__ import annotations


class StorageError(Exception):
    """The base of them all.

    Attributes:
        code: the name of what went wrong, to decide on: "conflict", "busy", ...
        message: the library's words, for people.
    """

    code = "unknown"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NotFoundError(StorageError):
    """There is no such record. Only calls that cannot answer None raise it."""

    code = "not_found"


class ConflictError(StorageError):
    """Somebody else wrote first: load again, and decide anew."""

    code = "conflict"


class CorruptError(StorageError):
    """Stored bytes are damaged, or were written by another codec."""

    code = "corrupt"


class StorageIOError(StorageError):
    """The operating system or the engine could not read or write."""

    code = "io"


class FullError(StorageError):
    """No room: the disk, the memory, or a bounded queue."""

    code = "full"


class BusyError(StorageError):
    """Somebody else holds it; trying again later may help."""

    code = "busy"


class ReadOnlyError(StorageError):
    """It was opened for reading, or cannot be written."""

    code = "read_only"


class InvalidArgumentError(StorageError, ValueError):
    """The call can never succeed as made."""

    code = "invalid_argument"


class UnsupportedError(StorageError):
    """This backend, or this build of the library, cannot do it."""

    code = "unsupported"


class IncompatibleError(StorageError):
    """Written by a newer version of the library, or by something else."""

    code = "incompatible"


class TimedOutError(StorageError, TimeoutError):
    """The deadline passed first."""

    code = "timed_out"


class ClosedError(StorageError):
    """The store was closed, or the transaction has ended."""

    code = "closed"


class CancelledError(StorageError):
    """The caller said to stop; nothing is left half-made."""

    code = "cancelled"


# By number, as joinly.h has them.
_BY_CODE: dict[int, type[StorageError]] = dict(
    enumerate(
        (
            NotFoundError,
            ConflictError,
            CorruptError,
            StorageIOError,
            FullError,
            BusyError,
            ReadOnlyError,
            InvalidArgumentError,
            UnsupportedError,
            IncompatibleError,
            TimedOutError,
            ClosedError,
            CancelledError,
        ),
        start=1,
    )
)


def error_of(code: int, message: str) -> StorageError:
    """The exception for a code of the library's, also for one that this package does not know yet."""
    return _BY_CODE.get(code, StorageError)(message)
