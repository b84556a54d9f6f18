// One program, half of it built without exceptions (mixed_without.cpp). The linker keeps one of two inline functions of
// the same name; were it the one without exceptions, the throw below would end the program.
#include "mixed.hpp"

#include <joinly/backend/memory.hpp>
#include <joinly/core/key.hpp>

#include <string_view>

#include "expect.hpp"

namespace {
struct Stopped {};
}  // namespace

int main() {
    EXPECT(scan_without_exceptions() == 1);

    auto backend = joinly::MemoryBackend::open();
    EXPECT(backend && backend->write(joinly::Batch{}.put("lobby:1", "waiting")));
    bool caught = false;
    try {
        EXPECT(backend->scan(joinly::user_keys(), [](std::string_view, const joinly::RecordView&) -> bool { throw Stopped{}; }));
    } catch (const Stopped&) {
        caught = true;
    }
    EXPECT(caught);
    EXPECT(backend->read("lobby:1")->value == "waiting");
}
