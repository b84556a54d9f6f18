"""What the documentation of the former Python library shows, run as it stands there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
import unittest

from tests.test_storage import InFolder


class Documentation(InFolder):
    def test_sqlite_storage(self) -> None:
        from storage.base import StorageManager
        from storage.sqlite_store import SQLiteStore

        backend = SQLiteStore('joinly.db')
        storage = StorageManager(backend)
        storage.close()
        storage = SQLiteStore(
            db_path='joinly.db'
        )
        storage.close()

    def test_leveldb_storage(self) -> None:
        from storage.base import StorageManager
        from storage.leveldb_store import LevelDBStore

        backend = LevelDBStore('joinly_leveldb')
        storage = StorageManager(backend)
        storage.close()

    def test_in_memory_cache(self) -> None:
        from storage.cache import LRUCache

        cache = LRUCache(max_size=1000)
        cache.set('key', 'value', ttl=300)
        value = cache.get('key')
        self.assertEqual(value, 'value')

        stats = cache.get_stats()
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            print(f"Hit rate: {stats['hit_rate']}%")
            print(f"Size: {stats['size']}/{stats['max_size']}")
        self.assertEqual(printed.getvalue(), "Hit rate: 100.0%\nSize: 1/1000\n")

    def test_storage_manager(self) -> None:
        from storage.base import StorageManager
        from storage.sqlite_store import SQLiteStore

        storage = StorageManager(SQLiteStore('joinly.db'))
        self.addCleanup(storage.close)
        lobby_data = {
            'lobby_id': 'lobby_123',
            'state': 'waiting',
            'players': ['player_456']
        }

        storage.save_lobby('lobby_123', lobby_data)
        lobby = storage.load_lobby('lobby_123')
        self.assertEqual(lobby, lobby_data)
        player_data = {
            'player_id': 'player_456',
            'username': 'PlayerOne',
            'skill_rating': 1200
        }

        storage.save_player('player_456', player_data)
        player = storage.load_player('player_456')
        self.assertEqual(player, player_data)
        lobby_ids = storage.get_all_lobbies()
        self.assertEqual(lobby_ids, ['lobby_123'])
        player_ids = storage.get_all_players()
        self.assertEqual(player_ids, ['player_456'])
        storage.delete_lobby('lobby_123')
        self.assertIsNone(storage.load_lobby('lobby_123'))

    def test_native_storage(self) -> None:
        from native.bindings import NativeStorageBinding

        storage = NativeStorageBinding('joinly_storage.dll')
        storage.set('key', 'value')
        value = storage.get('key')
        self.assertEqual(value, 'value')
        storage.delete('key')
        self.assertIsNone(storage.get('key'))

    def test_read_through_by_hand(self) -> None:
        from storage.cache import LRUCache
        from storage.sqlite_store import SQLiteStore

        storage = self.opened(SQLiteStore('joinly.db'))
        cache = LRUCache(max_size=10)
        storage.set('key', 'value')
        value = cache.get('key')
        if value is None:
            value = storage.get('key')
            cache.set('key', value)
        self.assertEqual(cache.get('key'), 'value')

    def test_data_serialization(self) -> None:
        from storage.sqlite_store import SQLiteStore

        storage = self.opened(SQLiteStore('joinly.db'))
        lobby_id = 'lobby_123'
        lobby_json = json.dumps({'state': 'waiting'})
        storage.set(f'lobby:{lobby_id}', lobby_json)
        self.assertEqual(storage.load_lobby(lobby_id), {'state': 'waiting', 'lobby_id': 'lobby_123'})

    def test_cleanup(self) -> None:
        from storage.sqlite_store import SQLiteStore

        storage = self.opened(SQLiteStore('joinly.db'))
        storage.save_lobby('old', {'created_at': time.time() - 100000})
        storage.save_lobby('new', {'created_at': time.time()})

        def cleanup_old_data():
            all_lobbies = storage.get_all_lobbies()
            current_time = time.time()

            for lobby_id in all_lobbies:
                lobby = storage.load_lobby(lobby_id)
                if current_time - lobby['created_at'] > 86400:
                    storage.delete_lobby(lobby_id)

        cleanup_old_data()
        self.assertEqual(storage.get_all_lobbies(), ['new'])

    def test_transactions(self) -> None:
        from storage.sqlite_store import SQLiteStore

        storage = self.opened(SQLiteStore('joinly.db'))
        lobby_id, lobby_data = 'lobby_123', {'players': ['player_456']}
        players = [{'player_id': 'player_456'}, {'player_id': 'player_457', 'skill_rating': 'not a number'}]
        with self.assertRaises(Exception):
            with storage.transaction():
                storage.save_lobby(lobby_id, lobby_data)
                for player in players:
                    storage.save_player(player['player_id'], player)
        self.assertEqual(storage.keys(), [])  # as was shown, the lobby and a player would be left

    def test_storage_size_backup_and_recovery(self) -> None:
        from storage.sqlite_store import SQLiteStore

        storage = SQLiteStore('joinly.db')
        storage.set('key', 'value')
        db_size = os.path.getsize('joinly.db')
        self.assertGreaterEqual(storage.stats()['size_on_disk'], db_size)
        backup = storage.backup('backups')  # instead of `cp`, which misses what is in the logs
        storage.set('key', 'another value')
        storage.close()
        SQLiteStore.restore(backup, 'joinly.db')  # instead of shutil.copy, which leaves the logs of the old one beside it
        storage = SQLiteStore('joinly.db')
        self.assertEqual(storage.get('key'), 'value')
        storage.close()

    def test_migration(self) -> None:
        from storage.leveldb_store import LevelDBStore
        from storage.sqlite_store import SQLiteStore

        sqlite = self.opened(SQLiteStore('joinly.db'))
        leveldb = self.opened(LevelDBStore('joinly_leveldb'))
        sqlite.save_player('player_456', {'username': 'PlayerOne'})
        sqlite.set('key', 'value')

        for key in sqlite.keys():
            value = sqlite.get(key)
            leveldb.set(key, value)

        self.assertEqual(leveldb.load_player('player_456'), sqlite.load_player('player_456'))
        self.assertEqual(leveldb.get('key'), 'value')


if __name__ == "__main__":
    unittest.main()
