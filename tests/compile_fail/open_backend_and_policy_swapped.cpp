// expect: did you swap backend and policy?
#include <joinly/backend/sqlite.hpp>
#include <joinly/store.hpp>

int main() {
    auto store = joinly::open<joinly::WriteThrough, joinly::SqliteBackend>({.path = "joinly.db"});
    return store ? 0 : 1;
}
