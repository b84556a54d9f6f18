// expect: the first argument must be a storage backend
#include <joinly/backend/memory.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>

using Swapped = joinly::Store<joinly::WriteBehind, joinly::MemoryBackend>;

int main() { return sizeof(Swapped) > 0 ? 0 : 1; }
