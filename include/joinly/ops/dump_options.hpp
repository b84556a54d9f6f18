#ifndef JOINLY_OPS_DUMP_OPTIONS_HPP
#define JOINLY_OPS_DUMP_OPTIONS_HPP
// What a dump and its loading may be told, and what they tell. Plain values.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// Takes a line, which has no end of line and lasts until it returns. An error ends the dump.
using LineSink = detail::FunctionRef<Status(std::string_view line)>;

/// Gives the next line in `line`, without its end; false: there is none. An error ends the loading.
using LineSource = detail::FunctionRef<Result<bool>(std::string& line)>;

struct DumpReport {
    std::uint64_t records = 0;
    std::uint64_t readable = 0;  ///< of these, with their values as JSON
    std::uint64_t bytes = 0;     ///< of all lines
    bool is_finished = false;    ///< false: the progress function has stopped it
};

struct DumpOptions {
    /// Called every few thousand records, in the caller's thread; false stops the dump.
    std::function<bool(const DumpReport&)> progress = {};
};

/// What becomes of a record whose key the store has already, expired or not.
enum class Existing : std::uint8_t {
    refuse,     ///< `conflict`, naming the line
    overwrite,  ///< the dump's takes its place
    skip        ///< the store's stays
};

struct LoadReport {
    std::uint64_t lines = 0;
    std::uint64_t loaded = 0;   ///< records that were put
    std::uint64_t skipped = 0;  ///< that were there already
    bool is_finished = false;   ///< false: the progress function has stopped it
};

struct LoadOptions {
    Existing existing = Existing::refuse;

    /// Records keep the versions that they have in the dump, when the store is empty. In one that is not they get new ones, lest a
    /// version that somebody has compared with comes back.
    bool keep_versions = true;

    /// Keys and values that are written in one transaction.
    std::size_t batch_bytes = std::size_t{2} << 20;

    /// Kinds that are no entities, but raw bytes under keys such as "config:main". Of interest where the dump was made from another
    /// codec.
    std::vector<std::string> raw_kinds = {};

    /// Called for each batch, in the caller's thread; false stops the loading.
    std::function<bool(const LoadReport&)> progress = {};
};

JOINLY_NAMESPACE_END
#endif
