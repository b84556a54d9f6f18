#ifndef JOINLY_TESTS_MODEL_SESSION_HPP
#define JOINLY_TESTS_MODEL_SESSION_HPP
// A store and the model beside it, from a fresh database on: each operation is done to both, and their answers compared.

#include <joinly/backend/concepts.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/model/model.hpp>
#include <tests/model/operation.hpp>
#include <tests/model/refusing.hpp>
#include <tests/support/temp_dir.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace joinly::test {

/// A store's options, as small as they must be for everything to happen within a few hundred operations.
struct Setup {
    std::size_t capacity_entries = 100;
    std::chrono::milliseconds absence_ttl{0};
    std::size_t flush_entries = 1'000;  // these two of write-behind
    std::size_t pending_limit_entries = 100'000;
    bool journal = false;
};

/// @tparam Subject  `Backend`, and `Backend::Options options(const TempDir&)` that give the same database again and again.
template <class Subject, class Policy>
class Session {
public:
    static constexpr bool defers_writes = std::is_same_v<Policy, WriteBehind>;

    explicit Session(const Setup& setup) : setup_{setup} { (void)open(); }

    /// Does the next operation. @return what was wrong with its outcome; empty: nothing.
    [[nodiscard]] std::string run(const Operation& operation) {
        if (!store_) return open_error_;
        switch (operation.verb) {
            case Verb::advance: traits_.clock.advance(operation.by); return {};
            case Verb::set_wall: set_wall(operation); return {};
            case Verb::refuse_writes: refusals_->writes = operation.code; return {};
            case Verb::lose_answers: refusals_->answers = operation.code; return {};
            case Verb::refuse_reads: refusals_->reads = operation.code; return {};
            case Verb::heal: heal(); return {};
            case Verb::reopen:
            case Verb::drop: return reopen(operation);
            case Verb::flush:
            case Verb::pump: return flush(operation);
            case Verb::compare_all: return compare_all();
            default: return compare(operation);
        }
    }

private:
    using Backend = Refusing<typename Subject::Backend>;
    using Store = joinly::Store<Backend, Policy, ManualTraits>;

    [[nodiscard]] std::string open() {
        auto opened = Store::open({.inner = subject_.options(dir_), .refusals = refusals_}, options(), traits_);
        if (opened) {
            store_.emplace(std::move(*opened));
        } else {
            open_error_ = "the store does not open: " + std::string{opened.error().message()};
        }
        return open_error_;
    }
    [[nodiscard]] typename Policy::Options options() const {
        if constexpr (defers_writes) {
            return {.capacity_entries = setup_.capacity_entries,
                    .absence_ttl = setup_.absence_ttl,
                    .max_delay = std::chrono::milliseconds{50},
                    .flush_entries = setup_.flush_entries,
                    .pending_limit_entries = setup_.pending_limit_entries,
                    .full_timeout = std::chrono::milliseconds{0},
                    .drive = Drive::caller,
                    .journal = {.path = setup_.journal ? dir_ / "journal" : "", .segment_bytes = std::size_t{64} << 10}};
        } else if constexpr (std::is_same_v<Policy, NoCache>) {
            return {};
        } else {
            return {.capacity_entries = setup_.capacity_entries, .absence_ttl = setup_.absence_ttl};
        }
    }

    // --- operations that the model does not foretell -------------------------------------------------------------------

    void heal() {
        refusals_->reads = std::nullopt;
        refusals_->writes = std::nullopt;
        refusals_->answers = std::nullopt;
    }

    /// The absence of a record that had expired may stay cached when the wall clock is set back, until its own time has passed.
    void set_wall(const Operation& operation) {
        traits_.clock.set_wall(traits_.clock.now() + operation.by);
        traits_.clock.advance(setup_.absence_ttl);
    }

    /// Without a journal the backend must work when the store goes, or else what is pending would be lost.
    [[nodiscard]] std::string reopen(const Operation& operation) {
        if (operation.verb == Verb::reopen) {
            const bool is_stuck = refusals_->writes.code() && store_->stats().pending_entries != 0;
            const auto closed = store_->close();
            if (closed && is_stuck) return "close has stored what the backend refuses";
            if (!closed && !is_refused(closed.error().code(), true)) return "close has failed";
        }
        if (!setup_.journal) heal();
        if (operation.verb == Verb::reopen && !setup_.journal) {
            if (const auto closed = store_->close(); !closed) return "close has failed: " + std::string{closed.error().message()};
        }
        store_.reset();
        heal();
        if (auto error = open(); !error.empty()) return error;
        return compare_all();
    }

