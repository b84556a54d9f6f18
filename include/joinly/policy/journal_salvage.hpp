#ifndef JOINLY_POLICY_JOURNAL_SALVAGE_HPP
#define JOINLY_POLICY_JOURNAL_SALVAGE_HPP
// What to do about a journal that answers `corrupt`.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/policy/journal_format.hpp>
#include <joinly/detail/policy/journal_reader.hpp>
#include <joinly/detail/policy/journal_records.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// What a salvage has kept.
struct JournalSalvage {
    std::size_t frames = 0;           ///< batches that can be read
    std::uint64_t bytes_skipped = 0;  ///< that could not be read; empty stretches are among them
    std::vector<std::string> skips;   ///< where, one "<file>: bytes 4096 to 8192" each; none: there was no damage
};

namespace detail {

/// One salvage at work. The new segment starts after nothing, and so cuts off all older ones at the moment it gets its name:
/// killed at any point, a salvage has either not happened, or needs only to put the old files aside.
class JournalSalvager {
public:
    explicit JournalSalvager(const JournalDirectory& directory) noexcept : directory_{directory}, reader_{directory} {}

    [[nodiscard]] Result<JournalSalvage> run() {
        if (auto done = segments(); !done) return failure(std::move(done).error());
        if (auto done = records(checkpoint_name, JournalFileKind::checkpoint); !done) return failure(std::move(done).error());
        if (auto done = records(dead_letters_name, JournalFileKind::dead_letters); !done) return failure(std::move(done).error());
        if (auto synced = directory_.sync(); !synced) return failure(std::move(synced).error());
        return std::move(salvage_);
    }

private:
    void skip(const JournalHole& hole, const std::string& path, std::uint64_t end) {
        std::string where = hole.path + ": ";
        if (hole.missing) {
            where += "missing";
        } else {
            // Its size as it was read: asked for again, it might be smaller, or no answer come.
            const std::uint64_t until = (std::max)(hole.begin, hole.path == path ? end : hole.file_bytes);
            where += "bytes " + std::to_string(hole.begin) + " to " + std::to_string(until);
            salvage_.bytes_skipped += until - hole.begin;
        }
        salvage_.skips.push_back(std::move(where));
    }

    [[nodiscard]] Status segments() {
        const auto headless = [&](const JournalHole& hole, const std::string& path, std::uint64_t end) {
            skip(hole, path, end);
            old_files_.push_back(path);
            return Status{};
        };
        if (auto found = reader_.find(headless); !found) return found;
        for (const auto& file : reader_.files()) old_files_.push_back(file.path);
        const auto count = [&](const std::string&, std::uint64_t, const JournalFrame&) {
            ++salvage_.frames;
            return Status{};
        };
        const auto on_hole = [&](const JournalHole& hole, const std::string& path, std::uint64_t end) {
            skip(hole, path, end);
            return Status{};
        };
        if (auto walked = reader_.walk(true, count, on_hole); !walked) return walked;
        return salvage_.skips.empty() && checkpoint_is_readable() ? Status{} : rewrite_segments();
    }

    /// Without one the batches after it must not be refused for what they follow.
    [[nodiscard]] bool checkpoint_is_readable() const {
        SkippedBytes skipped;
        const auto look = [](std::string_view) { return Status{}; };
        const auto read = read_records(directory_.file(checkpoint_name), JournalFileKind::checkpoint, look, &skipped);
        return read && (*read || skipped.bytes == 0);
    }

    [[nodiscard]] Status rewrite_segments() {
        auto writer = RecordFileWriter::create(directory_, segment_name(reader_.next_number(), segment_suffix));
        if (!writer) return failure(std::move(writer).error());
        const auto copy = [&](const std::string&, std::uint64_t, const JournalFrame& frame) {
            return writer->add(frame.sequence, frame.payload);
        };
        const auto pass = [](const JournalHole&, const std::string&, std::uint64_t) { return Status{}; };
        if (auto walked = reader_.walk(true, copy, pass); !walked) return walked;
        // Not "synced": durable as a whole, so that a hole in it can only be damage.
        const JournalHeader header{JournalFileKind::segment, false, reader_.next_number(), 0, 0, 0, 0, reader_.id()};
        if (auto replaced = writer->replace(header); !replaced) return replaced;
        for (const std::string& path : old_files_) {
            const auto name_aside = aside(path);
            if (!name_aside) return failure(name_aside.error());
            if (auto renamed = rename_file(path, *name_aside); !renamed) return renamed;
        }
        return {};
    }

    [[nodiscard]] Status records(std::string_view name, JournalFileKind kind) {
        const std::string path = directory_.file(name);
        SkippedBytes skipped;
        const auto look = [](std::string_view) { return Status{}; };
        auto header = read_records(path, kind, look, &skipped);
        if (!header) return failure(std::move(header).error());
        if (skipped.bytes == 0) return {};
        salvage_.skips.push_back(path + ": " + std::to_string(skipped.bytes) + " bytes, the first at " +
                                 std::to_string(skipped.first_at));
        salvage_.bytes_skipped += skipped.bytes;
        const auto name_aside = aside(path);
        if (!name_aside) return failure(name_aside.error());
        if (!*header) return rename_file(path, *name_aside);

        auto writer = RecordFileWriter::create(directory_, name);
        if (!writer) return failure(std::move(writer).error());
        const auto copy = [&](std::string_view payload) { return writer->add(payload); };
        SkippedBytes again;
        if (auto read = read_records(path, kind, copy, &again); !read) return failure(std::move(read).error());
        if (auto linked = link_file(path, *name_aside); !linked) return linked;
        return writer->replace(kind, (*header)->number);
    }

    /// A name that nothing has yet: what an earlier salvage has put aside stays.
    [[nodiscard]] static Result<std::string> aside(const std::string& path) {
        for (int n = 1;; ++n) {
            std::string name = path + (n == 1 ? ".damaged" : ".damaged." + std::to_string(n));
            const auto exists = file_exists(name);
            if (!exists) return failure(exists.error());
            if (!*exists) return name;
        }
    }

    const JournalDirectory& directory_;
    JournalReader reader_;
    JournalSalvage salvage_;
    std::vector<std::string> old_files_;
};

}  // namespace detail

/// Makes a damaged journal one that opens: keeps every frame, checkpoint record and dead letter that can be read, and puts
/// the old files aside as `*.damaged`. What is lost it cannot know: batches may be missing in the middle, so what the backend
/// holds after the next replay need not be a prefix of what was acknowledged. A journal without damage is left as it is.
///
/// @return what was kept and what was skipped, or `busy` while a journal object has it open; `not_found` when there is no such
///         directory; `incompatible`, `full`, `io` as Journal::open.
[[nodiscard]] inline Result<JournalSalvage> salvage_journal(const std::string& path) {
    auto directory = detail::JournalDirectory::take(path, detail::JournalDirectory::Missing::fails);
    if (!directory) return failure(std::move(directory).error());
    return detail::JournalSalvager{*directory}.run();
}

JOINLY_NAMESPACE_END
#endif
