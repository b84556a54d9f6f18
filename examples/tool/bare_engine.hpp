#ifndef TOOL_BARE_ENGINE_HPP
#define TOOL_BARE_ENGINE_HPP
// An engine by its own interface, as somebody would use it who knows it well: what `bench` compares the library with. Each put is
// one transaction, and fsynced. One thread at a time.

#include <joinly/core/result.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace tool {

struct KeyAndValue {
    std::string key;
    std::string value;
};

class BareEngine {
public:
    BareEngine() = default;
    BareEngine(const BareEngine&) = delete;
    BareEngine& operator=(const BareEngine&) = delete;
    virtual ~BareEngine() = default;

    [[nodiscard]] virtual joinly::Status put(std::span<const KeyAndValue> rows) = 0;
    [[nodiscard]] virtual joinly::Result<std::string> get(const std::string& key) = 0;
    /// Reads everything, in the order of the keys; gives the number of rows.
    [[nodiscard]] virtual joinly::Result<std::uint64_t> read_all() = 0;
};

// Set up as the library's backends set them up.
[[nodiscard]] joinly::Result<std::unique_ptr<BareEngine>> open_bare_sqlite(const std::string& path);
[[nodiscard]] joinly::Result<std::unique_ptr<BareEngine>> open_bare_leveldb(const std::string& path);

}  // namespace tool
#endif
