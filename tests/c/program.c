/* A program in C99 that keeps a lobby and its players: what README.md shows, and a little of everything else. */
#include <joinly/c/joinly.h>

#include <stdio.h>
#include <string.h>

static int fail(const char* what, const joinly_error* error) {
    fprintf(stderr, "%s: %s: %s\n", what, joinly_code_name(error->code), error->message);
    return 1;
}

static int keep(const char* backend, const char* path, const char* policy) {
    joinly_error error;
    joinly_store* store = NULL;
    joinly_options* options = joinly_options_new();
    if (joinly_options_set(options, "capacity_entries", "1000", &error)) return fail("options", &error);
    if (joinly_open(backend, path, policy, options, &store, &error)) return fail("open", &error);
    joinly_options_free(options);

    const char* json = "{\"username\": \"PlayerOne\", \"skill_rating\": 1200}";
    joinly_record_version version = 0;
    if (joinly_save_player(store, "player_456", 10, json, strlen(json), 0, NULL, &version, &error)) return fail("save", &error);

    char text[1024];
    const int64_t size = joinly_load_player(store, "player_456", 10, text, sizeof text, NULL, &error);
    if (size < 0 || (size_t)size > sizeof text) return fail("load", &error);
    printf("%s: %.*s\n", backend, (int)size, text);

    /* A batch: both or neither, and only if the player is still as it was saved. */
    joinly_transaction* transaction = NULL;
    if (joinly_begin(store, &transaction, &error)) return fail("begin", &error);
    const char* lobby = "{\"state\": \"waiting\", \"players\": [\"player_456\"]}";
    if (joinly_transaction_set(transaction, "lobby:lobby_123", 15, lobby, strlen(lobby), 60000, NULL, &error) ||
        joinly_transaction_set(transaction, "player:player_456", 17, "{\"skill_rating\": 1216}", 22, 0, &version, &error) ||
        joinly_commit(transaction, NULL, &error))
        return fail("commit", &error);
    joinly_transaction_free(transaction);

    joinly_page* page = NULL;
    if (joinly_scan(store, "", 0, NULL, 0, 100, JOINLY_VALUES, &page, &error)) return fail("scan", &error);
    for (size_t i = 0; i < joinly_page_count(page); ++i)
        printf("  %s = %s\n", joinly_page_key(page, i, NULL), joinly_page_value(page, i, NULL));
    const int all = joinly_page_count(page) == 2;
    joinly_page_free(page);

    /* All of it as text, and back into another store; and whether it is sound. */
    char report[JOINLY_REPORT_BYTES];
    uint64_t dumped = 0;
    uint64_t loaded = 0;
    joinly_store* copy = NULL;
    remove("c.jsonl");
    if (joinly_dump(store, "c.jsonl", &dumped, &error)) return fail("dump", &error);
    if (joinly_open("memory", NULL, "none", NULL, &copy, &error)) return fail("open", &error);
    if (joinly_load_dump(copy, "c.jsonl", JOINLY_REFUSE, &loaded, NULL, &error)) return fail("load", &error);
    joinly_free(copy);
    if (dumped < loaded || loaded != 2) return 1;
    const int64_t told = joinly_verify(store, 1, report, sizeof report, &error);
    if (told < 0 || told > JOINLY_REPORT_BYTES) return fail("verify", &error);
    if (strncmp(report, "{\"sound\":true,", 14) != 0) return 1;

    if (joinly_delete_lobby(store, "lobby_123", 9, NULL, &error)) return fail("delete", &error);
    const int gone = joinly_load_lobby(store, "lobby_123", 9, text, sizeof text, NULL, &error) == -JOINLY_NOT_FOUND;
    if (joinly_close(store, 10000, &error)) return fail("close", &error);
    joinly_free(store);
    return all && gone ? 0 : 1;
}

/* What is named on the command line, as backend and path; all that the library has, else. */
int main(int argc, char** argv) {
    if (joinly_abi_version() >> 16 != JOINLY_ABI_VERSION >> 16) return 2;
    if (argc > 1) return keep(argv[1], argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : "write_through");
    return keep("sqlite", "c.db", "write_through") || keep("leveldb", "c.leveldb", "write_behind") || keep("memory", NULL, "read_through");
}
