"""Lobbies and players of a game, kept: in SQLite, in LevelDB, behind one manager; and a cache.

    from storage.sqlite_store import SQLiteStore
    from storage.base import StorageManager

    with StorageManager(SQLiteStore('joinly.db')) as storage:
        storage.save_player('player_456', {'username': 'PlayerOne', 'skill_rating': 1200})
        player = storage.load_player('player_456')
"""
