#ifndef JOINLY_C_JOINLY_H
#define JOINLY_C_JOINLY_H
/* The C interface of Joinly Storage: what the shared library joinly_storage exports, for C, Python and every language that can
   call C. C99 and C++.

       joinly_error error;
       joinly_store* store = NULL;
       if (joinly_open("sqlite", "joinly.db", "write_through", NULL, &store, &error)) return fail(error.message);
       const char* json = "{\"username\": \"PlayerOne\", \"skill_rating\": 1200}";
       joinly_save_player(store, "player_456", 10, json, strlen(json), 0, NULL, NULL, &error);
       char text[4096];
       int64_t size = joinly_load_player(store, "player_456", 10, text, sizeof text, NULL, &error);
       joinly_free(store);

   Rules, true of every function:

   - It never throws, aborts or prints. It answers a joinly_code, 0 for success; or, where it gives bytes, their number, or the
     code with a minus before it. The same code and a message are put into `error`, which belongs to the caller and may be NULL.
     That there is no memory is `full`, over SQLite and in memory; but LevelDB is not made for it, and where
     joinly_restore gets none at all any more, GCC's C++ library (12) may end the program as it removes a directory.
   - A pointer that is NULL where one is needed, a handle of another kind, a store that was closed, a size that nothing has: each is
     an error, not a crash. What C cannot tell is a pointer to freed memory, or a size beyond what is there.
   - Texts that end with a NUL are UTF-8. Keys, ids and values have a size, and may hold any bytes; what is given is copied.
   - Any thread may call anything, at the same time; but of one joinly_options, joinly_reader, joinly_page and joinly_transaction only one
     at a time. Nothing of the caller's is ever called, by no thread.
   - Where bytes are given, they go into the caller's buffer of `capacity` bytes if there is room for all; else none are written.
     Either way the answer is how many there are. A NULL buffer with capacity 0 asks just that.
   - Times are in milliseconds.

   Keys and values. A key `lobby:ID`, `player:ID`, `match:ID` or `queue:ID` holds an entity, and its value, wherever it is given or
   got, is a JSON object. It is stored so that C++ loads it as a joinly::Lobby, Player, Match or Queue and finds it by their indexes;
   so a member that they describe must be of their type (joinly/entity/lobby.hpp), or the call is `invalid_argument`. The member with
   the id is added where it is missing, and must otherwise be the key's. Under any other key there are bytes.

   Codecs. By default entities are stored as the JSON text that was given, to the letter, members that no C++ struct describes
   included: C++ opens the database with traits whose Codec is joinly::Json, and keeps those members, too. With the
   option codec=binary it is Protocol Buffers instead, C++'s own default and smaller; then a member that is not described is
   `invalid_argument`, and what is got has every described member. One database has one codec: the other's records are `corrupt`.
   json+zstd and binary+zstd compress entities of 512 bytes and more on top of that, as C++'s joinly::Zstd does; they read what was
   written without, and what they have written is `incompatible` without. */

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(JOINLY_BUILDS_LIBRARY)
#define JOINLY_API __declspec(dllexport)
#else
#define JOINLY_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define JOINLY_API __attribute__((visibility("default")))
#else
#define JOINLY_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- errors and versions ---------------------------------------------------------------------------------------------------- */

/* What kind of thing went wrong: joinly::Errc. Numbers never change their meaning; there may be more of them. */
typedef int32_t joinly_code;
enum {
    JOINLY_OK = 0,
    JOINLY_NOT_FOUND = 1,        /* no such record, or it has expired: an answer rather than a fault */
    JOINLY_CONFLICT = 2,         /* somebody else wrote first: load again, and decide anew */
    JOINLY_CORRUPT = 3,          /* stored bytes are damaged, or not what they should be */
    JOINLY_IO = 4,               /* the operating system or the engine could not read or write */
    JOINLY_FULL = 5,             /* no room: the disk, the memory, or a bounded queue */
    JOINLY_BUSY = 6,             /* somebody else holds it; trying again later may help */
    JOINLY_READ_ONLY = 7,        /* it was opened for reading, or cannot be written */
    JOINLY_INVALID_ARGUMENT = 8, /* the call can never succeed as made */
    JOINLY_UNSUPPORTED = 9,      /* this backend or build cannot do it */
    JOINLY_INCOMPATIBLE = 10,    /* written by a newer version, or by something else */
    JOINLY_TIMED_OUT = 11,       /* the deadline passed first */
    JOINLY_CLOSED = 12,          /* the store was closed, the transaction ended */
    JOINLY_CANCELLED = 13        /* the caller said to stop; nothing is left half-made */
};

