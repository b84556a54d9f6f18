#ifndef JOINLY_DETAIL_POLICY_JOURNAL_CONTENTS_HPP
#define JOINLY_DETAIL_POLICY_JOURNAL_CONTENTS_HPP
// What is in a journal's directory, as batches, checkpoint records and dead letters. One thread at a time.

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>
#include <joinly/detail/policy/journal_checkpoint.hpp>
#include <joinly/detail/policy/journal_files.hpp>
#include <joinly/detail/policy/journal_reader.hpp>
#include <joinly/detail/policy/journal_records.hpp>
#include <joinly/policy/journal_dead_letter.hpp>
#include <joinly/policy/journal_payload.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// Tells the newest version of the journal that the backend holds, by the journal's id; that is 0 as long as it has none.
using StoredVersion = detail::FunctionRef<Result<Version>(std::uint64_t id)>;

/// Called with each batch of a replay; the views last until it returns. An error ends the replay and is passed on.
using ReplayVisitor = detail::FunctionRef<Status(Version version, std::span<const JournalChange> changes)>;

namespace detail {

class JournalContents {
public:
    explicit JournalContents(const JournalDirectory& directory) noexcept : directory_{directory} {}

    /// Reads everything from end to end.
    [[nodiscard]] Result<JournalFound> read(StoredVersion stored) {
        const auto look = [](std::string_view) { return Status{}; };
        auto checkpoint = read_records(directory_.file(checkpoint_name), JournalFileKind::checkpoint, look, nullptr);
        if (!checkpoint) return failure(std::move(checkpoint).error());
        auto letters = read_records(directory_.file(dead_letters_name), JournalFileKind::dead_letters, look, nullptr);
        if (!letters) return failure(std::move(letters).error());
        if (*checkpoint) checkpoint_ = (*checkpoint)->number;
        if (*letters) {
            auto file = open_for_reading(directory_.file(dead_letters_name));
            if (!file) return failure(std::move(file).error());
            letters_.emplace(std::move(*file));
            // The last run may have been killed before it had synced what it is about to be believed for.
            if (auto synced = sync_data(*letters_, directory_.file(dead_letters_name)); !synced)
                return failure(std::move(synced).error());
            if (auto synced = directory_.sync(); !synced) return failure(std::move(synced).error());
        }
        JournalReader reader{directory_};
        if (auto found = reader.find(is_damage); !found) return failure(std::move(found).error());
        auto id = directory_.id();
        if (!id) return failure(std::move(id).error());
        id_ = *id;
        const std::uint64_t id_found = id_ != 0 ? id_ : reader.id();
        auto known = stored(id_found);
        if (!known) return failure(std::move(known).error());
        known_ = (std::max)(*known, checkpoint_);
        reader.set_known(known_);
        const auto accept = [](const std::string&, std::uint64_t, const JournalFrame&) { return Status{}; };
        if (auto walked = reader.walk(false, accept, is_damage); !walked) return failure(std::move(walked).error());
        newest_ = reader.last();
        blank_files_ = reader.blank_files();
        return JournalFound{reader.files(), (std::max)(newest_, known_), reader.watermark(), reader.next_number(), id_found};
    }

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    [[nodiscard]] Status keep_id(std::uint64_t id) {
        if (auto kept = directory_.keep_id(id); !kept) return kept;
        id_ = id;
        return {};
    }

    [[nodiscard]] Version checkpoint() const noexcept { return checkpoint_; }
    /// What was in the backend or in the checkpoint when it was read.
    [[nodiscard]] Version known() const noexcept { return known_; }

    /// Removes what a crash has left over. That it can be removed does not matter.
    void tidy() {
        for (const std::string& path : blank_files_) (void)remove_file(path);
        const auto names = directory_.names();
        if (!names) return;
        for (const std::string& name : *names) {
            if (name.ends_with(spare_suffix) || name.ends_with(".tmp")) (void)remove_file(directory_.file(name));
        }
    }

    [[nodiscard]] Status replay(Version after, ReplayVisitor visit, Version present) const {
        JournalReader reader{directory_, (std::max)(after, known_)};
        if (auto found = reader.find(is_damage); !found) return found;
        std::vector<JournalChange> changes;
        const auto visit_frame = [&](const std::string& path, std::uint64_t offset, const JournalFrame& frame) -> Status {
            if (frame.sequence <= after || frame.sequence > newest_) return {};
            if (reader.starts_after() > (std::max)({after, present, checkpoint_}))
                return nowhere(path, after, reader.starts_after());
            if (auto taken = take(frame, changes); !taken) {
                return failure(Errc::corrupt, path + ": the frame at byte " + std::to_string(offset) + ": " +
                                                  std::string{taken.error().message()});
            }
            return visit(frame.sequence, changes);
        };
        return reader.walk(false, visit_frame, is_damage);
    }

    [[nodiscard]] Status replay_checkpoint(CheckpointSink visit) const {
        return read_checkpoint(directory_.file(checkpoint_name), visit).map([](Version) {});
    }

    /// @param newest  the newest frame
    [[nodiscard]] Status write_checkpoint(Version version, Version newest, FunctionRef<Status(CheckpointSink)> produce) {
        if (version < checkpoint_ || version > newest) return no_checkpoint(version, newest);
        auto writer = CheckpointWriter::create(directory_);
        if (!writer) return failure(std::move(writer).error());
        if (auto produced = produce([&](const JournalChange& record) { return writer->add(record); }); !produced) return produced;
        if (auto finished = writer->finish(version); !finished) return finished;
        checkpoint_ = version;
        return {};
    }

