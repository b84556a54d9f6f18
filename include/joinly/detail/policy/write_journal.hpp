#ifndef JOINLY_DETAIL_POLICY_WRITE_JOURNAL_HPP
#define JOINLY_DETAIL_POLICY_WRITE_JOURNAL_HPP
// Write-behind's side of the journal: objects become frames on their way in and come back as bytes after a crash. Without a
// journal every call does nothing, and says that it went well.
//
// Threads: as Journal. `append`, `restart` and `open` are called under the engine's mutex or before there are other threads.

#include <joinly/backend/concepts.hpp>
#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/policy/dead_letters.hpp>
#include <joinly/detail/policy/journal_checkpoint.hpp>
#include <joinly/detail/policy/journal_mark.hpp>
#include <joinly/detail/policy/overlay.hpp>
#include <joinly/policy/journal.hpp>
#include <joinly/policy/object.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// A write set that is fit to be acknowledged: what each write weighs while it is pending, and its frame if there is a journal.
class WeighedSet {
public:
    explicit WeighedSet(std::size_t count) {
        if (count > 1) many_.resize(count);
        writes = count > 1 ? std::span{many_} : std::span{&one_, count};
    }
    WeighedSet(const WeighedSet&) = delete;
    WeighedSet& operator=(const WeighedSet&) = delete;

    std::span<Overlay::Weighed> writes;
    std::size_t bytes = 0;
    JournalPayload payload;

private:
    Overlay::Weighed one_{};  // a set of one write, which is what most are, costs no allocation
    std::vector<Overlay::Weighed> many_;
};

/// What a journal brings back when it is opened, besides the batches to replay.
struct Recovered {
    Version settled_version = absent;  ///< what is above it is to be replayed
    Version newest_version = absent;
    std::vector<DeadLetters::Letter> dead_letters = {};
    std::optional<Error> overtaken = {};  ///< another writer has been here: what is to be replayed must not be stored
};

class WriteJournal {
public:
    /// Opens the journal beside `backend`. A backend that keeps nothing is filled from the checkpoint first.
    template <class Backend>
    [[nodiscard]] Result<Recovered> open(const JournalOptions& options, Backend& backend) {
        auto last = backend.last_version();
        if (!last) return failure(std::move(last).error());
        auto stored = last;
        auto journal = Journal::open(options, [&](std::uint64_t id) {
            if (!volatile_backend<Backend> && id != 0) stored = (mark_ = JournalMark{id}).read(backend);
            return stored;
        });
        if (!journal) return failure(std::move(journal).error());
        journal_ = std::move(*journal);
        limit_bytes_ = options.limit_bytes;
        set_next_checkpoint();
        if constexpr (volatile_backend<Backend>) {
            if (auto filled = replay_checkpoint(backend); !filled) return failure(std::move(filled).error());
            last = stored = backend.last_version();
        } else if (!mark_.is_kept()) {
            auto mark = JournalMark::of_new_journal();
            if (!mark) return failure(std::move(mark).error());
            mark_ = std::move(*mark);
        }
        has_id_ = !mark_.is_kept() || journal_->id() != 0;
        present_ = *last;
        Recovered recovered{*stored, (std::max)(*last, journal_->last_version())};
        if (*stored != *last) {
            recovered.overtaken =
                Error{Errc::conflict, "another writer has written to the database: it is at version " + std::to_string(*last) +
                                          ", and the newest flush was " + std::to_string(*stored)};
        }
        auto letters = journal_->dead_letters();
        if (!letters) return failure(std::move(letters).error());
        for (const JournalDeadLetter& letter : *letters) {
            auto dead = decode(letter);
            if (!dead) return failure(std::move(dead).error());
            if (dead->writes.empty() && letter.last <= *stored) continue;  // dropped, and of no use any more
            if (letter.first <= recovered.settled_version + 1)
                recovered.settled_version = (std::max)(recovered.settled_version, letter.last);
            recovered.newest_version = (std::max)(recovered.newest_version, letter.last);
            recovered.dead_letters.push_back(std::make_shared<const DeadWrites>(std::move(*dead)));
        }
        return recovered;
    }

    /// Calls `visit(version, writes)` for each batch above `after`, in order.
    template <class Visit>
    [[nodiscard]] Status replay(Version after, Visit&& visit) {
        const auto visit_batch = [&](Version version, std::span<const JournalChange> changes) -> Status {
            std::vector<Write> writes;
            writes.reserve(changes.size());
            for (const JournalChange& change : changes) writes.push_back(to_write(change));
            return visit(version, writes);
        };
        return journal_->replay(after, visit_batch, present_);
    }

    /// What each batch that is written to the backend takes along.
    [[nodiscard]] const JournalMark& mark() const noexcept { return mark_; }