/* Set by every call that takes one, on success, too. The message ends with a NUL and is cut off, at a whole character, where it is
   longer; empty on success. Messages are for people: programs look at the code. */
typedef struct joinly_error {
    joinly_code code;
    char message[508];
} joinly_error;

/* "not_found"; "unknown" for a number that is no code. Lasts for ever. */
JOINLY_API const char* joinly_code_name(joinly_code code);

/* The interface that this header describes, and the one that the library has. The first number of 65536 changes when a function
   that was there is not there any more, or does something else: a program refuses to go on then. The second grows with each
   addition. */
#define JOINLY_ABI_VERSION 0x00010003
JOINLY_API uint32_t joinly_abi_version(void);

/* The library's version: "0.1.0". Lasts for ever. */
JOINLY_API const char* joinly_version(void);

/* --- opening and closing ------------------------------------------------------------------------------------------------------ */

typedef struct joinly_store joinly_store;
typedef struct joinly_options joinly_options;
typedef uint64_t joinly_record_version; /* grows with each commit; 0: no record */

/* NULL when there is no memory. */
JOINLY_API joinly_options* joinly_options_new(void);

/* Numbers are decimal, yes and no are "true" and "false". `invalid_argument` names what is wrong: no such option, or a value that
   it does not take; whether the backend and the policy have the option shows when the store is opened.

       option            | default    | of                        |
       ------------------|------------|---------------------------|--------------------------------------------------------------
       codec             | json       | all                       | json, binary, json+zstd or binary+zstd: see above
       sync              | power_loss | sqlite, leveldb           | what a returned write survives: power_loss or process_crash
       read_only         | false      | sqlite                    | refuses writes, creates nothing
       busy_timeout      | 5000       | sqlite                    | how long a call waits for another process's lock
       sql_views         | false      | sqlite with codec json    | a view for each kind: lobby, player, match, queue
       compression       | true       | leveldb                   | blocks are compressed with Snappy
       capacity_entries  | 10000      | all policies but none     | entities that the cache holds
       absence_ttl       | 0          | all policies but none     | how long "there is none" may be kept
       foreign_check     | 100        | read_ and write_through   | how long another process's commit may go unseen
       max_delay         | 200        | write_behind              | a write is on its way to the backend so soon
       flush_entries     | 1000       | write_behind              | so many pending entries start a flush
       full_timeout      | 5000       | write_behind              | how long a write waits for room before it is `full`
       journal           | none       | write_behind, on a disk   | directory in which acknowledged writes survive a crash
       journal_sync      | process_crash | write_behind           | what an acknowledged write survives there */
JOINLY_API joinly_code joinly_options_set(joinly_options* options, const char* name, const char* value, joinly_error* error);
JOINLY_API void joinly_options_free(joinly_options* options);

/* Opens a store, and creates its database if there is none.

   `backend` is "sqlite" (path: a file), "leveldb" (a directory) or "memory" (path: NULL or empty). `policy` is "none", "read_through",
   "write_through" or "write_behind": where it stands what a returned write has survived is in joinly/policy/README.md. `options` may
   be NULL, and can be freed or used again afterwards. On success *store is to be freed with joinly_free; otherwise it is NULL. */
JOINLY_API joinly_code joinly_open(const char* backend, const char* path, const char* policy, const joinly_options* options,
                                   joinly_store** store, joinly_error* error);

/* Returns once everything acknowledged before the call is in the backend. timeout_ms: a backend that fails is tried again until
   then, and the answer then `timed_out`; -1: it is tried once. */
JOINLY_API joinly_code joinly_flush(joinly_store* store, int64_t timeout_ms, joinly_error* error);

