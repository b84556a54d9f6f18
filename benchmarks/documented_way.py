#!/usr/bin/env python3
"""The documented Python way, as a peer: a dictionary as JSON into sqlite3 or plyvel, one transaction for each save.

Names are those of benchmarks/backend.cpp, and so are the rows: a hundred thousand of 200 bytes. `python` is the way as it is
written in the documentation, with SQLite's defaults; `python_wal` what an expert would set: WAL, synchronous=NORMAL.
"""

import json
import pathlib
import random
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import results  # noqa: E402

try:
    import plyvel
except ImportError:
    plyvel = None

ROWS = 100_000
TIMES = 200  # in a repetition: each waits for the disk


def player(number):
    return {"player_id": f"player_{number:06}", "username": f"User of the number {number}", "skill_rating": 1200, "bio": "x" * 90}


class Sqlite:
    def __init__(self, directory, pragmas):
        self.connection = sqlite3.connect(f"{directory}/db")
        self.connection.executescript(f"{pragmas}; CREATE TABLE players (player_id TEXT PRIMARY KEY, data TEXT)")
        rows = ((f"player_{n:06}", json.dumps(player(n))) for n in range(ROWS))
        with self.connection:
            self.connection.executemany("INSERT INTO players VALUES (?, ?)", rows)

    def save(self, player_id, data):
        self.connection.execute("INSERT OR REPLACE INTO players (player_id, data) VALUES (?, ?)", (player_id, json.dumps(data)))
        self.connection.commit()

    def load(self, player_id):
        row = self.connection.execute("SELECT data FROM players WHERE player_id = ?", (player_id,)).fetchone()
        return json.loads(row[0])


class LevelDb:
    def __init__(self, directory):
        self.database = plyvel.DB(f"{directory}/db", create_if_missing=True)
        with self.database.write_batch() as batch:
            for number in range(ROWS):
                batch.put(f"player:player_{number:06}".encode(), json.dumps(player(number)).encode())

    def save(self, player_id, data):
        self.database.put(f"player:{player_id}".encode(), json.dumps(data).encode())

    def load(self, player_id):
        return json.loads(self.database.get(f"player:{player_id}".encode()))


def measure(store, repetitions, chosen):
    """Nanoseconds of CPU for each save and each load, by repetition."""
    saves, loads = [], []
    for _ in range(repetitions):
        numbers = [chosen.randrange(ROWS) for _ in range(TIMES)]
        begin = time.process_time_ns()
        for number in numbers:
            store.save(f"player_{number:06}", player(number))
        middle = time.process_time_ns()
        for number in numbers:
            assert store.load(f"player_{number:06}")["skill_rating"] == 1200
        saves.append((middle - begin) / TIMES)
        loads.append((time.process_time_ns() - middle) / TIMES)
    return saves, loads


def main():
    given, _ = results.arguments(__doc__.split("\n", maxsplit=1)[0]).parse_known_args()
    ways = {"sqlite/python": lambda directory: Sqlite(directory, "PRAGMA user_version"),
            "sqlite/python_wal": lambda directory: Sqlite(directory, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"),
            "leveldb/python": LevelDb}
    if plyvel is None:
        print("left out, because it is not installed: plyvel (python3-plyvel)", file=sys.stderr)
        given.benchmark_context += ",left out: plyvel=python3-plyvel"
        del ways["leveldb/python"]
    costs, chosen = {}, random.Random(1)
    for name, opened in ways.items():
        with tempfile.TemporaryDirectory() as directory:
            costs[f"put/{name}"], costs[f"get/{name}"] = measure(opened(directory), given.benchmark_repetitions, chosen)
    for name, times in costs.items():
        print(f"{name:24} {sorted(times)[len(times) // 2] / 1e3:8.1f} us")
    if given.benchmark_out:
        results.write(given.benchmark_out, given.benchmark_context, costs, {})


if __name__ == "__main__":
    main()