    [[nodiscard]] std::string flush(const Operation& operation) {
        Status done;
        if (operation.verb == Verb::flush) {
            done = store_->flush();
        } else if constexpr (defers_writes) {
            done = store_->pump();
        }
        if (!done && !is_refused(done.error().code(), true)) return "failed: " + std::string{done.error().message()};
        if (done && operation.verb == Verb::flush && store_->stats().pending_entries != 0) return "left writes pending";
        return compare_stored(done.has_value() && operation.verb == Verb::flush);
    }

    /// Whether a refusal that is on may be why something answered `code`.
    [[nodiscard]] bool is_refused(Errc code, bool writes) const {
        if (refusals_->reads.code() == code) return true;
        return writes && (refusals_->writes.code() == code || refusals_->answers.code() == code);
    }

    // --- and those that it does ----------------------------------------------------------------------------------------

    [[nodiscard]] std::string compare_all() {
        static const std::vector<Operation> everything = {
            {Verb::keys, {""}}, {Verb::ids}, {Verb::count}, {Verb::for_each}, {Verb::load_many, hostile_ids()}};
        for (const Operation& operation : everything) {
            if (auto wrong = compare(operation); !wrong.empty()) return std::string{to_string(operation.verb)} + ": " + wrong;
        }
        return compare_stored(!defers_writes);
    }

    [[nodiscard]] std::string compare(const Operation& operation) {
        const WallTime now = traits_.clock.now();
        const std::size_t pending = store_->stats().pending_entries;
        const Answer expected = model_.expected(operation, now);
        const Answer answer = ask(operation, model_.expectation(operation, now));
        const bool writes = is_write(operation.verb);
        if (answer.agrees_with(expected)) {
            if (!writes || expected.error) return {};
            if (answer.version && *answer.version <= model_.newest() && !operation.names.empty())
                return "returned version " + std::to_string(*answer.version) + " after " + std::to_string(model_.newest());
            model_.apply(operation, now, answer.version);
            return {};
        }
        const std::string difference = "expected " + to_text(expected, answer) + "\n    but got " + to_text(answer, expected);
        if (writes && answer.error && may_refuse(operation, *answer.error, pending)) return {};
        if (writes && answer.error && !expected.error) return lost_answer(operation, *answer.error) ? "" : difference;
        if (writes) return difference;
        if (answer.error) return is_refused(*answer.error, false) ? "" : difference;
        return agrees_where_not_refused(expected, answer) ? "" : difference;
    }

    /// Whether a write may answer `error` and change nothing.
    [[nodiscard]] bool may_refuse(const Operation& operation, Errc error, std::size_t pending) const {
        const bool is_update = operation.verb == Verb::update || operation.verb == Verb::refuse_update;
        const bool is_put = operation.verb == Verb::put || operation.verb == Verb::put_junk;
        const bool is_of_items = operation.verb == Verb::save || operation.verb == Verb::save_many || operation.verb == Verb::erase;
        const bool asks_for_indexes =
            is_put || (is_of_items && tells_foreign_commits<Backend>);  // of the kind, which others may change
        const bool reads = defers_writes || is_update || asks_for_indexes;
        if (reads && refusals_->reads.code() == error) return true;
        if (!defers_writes) return refusals_->writes.code() == error;
        return error == Errc::full && pending + operation.names.size() > setup_.pending_limit_entries;
    }

    /// Whether a write was made and its answer lost: then the model makes it as well.
    [[nodiscard]] bool lost_answer(const Operation& operation, Errc error) {
        const auto version = store_->backend().inner().last_version();
        if (defers_writes || refusals_->answers.code() != error || !version) return false;
        model_.apply(operation, traits_.clock.now(), *version);
        return true;
    }

    [[nodiscard]] bool agrees_where_not_refused(Answer expected, const Answer& answer) const {
        if (expected.found.size() != answer.found.size()) return false;
        for (std::size_t i = 0; i < answer.found.size(); ++i) {
            if (answer.found[i].error && is_refused(*answer.found[i].error, false)) expected.found[i] = answer.found[i];
        }
        return answer.agrees_with(expected);
    }

    /// The backend must hold a prefix of what was acknowledged, each batch whole, or, if it `must_be_all`, all of it. One that
    /// forgets everything when it is closed begins anew, and gets all of it again.
    [[nodiscard]] std::string compare_stored(bool must_be_all) {
        if (volatile_backend<typename Subject::Backend>) return {};
        auto& backend = store_->backend().inner();
        Model::Entries stored;
        const Status scanned = backend.scan(user_keys(), [&](std::string_view key, const RecordView& record) {
            stored[std::string{key}] = {std::string{record.value}, record.version, record.expires_at};
            return true;
        });
        const auto last_version = backend.last_version();
        if (!scanned || !last_version) return "the backend cannot be read";
        if (!model_.is_prefix(stored, *last_version)) return "the backend holds no prefix of what was acknowledged";
        return must_be_all && !model_.is_all_stored() ? "the backend lacks writes that were acknowledged" : "";
    }

