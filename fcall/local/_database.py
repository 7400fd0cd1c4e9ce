"""A SQLite file that several threads and processes use, each process with a connection of its own."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator

from fcall.errors import ConfigurationError
from fcall.local._owners import Owner

__all__ = ["Database", "explained", "transaction"]

_PATIENCE = 5.0
"""Seconds to wait for another process that writes."""


class Database:
    """A file with one table, and this process as one of its owners.

    What is written survives the end of the process, whatever ends it. ``synchronous = NORMAL`` means that a failure of
    the machine's power may cost the last changes; it never costs the file.

    Args:
        path: the file; it is made where there is none, and may be read by this user alone.
        table: the statement that makes the table.
        version: of the table.

    Raises:
        ConfigurationError: the file cannot be opened, or is something else.
    """

    def __init__(self, path: str, table: str, version: int) -> None:
        self.path = path
        self._table = table
        self._version = version
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._owner: Owner | None = None
        self._finalizer = weakref.finalize(self, _closed, None, None)
        with _forking:
            _databases.add(self)
        with self.connected():
            pass

    @contextlib.contextmanager
    def connected(self) -> Iterator[tuple[sqlite3.Connection, str]]:
        """The connection, for one thread at a time, and the name of the owner. It is opened where it is not.

        Raises:
            ConfigurationError: the file cannot be opened.
        """
        with self._lock:
            if self._connection is None or self._owner is None:
                with explained(self.path):
                    self._connection, self._owner = self._opened()
                self._end_with(self._connection, self._owner)
            yield self._connection, self._owner.name

    def close(self) -> None:
        """Let go of the file, and own nothing in it any more. It is opened again when it is needed."""
        with self._lock:
            self._finalizer()
            self._connection = self._owner = None

    def _end_with(self, connection: sqlite3.Connection | None = None, owner: Owner | None = None) -> None:
        """Close these when this object is forgotten, or the process ends, and not what was said before."""
        self._finalizer.detach()
        self._finalizer = weakref.finalize(self, _closed, connection, owner)

    def _opened(self) -> tuple[sqlite3.Connection, Owner]:
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            _use_log(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            with transaction(connection):  # owners come and are looked for one at a time
                self._set_up(connection)
                owner = self._owner or Owner(self.path)
        except BaseException:
            connection.close()
            raise
        return connection, owner

    def _set_up(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if version == 0 and tables == 0:
            connection.execute(self._table)
            connection.execute(f"PRAGMA user_version = {self._version}")
        elif version != self._version:
            raise sqlite3.DatabaseError("it is a database of something else, or of another version of fcall")

    # Around a fork the connection is closed, since SQLite's must not be carried into another process.

    def before_fork(self) -> None:
        self._lock.acquire()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._end_with(None, self._owner)

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        self._lock = threading.Lock()
        self._end_with()
        if self._owner is not None:
            self._owner.abandon()
            self._owner = None


def _use_log(connection: sqlite3.Connection) -> None:
    """Have SQLite write ahead into a log. Where others open or close the file, it asks to be asked again."""
    ends_at = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends_at:
                raise
            time.sleep(0.005)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, and no other process writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # an error of the disk has ended it already
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Errors of SQLite and of the system as ConfigurationError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ConfigurationError(
            f"the durable queue cannot be kept in {path}: {error}; name a file in a folder of this machine that can be "
            "written"
        ) from error


def _closed(connection: sqlite3.Connection | None, owner: Owner | None) -> None:
    if connection is not None:
        connection.close()
    if owner is not None:
        owner.leave()


_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_forking = threading.Lock()
_held: list[Database] = []


def _before_fork() -> None:
    _forking.acquire()
    _held.extend(_databases)
    for database in _held:
        database.before_fork()


def _after_fork_in_parent() -> None:
    while _held:
        _held.pop().after_fork_in_parent()
    _forking.release()


def _after_fork_in_child() -> None:
    while _held:
        _held.pop().after_fork_in_child()
    _forking.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
