"""What a load of a cached player costs in Python, part by part, in CPU time: medians of nine rounds that take turns.

    cd examples/native && cmake . && cmake --build . && cd -
    python3 benchmarks/python_load.py

The goal: at most 3 us above a call of ctypes that does nothing. Half of that is Python's own reading of the JSON text.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples" / "python"))

from storage.base import StorageManager  # noqa: E402
from storage.cache import LRUCache  # noqa: E402
from storage.sqlite_store import SQLiteStore  # noqa: E402

CALLS, ROUNDS, GOAL = 20_000, 9, 3.0
PLAYER = {
    "player_id": "player_456",
    "username": "PlayerOne",
    "skill_rating": 1200,
    "created_at": 1700000000.5,
    "attributes": {"level": "3"},
}


def microseconds(call, *arguments) -> float:
    start = time.process_time()
    for _ in range(CALLS):
        call(*arguments)
    return (time.process_time() - start) / CALLS * 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, SQLiteStore(Path(folder) / "a.db", sync="process_crash") as store:
        store.save_player("player_456", PLAYER)
        text = store.get("player:player_456")
        cache = LRUCache(max_size=10)
        cache.set("player_456", PLAYER)
        empty = "a ctypes call that does nothing"
        load = "load_player, cached"
        subjects = {
            empty: (store._library.joinly_abi_version,),
            load: (store.load_player, "player_456"),
            "the same by a StorageManager": (StorageManager(store).load_player, "player_456"),
            "of that: reading the JSON (json.loads without its detours)": (json.JSONDecoder().scan_once, text, 0),
            "for comparison: json.loads alone": (json.loads, text),
            "LRUCache.get of the same dictionary": (cache.get, "player_456"),
        }
        rounds = [{name: microseconds(*call) for name, call in subjects.items()} for _ in range(ROUNDS)]
        medians = {name: statistics.median(one[name] for one in rounds) for name in subjects}
    for name, cost in medians.items():
        print(f"{cost:8.2f} us  {name}")
    above = medians[load] - medians[empty]
    print(f"{above:8.2f} us above a call that does nothing; the goal, {GOAL:.0f} us, is {'met' if above <= GOAL else 'missed'}")


if __name__ == "__main__":
    main()
