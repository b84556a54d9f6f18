"""The cache: what its docstrings promise."""

from __future__ import annotations

import threading
import unittest

from native.errors import InvalidArgumentError
from storage.cache import LRUCache


class Cache(unittest.TestCase):
    def test_values_come_back_as_copies(self) -> None:
        cache = LRUCache(max_size=100)
        for value in ("text", b"bytes", 1, 2.5, True, [1, "two"], {"a": (1, {2})}, "ä" * 10_000):
            cache.set("key", value)
            self.assertEqual(cache.get("key"), value)
            self.assertIs(type(cache.get("key")), type(value))
        cache.set("key", [])
        cache.get("key").append(1)
        self.assertEqual(cache.get("key"), [])
        self.assertIsNone(cache.get("other"))
        self.assertEqual(cache.get("other", "none"), "none")

    def test_the_least_recently_used_entry_leaves(self) -> None:
        cache = LRUCache(max_size=2)
        cache.set("a", 1)
        cache.set("b", 2)
        cache.get("a")
        cache.set("c", 3)
        self.assertEqual([cache.get(key) for key in "abc"], [1, None, 3])
        self.assertEqual(len(cache), 2)

    def test_entries_expire(self) -> None:
        cache = LRUCache()
        cache.set("key", "value", ttl=300)
        self.assertEqual(cache.get("key"), "value")
        cache.set("key", "value", ttl=0.001)
        while cache.get("key") is not None:
            pass
        self.assertEqual(cache.get_stats()["expirations"], 1)
        with self.assertRaises(InvalidArgumentError):
            cache.set("key", "value", ttl=0)

    def test_statistics(self) -> None:
        cache = LRUCache(max_size=10)
        self.assertEqual(cache.get_stats()["hit_rate"], 0)
        cache.set("a", 1)
        for key in ("a", "a", "a", "b"):
            cache.get(key)
        stats = cache.get_stats()
        self.assertEqual(stats["hit_rate"], 75.0)
        self.assertEqual((stats["size"], stats["max_size"]), (1, 10))
        self.assertTrue(cache.delete("a"))
        self.assertFalse(cache.delete("a"))
        cache.set("a", 1)
        cache.clear()
        self.assertEqual(len(cache), 0)

    def test_threads_share_it(self) -> None:
        cache = LRUCache(max_size=50)
        wrong = []

        def work(number: int) -> None:
            for round_ in range(300):
                key = str((number * 7 + round_) % 100)
                cache.set(key, {"key": key})
                found = cache.get(key)
                if found is not None and found["key"] != key:
                    wrong.append(found)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertLessEqual(len(cache), 50)


if __name__ == "__main__":
    unittest.main()
