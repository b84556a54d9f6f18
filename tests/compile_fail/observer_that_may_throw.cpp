// expect: Traits::Observer needs `begin(Operation) noexcept`
#include <joinly/backend/memory.hpp>
#include <joinly/store.hpp>

#include <optional>

struct Printer {
    int begin(joinly::Operation) const { return 0; }
    void end(joinly::Operation, int, std::optional<joinly::Errc>) const {}
};
struct Traits : joinly::DefaultTraits {
    using Observer = Printer;
    Observer observer;
};

int main() {
    auto store = joinly::open<joinly::MemoryBackend, joinly::NoCache, Traits>({});
    return store ? 0 : 1;
}