/* Flushes, as above, and ends the store's work: every later call on it is `closed`. On success its files are let go of once the calls
   that other threads are in, and its transactions, have ended. Otherwise what could not be stored is kept, and close may be called
   again. Closing what is closed is no error. */
JOINLY_API joinly_code joinly_close(joinly_store* store, int64_t timeout_ms, joinly_error* error);

/* Closes, waiting for a backend that does not answer, and frees the handle; NULL is fine. No call may be under way, no transaction be
   left, and none come after. Call joinly_close before, to learn whether everything was stored. */
JOINLY_API void joinly_free(joinly_store* store);

/* --- records ------------------------------------------------------------------------------------------------------------------ */

/* About a record; filled in where something was found. */
typedef struct joinly_info {
    joinly_record_version version;
    int64_t expires_at; /* Unix time in milliseconds; INT64_MAX: never */
} joinly_info;

/* Sets the value under a key. ttl_ms: it expires so long from now; 0: never. expect: only if the record is at this version (0: if
   there is none), else `conflict`; NULL: whatever is there. version: where the new version is put, or NULL.
   A key has 1 to 1088 bytes, an id 1 to 1024, a value up to 512 MiB. */
JOINLY_API joinly_code joinly_set(joinly_store* store, const void* key, size_t key_size, const void* value, size_t value_size,
                                  int64_t ttl_ms, const joinly_record_version* expect, joinly_record_version* version,
                                  joinly_error* error);

/* The value under a key: its size, -JOINLY_NOT_FOUND, or another error. info may be NULL. */
JOINLY_API int64_t joinly_get(joinly_store* store, const void* key, size_t key_size, void* buffer, size_t capacity,
                              joinly_info* info, joinly_error* error);

/* As joinly_get, without a copy: for those who read much, and for languages whose own copy is to be the only one. A reader is for one
   thread at a time; it may be freed after its store. */
typedef struct joinly_reader joinly_reader;
JOINLY_API joinly_code joinly_reader_new(joinly_store* store, joinly_reader** reader, joinly_error* error);
/* The value under a key, which ends with a NUL besides and stays until the next call with this reader; NULL: there is none, or it
   could not be read. */
JOINLY_API const char* joinly_reader_get(joinly_reader* reader, const void* key, size_t key_size);
/* What came of that: the value's size, or its error. info may be NULL. */
JOINLY_API int64_t joinly_reader_outcome(joinly_reader* reader, joinly_info* info, joinly_error* error);
JOINLY_API void joinly_reader_free(joinly_reader* reader);

/* Erases the record; that there is none is an error (`conflict`) only if `expect` says that there should be. */
JOINLY_API joinly_code joinly_delete(joinly_store* store, const void* key, size_t key_size, const joinly_record_version* expect,
                                     joinly_error* error);

/* JOINLY_OK or JOINLY_NOT_FOUND. info may be NULL. */
JOINLY_API joinly_code joinly_exists(joinly_store* store, const void* key, size_t key_size, joinly_info* info,
                                     joinly_error* error);

/* The record expires so long from now; 0: never. `not_found` when there is none. `invalid_argument`: it is an entity of a C++ program's
   that has indexes. */
JOINLY_API joinly_code joinly_touch(joinly_store* store, const void* key, size_t key_size, int64_t ttl_ms, joinly_error* error);

/* Erases what has expired, until nothing is left or the time is up; expired records are absent anyhow. erased may be NULL. */
JOINLY_API joinly_code joinly_sweep(joinly_store* store, int64_t budget_ms, uint64_t* erased, joinly_error* error);

/* --- lobbies and players: the same by id, under "lobby:" and "player:" -------------------------------------------------------- */

JOINLY_API joinly_code joinly_save_lobby(joinly_store* store, const void* id, size_t id_size, const char* json, size_t json_size,
                                         int64_t ttl_ms, const joinly_record_version* expect, joinly_record_version* version,
                                         joinly_error* error);
JOINLY_API int64_t joinly_load_lobby(joinly_store* store, const void* id, size_t id_size, char* buffer, size_t capacity,
                                     joinly_info* info, joinly_error* error);
