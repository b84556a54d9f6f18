// expect: the backend is declared, but not defined: include its header, <joinly/backend/sqlite.hpp>
#include <joinly/store.hpp>

struct Game {
    joinly::Store<> store;
};

int main() { return sizeof(Game) > 0 ? 0 : 1; }