    /// Whether it will know its marks again when it is opened next, if it makes any.
    [[nodiscard]] bool has_id() const noexcept { return has_id_; }
    /// The backend is marked, or empty.
    [[nodiscard]] Status keep_id() {
        if (has_id_) return {};
        auto kept = journal_->keep_id(mark_.journal());
        has_id_ = kept.has_value();
        return kept;
    }

    /// Marks the backend as it is now, durably. @return the version that it is at then; without a journal the one it is at
    template <class Access>
    [[nodiscard]] Result<Version> mark_anew(Access& access, Version newest) {
        if (!mark_.is_kept()) return access.backend().last_version();
        auto marked = mark_.renew(access, newest);
        if (!marked) return marked;
        if (auto kept = keep_id(); !kept) return failure(std::move(kept).error());
        return marked;
    }

    /// Weighs each of the set's writes, and makes its frame. `invalid_argument` when a codec refuses an object: a flush must not
    /// meet it, it would have been acknowledged already.
    [[nodiscard]] Status weigh(WeighedSet& set) const {
        for (Overlay::Weighed& write : set.writes) {
            const auto bytes =
                journal_ ? add_to(set.payload, write.key, write.object, write.expires_at) : measure(write.key, write.object);
            if (!bytes) return failure_at(write.key, bytes.error());
            write.bytes = *bytes;
            set.bytes += *bytes;
        }
        return {};
    }

    /// `io` besides while it has failed: what is in the way of one frame is in the way of all, be it that a smaller one would still
    /// find room, in a file that may be gone.
    [[nodiscard]] Status append(Version version, const WeighedSet& set) {
        if (journal_ && has_failed())
            return failure(Errc::io, "the journal has failed, and takes nothing until it has begun again");
        return noted([&] { return journal_->append(version, set.payload.bytes()); });
    }
    [[nodiscard]] Status make_durable(Version version) {
        return noted([&] { return journal_->make_durable(version); });
    }

    /// The disk has failed it: it takes nothing more until everything is stored and it begins again.
    [[nodiscard]] bool has_failed() const noexcept { return failed_life_.load() == life_.load(); }
    /// Whether it works again. What a backend that keeps nothing has is in the frames that are about to go.
    template <class Backend>
    [[nodiscard]] bool restart(Backend& backend, Version stored) {
        if constexpr (volatile_backend<Backend>) {
            const auto copy = [&](CheckpointSink sink) { return copy_records(backend, sink); };
            if (!journal_->write_checkpoint((std::min)(stored, journal_->last_version()), copy)) return false;
        }
        if (journal_->restart(stored)) ++life_;
        return !has_failed();
    }

    /// The backend has everything up to `version`. A backend that keeps nothing is written to a checkpoint now and then.
    template <class Backend>
    void stored(Backend& backend, Version version, bool make_room) {
        if (!journal_) return;
        if constexpr (!volatile_backend<Backend>) {
            journal_->stored(version);
        } else if (make_room || journal_->bytes() - journal_->checkpoint_bytes() >= next_checkpoint_bytes_) {
            (void)journal_->write_checkpoint(version, [&](CheckpointSink sink) { return copy_records(backend, sink); });
            set_next_checkpoint();
        }
    }

    [[nodiscard]] bool wants_spare() const noexcept { return journal_ && journal_->wants_spare(); }
    void prepare() {
        if (journal_) journal_->prepare();
    }
    [[nodiscard]] std::size_t bytes() const { return journal_ ? journal_->bytes() : 0; }

    /// Has the journal keep one more dead letter than `others`, which it has; durably.
    [[nodiscard]] Status keep_dead_letter(const DeadWrites& letter, const DeadLetters& others) {
        if (!journal_) return {};
        auto kept = encode(letter);
        return kept ? change_dead_letters(*std::move(kept), others) : failure(std::move(kept).error());
    }
    /// Has it forget one of `all`, but for what its versions were.
    [[nodiscard]] Status drop_dead_letter(const DeadWrites& letter, const DeadLetters& all) {
        if (!journal_) return {};
        return change_dead_letters({letter.first, letter.last, letter.reason.code(), {}, {}}, all);
    }

    /// Up to here a crash leaves with the backend what it has, at `stored`, whatever becomes of the frames.
    template <class Backend>
    [[nodiscard]] Version kept_version(Version stored) const {
        return volatile_backend<Backend> && journal_ ? journal_->checkpoint_version() : stored;
    }

    /// What a write weighs while it is pending, or why it cannot be stored.
    [[nodiscard]] static Result<std::size_t> measure(std::string_view key, const Object& object) {
        if (!object.value) return key.size();
        auto measured = object.type->measure(object.value.get());
        if (measured) *measured += key.size();
        return measured;
    }

private:
    [[nodiscard]] static Result<std::size_t> add_to(JournalPayload& payload, std::string_view key, const Object& written,
                                                    Expiry expires_at) {
        const std::size_t before = payload.bytes().size();
        const void* const object = written.value.get();
        if (object == nullptr) {
            payload.erase(key);
            return payload.bytes().size() - before;
        }
        const ObjectType& type = *written.type;
        const auto encode = [&](std::string& out) { return type.encode(object, out); };
        const auto tell_terms = [&](std::string& out) { return type.index_terms(object, out); };
        const JournalPayload::Encode encode_terms{tell_terms};
        auto put = payload.put(key, expires_at, type.form, encode, absent, type.index_terms != nullptr ? &encode_terms : nullptr);
        if (!put) return failure(std::move(put).error());
        return payload.bytes().size() - before;
    }