    // --- asking the store ----------------------------------------------------------------------------------------------

    [[nodiscard]] static Answer written(Result<Version> version) {
        if (version) return {{}, {}, 0, *version};
        return {version.error().code()};
    }
    [[nodiscard]] static Answer written(Status status) { return {status ? std::nullopt : std::optional{status.error().code()}}; }
    [[nodiscard]] static Found found(const std::string& id, const Result<Loaded<Item>>& loaded) {
        if (!loaded) return {"item:" + id, loaded.error().code()};
        return {"item:" + id, {}, encoded(**loaded), loaded->version(), loaded->expires_at()};
    }
    [[nodiscard]] static Answer listed(const char* prefix, const Result<std::vector<std::string>>& names) {
        if (!names) return {names.error().code()};
        Answer answer;
        for (const std::string& name : *names) answer.found.push_back({prefix + name});
        return answer;
    }

    [[nodiscard]] Answer ask(const Operation& operation, std::optional<Version> expect) {
        const std::string name = operation.names.empty() ? "" : operation.names.front();
        const std::optional<Ttl> ttl = operation.ttl ? std::optional<Ttl>{*operation.ttl} : std::nullopt;
        switch (operation.verb) {
            case Verb::save: return written(store_->save(item_of(name, operation.value), {ttl, expect}));
            case Verb::save_many: return written(save_many(operation, {ttl, expect}));
            case Verb::update: return written(update(operation, name));
            case Verb::refuse_update: return written(update(operation, name));
            case Verb::erase: return written(store_->template erase<Item>(name, {expect}));
            case Verb::load: {
                Found loaded = found(name, store_->template load<Item>(name));
                if (loaded.error) return {loaded.error};
                return {{}, {std::move(loaded)}};
            }
            case Verb::load_many: return load_many(operation.names);
            case Verb::exists: {
                const auto exists = store_->template exists<Item>(name);
                if (!exists) return {exists.error().code()};
                return {{}, {}, *exists ? 1U : 0U};
            }
            case Verb::ids: return listed("item:", store_->template ids<Item>({operation.after, operation.limit}));
            case Verb::keys: return listed("", store_->keys(name, {operation.after, operation.limit}));
            case Verb::for_each: return for_each(operation.limit);
            case Verb::count: {
                const auto count = store_->template count<Item>();
                if (!count) return {count.error().code()};
                return {{}, {}, *count};
            }
            case Verb::put: {
                const std::string id = name.starts_with("item:") ? name.substr(5) : name;
                return written(store_->put(name, encoded(item_of(id, operation.value)), {ttl, expect}));
            }
            case Verb::put_junk: return written(store_->put(name, "\xfe\xff\xff", {ttl, expect}));
            case Verb::get: {
                auto bytes = store_->get(name);
                if (!bytes) return {bytes.error().code()};
                return {{}, {{name, {}, *std::move(bytes)}}};
            }
            case Verb::erase_key: return written(store_->erase_key(name, {expect}));
            default: return {};
        }
    }

    [[nodiscard]] Result<Version> save_many(const Operation& operation, const SaveOptions& options) {
        std::vector<Item> items;
        for (const std::string& id : operation.names) items.push_back(item_of(id, operation.value));
        return store_->save_many(items, options);
    }
    [[nodiscard]] Result<Version> update(const Operation& operation, const std::string& id) {
        return store_->template update<Item>(id, [&](Item& item) -> Status {
            if (operation.verb == Verb::refuse_update) return failure(Errc::unsupported, "the test refuses");
            item = item_of(id, operation.value);
            return {};
        });
    }
    [[nodiscard]] Answer load_many(const std::vector<std::string>& ids) {
        Answer answer;
        const auto loaded = store_->template load_many<Item>(ids);
        for (std::size_t i = 0; i < ids.size(); ++i) answer.found.push_back(found(ids[i], loaded[i]));
        return answer;
    }
    [[nodiscard]] Answer for_each(std::size_t limit) {
        Answer answer;
        const Status visited = store_->template for_each<Item>([&](const Loaded<Item>& loaded) {
            answer.found.push_back(found(loaded->item_id, loaded));
            return answer.found.size() < limit;
        });
        if (!visited) answer.error = visited.error().code();
        return answer;
    }

    Setup setup_;
    TempDir dir_;
    Subject subject_;
    std::shared_ptr<Refusals> refusals_ = std::make_shared<Refusals>();
    ManualTraits traits_;
    Model model_;
    std::string open_error_;
    std::optional<Store> store_;
};

}  // namespace joinly::test
#endif