JOINLY_API joinly_code joinly_delete_lobby(joinly_store* store, const void* id, size_t id_size,
                                           const joinly_record_version* expect, joinly_error* error);
JOINLY_API joinly_code joinly_save_player(joinly_store* store, const void* id, size_t id_size, const char* json, size_t json_size,
                                          int64_t ttl_ms, const joinly_record_version* expect, joinly_record_version* version,
                                          joinly_error* error);
JOINLY_API int64_t joinly_load_player(joinly_store* store, const void* id, size_t id_size, char* buffer, size_t capacity,
                                      joinly_info* info, joinly_error* error);
JOINLY_API joinly_code joinly_delete_player(joinly_store* store, const void* id, size_t id_size,
                                            const joinly_record_version* expect, joinly_error* error);

/* --- listing ------------------------------------------------------------------------------------------------------------------ */

typedef struct joinly_page joinly_page;

enum { JOINLY_KEYS = 0, JOINLY_VALUES = 1 }; /* whether a page has the values as well */

/* Up to `limit` records whose keys begin with `prefix`, in the order of their bytes, behind `after` (size 0: from the first one), from
   one consistent snapshot, pending writes included. The next page begins behind this one's last key; a page with less than `limit` is
   the last. *page is to be freed. */
JOINLY_API joinly_code joinly_scan(joinly_store* store, const void* prefix, size_t prefix_size, const void* after,
                                   size_t after_size, size_t limit, int what, joinly_page** page, joinly_error* error);

/* The ids of lobbies, or players, as pages of keys without "lobby:" or "player:". */
JOINLY_API joinly_code joinly_list_lobbies(joinly_store* store, const void* after, size_t after_size, size_t limit,
                                           joinly_page** page, joinly_error* error);
JOINLY_API joinly_code joinly_list_players(joinly_store* store, const void* after, size_t after_size, size_t limit,
                                           joinly_page** page, joinly_error* error);

/* How many records; 0 for NULL. */
JOINLY_API size_t joinly_page_count(const joinly_page* page);
/* The key, and the value (empty in a page of keys), which last as long as the page and end with a NUL besides. NULL, and size 0, when
   there is no such record. */
JOINLY_API const char* joinly_page_key(const joinly_page* page, size_t index, size_t* size);
JOINLY_API const char* joinly_page_value(const joinly_page* page, size_t index, size_t* size);
JOINLY_API void joinly_page_free(joinly_page* page);

/* --- several at once ---------------------------------------------------------------------------------------------------------- */

typedef struct joinly_transaction joinly_transaction;

/* Begins a transaction: reads and writes that take effect together, when it is committed, or not at all. One that only writes is a
   batch. Nothing is locked meanwhile: what it reads is remembered, and the commit is `conflict` if anything of it has changed since,
   or if another program has changed which indexes there are of what it writes; begin again then. On success *transaction is to be
   freed, before its store. */
JOINLY_API joinly_code joinly_begin(joinly_store* store, joinly_transaction** transaction, joinly_error* error);

/* As joinly_set, joinly_get and joinly_delete; reads see what the transaction has written, whose version is 0 until it is
   committed. */
JOINLY_API joinly_code joinly_transaction_set(joinly_transaction* transaction, const void* key, size_t key_size, const void* value,
                                              size_t value_size, int64_t ttl_ms, const joinly_record_version* expect,
                                              joinly_error* error);
JOINLY_API int64_t joinly_transaction_get(joinly_transaction* transaction, const void* key, size_t key_size, void* buffer,
                                          size_t capacity, joinly_info* info, joinly_error* error);
JOINLY_API joinly_code joinly_transaction_delete(joinly_transaction* transaction, const void* key, size_t key_size,
                                                 const joinly_record_version* expect, joinly_error* error);
/* As joinly_scan, of keys. That nothing has come to what was listed, or left it, is part of what the commit requires. */
JOINLY_API joinly_code joinly_transaction_scan(joinly_transaction* transaction, const void* prefix, size_t prefix_size,
                                               const void* after, size_t after_size, size_t limit, joinly_page** page,
                                               joinly_error* error);

