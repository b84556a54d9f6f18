#ifndef JOINLY_FWD_HPP
#define JOINLY_FWD_HPP
// Names and default arguments only: for headers that mention a store without using it.

#include <joinly/config.hpp>

JOINLY_NAMESPACE_BEGIN

class Error;
struct Batch;
struct Record;
struct KeyRange;

template <class T>
struct Entity;
struct Lobby;
struct Match;
struct Player;
struct Queue;

struct Binary;
struct Json;

class MemoryBackend;
class SqliteBackend;
class LevelDbBackend;

struct NoCache;
struct ReadThrough;
struct WriteThrough;
struct WriteBehind;

struct DefaultTraits;

/// SQLite, because it is there everywhere; write-through, because it loses nothing and is fast to read.
template <class Backend = SqliteBackend, class CachePolicy = WriteThrough, class Traits = DefaultTraits>
class Store;

template <class T>
class Loaded;

JOINLY_NAMESPACE_END
#endif