    [[nodiscard]] Status keep_dead_letters(std::span<const JournalDeadLetter> letters) {
        end_additions();
        auto writer = RecordFileWriter::create(directory_, dead_letters_name);
        if (!writer) return failure(std::move(writer).error());
        for (const JournalDeadLetter& letter : letters) {
            if (auto added = writer->add(encode_dead_letter(letter)); !added) return added;
        }
        if (auto replaced = writer->replace(JournalFileKind::dead_letters, 0); !replaced) return replaced;
        letters_file_.emplace(*std::move(writer));
        letters_.reset();
        lacks_letters_ = false;
        return {};
    }

    /// False: the list is to be kept as a whole.
    [[nodiscard]] Result<bool> add_dead_letter(const JournalDeadLetter& letter) {
        const std::string record = encode_dead_letter(letter);
        if (!letters_file_ || !letters_file_->takes_addition(record.size())) return false;
        auto added = letters_file_->append(record);
        if (added) return true;
        end_additions();  // nobody knows what lies behind its end now
        return failure(std::move(added).error());
    }

    /// The directory is another one, and empty.
    void lose_files() noexcept { lacks_letters_ = letters_file_ || letters_; }
    /// Keeps the list in the new directory, too: nobody else has it. Nothing to do otherwise.
    [[nodiscard]] Status bring_letters() {
        if (!lacks_letters_) return {};
        end_additions();
        const std::string path = directory_.file(dead_letters_name);
        const std::string temporary = path + ".tmp";
        auto size = size_of(*letters_, path);
        if (!size) return failure(std::move(size).error());
        const auto image = read_file(*letters_, *size, path);
        if (!image) return failure(image.error());
        auto file = create_file(temporary);
        if (!file) return failure(std::move(file).error());
        if (auto written = write_at(*file, 0, image->bytes(), temporary); !written) return written;
        if (auto synced = sync_file(*file, temporary); !synced) return synced;
        if (auto renamed = rename_file(temporary, path); !renamed) return renamed;
        if (auto synced = directory_.sync(); !synced) return synced;
        letters_.emplace(std::move(*file));
        lacks_letters_ = false;
        return {};
    }

    [[nodiscard]] Result<std::vector<JournalDeadLetter>> dead_letters() const {
        const std::string path = directory_.file(dead_letters_name);
        std::vector<JournalDeadLetter> letters;
        std::map<Version, std::size_t> places;  // by the last version
        const auto each = [&](std::string_view payload) -> Status {
            auto letter = decode_dead_letter(payload);
            if (!letter) return failure(Errc::corrupt, path + ": " + std::string{letter.error().message()});
            const auto [place, is_new] = places.try_emplace(letter->last, letters.size());
            if (!is_new && letter->payload.empty()) {
                letters[place->second] = std::move(*letter);
            } else {
                letters.push_back(std::move(*letter));
            }
            return {};
        };
        auto read = read_records(path, JournalFileKind::dead_letters, each, nullptr);
        if (!read) return failure(std::move(read).error());
        return letters;
    }

    /// Of checkpoint and dead letters.
    [[nodiscard]] std::size_t bytes() const {
        return checkpoint_bytes() + static_cast<std::size_t>(size_of(directory_.file(dead_letters_name)));
    }
    [[nodiscard]] std::size_t checkpoint_bytes() const {
        return static_cast<std::size_t>(size_of(directory_.file(checkpoint_name)));
    }

private:
    [[nodiscard]] static Status is_damage(const JournalHole& hole, const std::string&, std::uint64_t) {
        return journal_damage(hole);
    }

    [[nodiscard]] static Status take(const JournalFrame& frame, std::vector<JournalChange>& changes) {
        changes.clear();
        const auto keep = [&](const JournalChange& change) {
            changes.push_back(change);
            if (change.version == absent) changes.back().version = frame.sequence;
            return Status{};
        };
        return JournalPayload::visit(frame.payload, keep);
    }

    [[nodiscard]] static Status nowhere(const std::string& path, Version after, Version starts_after) {
        return failure(Errc::corrupt, path + ": the batches from version " + std::to_string(after + 1) + " to " +
                                          std::to_string(starts_after) + " are neither in the backend nor in the journal");
    }
    [[nodiscard]] Status no_checkpoint(Version version, Version newest) const {
        return failure(Errc::invalid_argument, directory_.path() + ": no checkpoint of version " + std::to_string(version) +
                                                   " between the last one's, " + std::to_string(checkpoint_) +
                                                   ", and the newest, " + std::to_string(newest));
    }

    /// The list is written as a whole before anything more is added.
    void end_additions() noexcept {
        if (!letters_file_) return;
        letters_.emplace(letters_file_->take_file());
        letters_file_.reset();
    }

    const JournalDirectory& directory_;
    std::vector<std::string> blank_files_;
    std::optional<RecordFileWriter> letters_file_;  // the list of dead letters, if it was written since it was opened
    std::optional<FileDescriptor> letters_;         // the same, if nothing is to be added to it
    bool lacks_letters_ = false;                    // the directory, of what these have
    std::uint64_t id_ = 0;
    Version checkpoint_ = absent;
    Version known_ = absent;
    Version newest_ = absent;  // when it was read
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