/* Makes all of it, with one version, or nothing. The transaction has ended then, either way. version may be NULL. */
JOINLY_API joinly_code joinly_commit(joinly_transaction* transaction, joinly_record_version* version, joinly_error* error);

/* Frees it; what was not committed has never been. NULL is fine. */
JOINLY_API void joinly_transaction_free(joinly_transaction* transaction);

/* --- the store itself --------------------------------------------------------------------------------------------------------- */

/* What it has done, holds and risks, as a JSON object: {"backend":"sqlite","policy":...,"cache":{"hit_rate":percent,...},...}. The
   names ending with _ms are times, in milliseconds; since_flush_ms is null before the first flush that stored something. */
JOINLY_API int64_t joinly_stats(joinly_store* store, char* buffer, size_t capacity, joinly_error* error);

/* The same for Prometheus to scrape: a page of text in its exposition format, every metric with the label store="name". Several stores
   need a page each, for a metric may stand on one but once. Since interface 1.1. */
JOINLY_API int64_t joinly_metrics(joinly_store* store, const char* name, char* buffer, size_t capacity, joinly_error* error);

/* Copies the database into `directory`, made if it is not there, as a new backup with a name that has the time, and a manifest
   (joinly/ops/backup.hpp): live and consistent, everything acknowledged before the call included; read back and proved before it gets
   its name, "joinly-2026-11-29T22-56-04Z". keep: so many of the newest ones of that name and backend are left; 0: all. The answer is
   its path's size, as of joinly_get; ask for it with room enough, for asking again makes another one. `unsupported`: the memory has
   nothing to copy. */
JOINLY_API int64_t joinly_backup(joinly_store* store, const char* directory, size_t keep, char* path, size_t capacity,
                                 joinly_error* error);

/* As joinly_backup, under a name that begins with `name` instead of "joinly": of a-z, 0-9 and '_', up to 63 characters. Give stores that
   share a directory names of their own: `keep` removes the older backups of a name, whichever store's they are. Since interface
   1.3. */
JOINLY_API int64_t joinly_backup_named(joinly_store* store, const char* directory, const char* name, size_t keep, char* path,
                                       size_t capacity, joinly_error* error);

/* Brings a backup to where a database was, or nothing, that nobody has open (`busy`): proved before it takes the place of what was
   there, which is kept beside it (joinly/ops/restore.hpp). Of the options, which may be NULL, the journal of the database is of
   interest: it is put aside as well. A process that is killed leaves the old database, or the restored one, whole. */
JOINLY_API joinly_code joinly_restore(const char* backend, const char* backup, const char* path, const joinly_options* options,
                                      joinly_error* error);

/* --- moving and mending a database; all since interface 1.2 -------------------------------------------------------------------- */

/* Writes everything that the store holds, of one moment, into a new text file: one JSON line for each record, which loads into a
   store of any backend and codec, here, by C++ and by the tool (joinly/ops/dump.hpp). It gets its name when all of it is on the
   disk; what is there already is not replaced (`invalid_argument`). records: where their number is put, the library's own included,
   or NULL. `corrupt`: a record is damaged, which is named. */
JOINLY_API joinly_code joinly_dump(joinly_store* store, const char* file, uint64_t* records, joinly_error* error);

/* What becomes of a record whose key the store has already: `conflict`, the dump's takes its place, or the store's stays. */
enum { JOINLY_REFUSE = 0, JOINLY_OVERWRITE = 1, JOINLY_SKIP = 2 };

/* Puts what a dump holds into the store, which was opened with the policy "none", for it goes past any cache: `invalid_argument`
   otherwise. Records keep their expiry and, where the store was empty, their versions. Of an error the message says the line; what
   stood in batches before it is loaded then, and the same call with JOINLY_SKIP goes on. `corrupt`: the line is none of a dump's,
   or the dump is cut off; `unsupported`: bytes of another codec. loaded and skipped: where the numbers of records are put, or NULL. */
JOINLY_API joinly_code joinly_load_dump(joinly_store* store, const char* file, int existing, uint64_t* loaded, uint64_t* skipped,
                                        joinly_error* error);