    [[nodiscard]] static Write to_write(const JournalChange& change) {
        Write write{std::string{change.key}, {}, change.expires_at};
        const bool is_text = change.form == ValueForm::text;
        if (change.value && change.index_terms) {
            write.object = {
                std::make_shared<const IndexedBytes>(IndexedBytes{std::string{*change.value}, std::string{*change.index_terms}}),
                is_text ? &indexed_text_type : &indexed_bytes_type};
        } else if (change.value) {
            write.object = {std::make_shared<const std::string>(*change.value), is_text ? &text_type : &bytes_type};
        }
        return write;
    }

    /// Adds what has changed to the journal's list; now and then that is written anew instead, so that it is not much longer than
    /// what it tells.
    [[nodiscard]] Status change_dead_letters(JournalDeadLetter change, const DeadLetters& letters) {
        const auto added = journal_->add_dead_letter(change);
        if (!added) return failure(added.error());
        if (*added) return {};
        std::vector<JournalDeadLetter> list;
        for (const auto& [last, letter] : letters.all()) {
            if (last == change.last) continue;
            auto kept = encode(*letter);
            if (!kept) return failure(std::move(kept).error());
            list.push_back(*std::move(kept));
        }
        letters.visit_dropped([&](Version last, const DeadLetters::Dropped& dropped) {
            list.push_back({dropped.first, last, dropped.code, {}, {}});
        });
        list.push_back(std::move(change));
        std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.last < b.last; });
        return journal_->keep_dead_letters(list);
    }

    [[nodiscard]] static Result<JournalDeadLetter> encode(const DeadWrites& letter) {
        JournalPayload payload;
        for (const Write& write : letter.writes) {
            if (auto added = add_to(payload, write.key, write.object, write.expires_at); !added)
                return failure_at(write.key, added.error());
        }
        return JournalDeadLetter{letter.first, letter.last, letter.reason.code(), std::string{letter.reason.message()},
                                 std::string{payload.bytes()}};
    }

    [[nodiscard]] static Result<DeadWrites> decode(const JournalDeadLetter& letter) {
        DeadWrites dead{letter.first, letter.last, Error{letter.code, letter.reason}, {}, letter.payload.size(), restart_doubt};
        auto visited = JournalPayload::visit(letter.payload, [&](const JournalChange& change) {
            dead.writes.push_back(to_write(change));
            return Status{};
        });
        if (!visited) return failure(std::move(visited).error());
        return dead;
    }

    template <class Backend>
    [[nodiscard]] Status replay_checkpoint(Backend& backend) {
        const Version version = journal_->checkpoint_version();
        if (version == absent) return {};
        Batch batch;
        auto replayed = journal_->replay_checkpoint([&](const JournalChange& record) {
            add_to_batch(batch, record);
            return Status{};
        });
        if (!replayed) return replayed;
        batch.version = version;
        auto written = backend.write(batch);
        if (!written) return failure(std::move(written).error());
        return {};
    }

    /// So many bytes of segments make the next one due: as many as it will cost to write, and some, but well below the limit.
    void set_next_checkpoint() {
        constexpr std::size_t some = std::size_t{64} << 20;
        next_checkpoint_bytes_ = (std::min)(2 * journal_->checkpoint_bytes() + some, limit_bytes_ / 2);
    }

    /// What has failed in a life that has ended meanwhile says nothing about the one after it.
    template <class Call>
    [[nodiscard]] Status noted(Call&& call) {
        if (!journal_) return {};
        const std::uint64_t life = life_.load();
        Status done = call();
        if (done || done.error() != Errc::io) return done;
        std::uint64_t newest = failed_life_.load();
        while (newest < life && !failed_life_.compare_exchange_weak(newest, life)) {
        }
        return done;
    }

    std::unique_ptr<Journal> journal_;
    JournalMark mark_;                           // of no journal, where there is none, or where the backend keeps nothing
    bool has_id_ = true;                         // whoever flushes
    Version present_ = absent;                   // the backend's when it was opened
    std::atomic<std::uint64_t> life_{1};         // how often it has begun, at open and after a failure
    std::atomic<std::uint64_t> failed_life_{0};  // the newest in which the disk has failed it
    std::size_t limit_bytes_ = 0;
    std::size_t next_checkpoint_bytes_ = 0;  // whoever flushes
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
