#ifndef QUICKSTART_IMPORT_HPP
#define QUICKSTART_IMPORT_HPP
// From a JSON Lines file into a store, in memory that does not grow with the file.

#include <joinly/core/result.hpp>
#include <joinly/entity/entity.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "decode.hpp"
#include "lines.hpp"
#include "messages.hpp"

namespace quickstart {

inline constexpr std::size_t rows_in_a_batch = 500;
inline constexpr std::uint64_t rows_between_flushes = 5'000;

/// Saves the rows of `path`, batch by batch; of rows with the same id the last one counts. A bad line is named and passed
/// over. `seen` is called with each good row.
///
/// @param path       empty: there is nothing to import
/// @param most_rows  where to stop; 0 reads all
/// @return how many rows were saved. An error when the file cannot be read or the store cannot save: the batches before
///         that one are in the store.
template <joinly::entity T, class Store, class Seen>
[[nodiscard]] joinly::Result<std::uint64_t> import_file(Store& store, const std::string& path, std::uint64_t most_rows,
                                                        Messages& messages, Seen seen) {
    if (path.empty()) return 0;
    auto lines = LineReader::open(path);
    if (!lines) return joinly::failure(lines.error());
    if (most_rows == 0) most_rows = (std::numeric_limits<std::uint64_t>::max)();

    std::uint64_t rows = 0;
    std::vector<T> batch;
    const auto save_batch = [&]() -> joinly::Status {
        if (batch.empty()) return {};
        if (auto saved = store.save_many(batch); !saved) return joinly::failure(saved.error());
        batch.clear();
        // Reading outruns a disk: without a rest now and then, write-behind would hold all it may of what is not stored yet.
        if (rows % rows_between_flushes == 0) {
            if (auto stored = store.flush(); !stored) return stored;
        }
        const std::uint64_t size = lines->file_bytes();
        messages.progress("importing " + path, rows, size == 0 ? -1 : static_cast<int>(lines->bytes_read() * 100 / size));
        return {};
    };

    while (rows < most_rows && lines->next()) {
        if (lines->is_too_long()) {
            messages.bad_line(path, lines->number(), "longer than " + std::to_string(LineReader::max_line_bytes) + " bytes");
            continue;
        }
        if (lines->text().find_first_not_of(" \t") == std::string::npos) continue;
        T row;
        if (auto understood = decode(lines->text(), row); !understood) {
            messages.bad_line(path, lines->number(), understood.error().message());
            continue;
        }
        ++rows;
        seen(std::as_const(row));
        batch.push_back(std::move(row));
        if (batch.size() < rows_in_a_batch) continue;
        if (auto saved = save_batch(); !saved) return joinly::failure(saved.error());
    }
    if (!lines->status()) return joinly::failure(lines->status().error());
    if (auto saved = save_batch(); !saved) return joinly::failure(saved.error());
    messages.clear_progress();
    return rows;
}

}  // namespace quickstart
#endif