/* A buffer of so many bytes has room for any report of the two functions that give one: they do their work anew when asked again. */
enum { JOINLY_REPORT_BYTES = 65536 };

/* Reads everything, and tells as a JSON object whether it is as it should be: {"sound":false,"complete":true,"records":1200,
   "flaw_count":1,"kinds":{"player":1200},"unknown_kinds":[],"flaws":[{"key":"player:ada","code":"corrupt","what":"..."}],
   "cut_off":false}. A flaw is no error. thorough: 1 has the engine's own check done as well, which takes several times as long; 0
   does not. The records are those that are sound; not "complete": some could not even be looked for. Of "unknown_kinds" the values
   were not looked into. "cut_off": the lists have more than is told. */
JOINLY_API int64_t joinly_verify(joinly_store* store, int thorough, char* report, size_t capacity, joinly_error* error);

/* Copies everything, as of one moment, into a database of any backend but the memory, and compares (joinly/ops/migrate.hpp): with
   versions, expiry and indexes, and in the same codec. The target is empty or not there yet, or what a migration of this store that
   was stopped, or killed, has left: the same call then goes on. Otherwise it is `conflict`. The store may be used meanwhile; nobody
   may have the target open. options: as joinly_open takes them for the target without a cache; NULL is fine.
   records: where it is put how many the target has, and written: how many of these, and of the library's own, this call has put; or
   NULL. */
JOINLY_API joinly_code joinly_migrate(joinly_store* store, const char* backend, const char* path, const joinly_options* options,
                                      uint64_t* records, uint64_t* written, joinly_error* error);

/* Makes a damaged LevelDB database one that opens, in its place, with every record that can be read: keep a copy of the directory
   before. What is lost `joinly repair` of the tool tells. `busy`: somebody has it open. Of "sqlite" it is `unsupported`:
   joinly_salvage is for that. */
JOINLY_API joinly_code joinly_repair(const char* backend, const char* path, joinly_error* error);

/* Makes a new SQLite database at `into`, where nothing may be (`invalid_argument`), of every record that can be read of the damaged
   one at `path`, which stays as it is, and which nobody may have open (`busy`). It tells as a JSON object what is lost:
   {"records":1180,"lost":20,"may_lack_names":false,"gaps":["rows from number 100 to 131"],"lost_keys":["player:ada"],"cut_off":false}.
   The records include the library's own; "may_lack_names": more may be lost than
   was counted. `corrupt`: not even the schema can be read: only a backup helps. Of "leveldb" it is `unsupported`. */
JOINLY_API int64_t joinly_salvage(const char* backend, const char* path, const char* into, char* report, size_t capacity,
                                  joinly_error* error);

/* --- the cache by itself ------------------------------------------------------------------------------------------------------ */

typedef struct joinly_cache joinly_cache;

/* A map in memory of at most so many entries; when it is full, the least recently used one leaves. 0 entries cache nothing. */
JOINLY_API joinly_code joinly_cache_new(size_t capacity_entries, joinly_cache** cache, joinly_error* error);
JOINLY_API joinly_code joinly_cache_set(joinly_cache* cache, const void* key, size_t key_size, const void* value, size_t value_size,
                                        int64_t ttl_ms, joinly_error* error);
JOINLY_API int64_t joinly_cache_get(joinly_cache* cache, const void* key, size_t key_size, void* buffer, size_t capacity,
                                    joinly_error* error);
/* JOINLY_OK or JOINLY_NOT_FOUND. */
JOINLY_API joinly_code joinly_cache_delete(joinly_cache* cache, const void* key, size_t key_size, joinly_error* error);
JOINLY_API joinly_code joinly_cache_clear(joinly_cache* cache, joinly_error* error);
/* {"hits":...,"misses":...,"hit_rate":percent,"size":...,"max_size":...,"insertions":...,"evictions":...,"expirations":...} */
JOINLY_API int64_t joinly_cache_stats(joinly_cache* cache, char* buffer, size_t capacity, joinly_error* error);
JOINLY_API void joinly_cache_free(joinly_cache* cache);

#ifdef __cplusplus
}
#endif
#endif
