"""The store of a durable queue: accepted events in a file, until they are done."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from typing import Any, TypeAlias

from fcall._invocation import Invocation
from fcall._log import logger
from fcall.errors import ConfigurationError, Executed, ProviderUnavailableError
from fcall.local._database import Database, explained, transaction
from fcall.local._events import Event
from fcall.local._nesting import Nesting
from fcall.local._owners import living_owners

__all__ = ["Store"]

_VERSION = 1
_TABLE = """
CREATE TABLE events (
    request_id TEXT PRIMARY KEY,
    owner TEXT,
    runtime TEXT NOT NULL,
    root TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    failure BLOB,
    facts TEXT NOT NULL,
    payload BLOB NOT NULL
)
"""
_INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM events WHERE request_id = ?"
_UPDATE = "UPDATE events SET attempts = ?, failure = ? WHERE request_id = ?"
_RELEASE = "UPDATE events SET owner = NULL WHERE request_id = ?"
_NOBODYS = "(owner IS NULL OR owner NOT IN (SELECT value FROM json_each(?)))"
_OURS = f"{_NOBODYS} AND runtime = ? AND root IN ('', ?)"
_SELECT = f"SELECT * FROM events WHERE {_OURS} ORDER BY accepted_at"  # noqa: S608 - only constants are put together
_TAKE = f"UPDATE events SET owner = ? WHERE {_OURS}"  # noqa: S608
_COUNT = f"SELECT count(*) FROM events WHERE {_NOBODYS}"  # noqa: S608

Write: TypeAlias = Callable[[sqlite3.Connection, str], object]


class Store:
    """Events in a file, each owned by the store that has to run it. It may be used from many threads.

    Stores with the same file share it: none takes an event of another one that lives, in this process or elsewhere.

    Args:
        path: the file; it is made where there is none.
        runtime: events of this runtime are taken over,
        root: and of these, the ones of code in this folder and of registered functions.

    Raises:
        ConfigurationError: the file cannot be opened, or is something else.
    """

    def __init__(self, path: str, runtime: str, root: str) -> None:
        self.path = os.path.abspath(path)
        self._runtime = runtime
        self._root = os.path.abspath(root)
        self._database = Database(self.path, _TABLE, _VERSION)

    def add(self, event: Event) -> None:
        """Keep an event. When this returns, it survives the process.

        Raises:
            ProviderUnavailableError: it could not be written, and is not there.
        """
        try:
            with self._database.connected() as (connection, owner):
                connection.execute(_INSERT, self._row(event, owner))
        except sqlite3.Error as error:
            raise ProviderUnavailableError(
                f"the event could not be kept in {self.path}: {error}; see that there is room and nobody holds it",
                executed=Executed.NO,
            ) from error

    def remove(self, event: Event) -> None:
        """Forget an event that is done."""
        self._write(lambda connection, owner: connection.execute(_DELETE, (event.request_id,)))

    def update(self, event: Event) -> None:
        """Keep what an attempt changed."""
        changes = (event.attempts, event.failure, event.request_id)
        self._write(lambda connection, owner: connection.execute(_UPDATE, changes))

    def release(self, event: Event) -> None:
        """Own an event no more: whoever looks next may take it."""
        self._write(lambda connection, owner: connection.execute(_RELEASE, (event.request_id,)))

    def replace(self, event: Event, by: Event) -> None:
        """Forget an event and keep another one: both or neither."""

        def write(connection: sqlite3.Connection, owner: str) -> None:
            with transaction(connection):
                connection.execute(_INSERT, self._row(by, owner))
                connection.execute(_DELETE, (event.request_id,))

        self._write(write)

    def take_over(self) -> tuple[list[Event], int]:
        """The events that nobody who lives owns; now they are this store's.

        Returns:
            The events, the oldest first, and how many others nobody owns: of another runtime or folder.

        Raises:
            ConfigurationError: the file cannot be used.
        """
        with explained(self.path), self._database.connected() as (connection, owner), transaction(connection):
            living = json.dumps(living_owners(self.path))
            scope = (living, self._runtime, self._root)
            rows = connection.execute(_SELECT, scope).fetchall()
            connection.execute(_TAKE, (owner, *scope))
            (others,) = connection.execute(_COUNT, (living,)).fetchone()
        return [_event(row) for row in rows], others

    def close(self) -> None:
        """Let go of the file; what is left in it is nobody's. It is opened again when it is needed."""
        self._database.close()

    def _write(self, write: Write) -> None:
        """Write, or say in the log that it was not possible: the event is done here, and the file does not know."""
        try:
            with self._database.connected() as (connection, owner):
                write(connection, owner)
        except (sqlite3.Error, ConfigurationError) as error:
            logger.error("%s could not be written, so an event may run again: %s", self.path, error)

    def _row(self, event: Event, owner: str) -> tuple[Any, ...]:
        call = event.invocation
        is_code = call.configured and ":" in (call.function_id or call.function)
        facts = {
            "function": call.function,
            "service": call.service,
            "function_id": call.function_id,
            "qualifier": call.qualifier,
            "context": call.invoker_context,
            "configured": call.configured,
            "nesting": event.nesting,
            "is_record": event.is_record,
        }
        return (
            event.request_id,
            owner,
            self._runtime,
            self._root if is_code else "",
            event.accepted_at,
            event.attempts,
            event.failure,
            json.dumps(facts, separators=(",", ":")),
            call.payload,
        )


def _event(row: tuple[Any, ...]) -> Event:
    request_id, _, _, _, accepted_at, attempts, failure, text, payload = row
    facts = json.loads(text)
    invocation = Invocation(
        facts["function"],
        facts["service"],
        "Async",
        payload,
        facts["context"],
        facts["qualifier"],
        facts["function_id"],
        configured=facts["configured"],
    )
    return Event(invocation, request_id, Nesting(*facts["nesting"]), accepted_at, attempts, failure, facts["is_record"])
