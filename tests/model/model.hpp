#ifndef JOINLY_TESTS_MODEL_MODEL_HPP
#define JOINLY_TESTS_MODEL_MODEL_HPP
// What a store must answer, by a plain map: the whole specification that the model test compares with.

#include <joinly/codec/binary.hpp>
#include <joinly/core/clock.hpp>
#include <joinly/core/record.hpp>
#include <tests/model/operation.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinly::test {

/// One record that an operation found, or one of several that it asked for and did not find.
struct Found {
    std::string key;
    std::optional<Errc> error = {};
    std::string bytes = {};  // of an Item its encoding
    Version version = absent;
    Expiry expires_at = {};

    friend bool operator==(const Found&, const Found&) = default;
};

/// What an operation answers, whatever its type in the store.
struct Answer {
    std::optional<Errc> error = {};
    std::vector<Found> found = {};
    std::size_t count = 0;
    std::optional<Version> version = {};  // of a write, as the store returned it; the model does not foretell it

    [[nodiscard]] bool agrees_with(const Answer& other) const {
        return error == other.error && found == other.found && count == other.count;
    }
};

[[nodiscard]] inline std::string to_text(const Found& found) {
    std::string text = "\n        " + shown(found.key);
    if (found.error) text += ' ' + std::string{joinly::to_string(*found.error)};
    if (!found.bytes.empty()) text += " = " + shown(found.bytes);
    if (found.version != absent) text += " version " + std::to_string(found.version);
    if (!found.expires_at.is_never()) text += " until " + std::to_string(found.expires_at.at().time_since_epoch().count());
    return text;
}

/// An answer, without what it has in common with the `other` one.
[[nodiscard]] inline std::string to_text(const Answer& answer, const Answer& other) {
    std::string text = answer.error ? std::string{joinly::to_string(*answer.error)} : "success";
    if (answer.count != other.count) text += ", count " + std::to_string(answer.count);
    if (answer.found.size() != other.found.size()) text += ", " + std::to_string(answer.found.size()) + " records";
    for (std::size_t i = 0; i < answer.found.size(); ++i) {
        if (i >= other.found.size() || answer.found[i] != other.found[i]) text += to_text(answer.found[i]);
    }
    return text;
}

[[nodiscard]] inline Item item_of(std::string_view id, int value) {
    Item item{std::string{id}, "value " + std::to_string(value)};
    if (value % 37 == 0) item.text.append(6'000, 'v');  // more than a page of any engine's
    return item;
}
[[nodiscard]] inline std::string encoded(const Item& item) {
    std::string bytes;
    if (!Binary::encode(item, bytes)) bytes = "not encodable";
    return bytes;
}

class Model {
public:
    struct Entry {
        std::string bytes;
        std::optional<Version> version;  // nullopt: written, and the version not yet known
        Expiry expires_at;
        bool is_item = false;
    };
    using Entries = std::map<std::string, Entry>;

    /// One acknowledged batch: what each of its keys became, and under which version, if the store has said so.
    struct Change {
        std::optional<Version> version;
        std::vector<std::pair<std::string, std::optional<Entry>>> entries;
    };

    [[nodiscard]] static std::string key_of(const Operation& operation, std::string_view name) {
        return names_raw_keys(operation.verb) ? std::string{name} : "item:" + std::string{name};
    }

    /// The version that a write is to expect.
    [[nodiscard]] std::optional<Version> expectation(const Operation& operation, WallTime now) const {
        if (operation.expect == Expect::anything || operation.names.empty()) return std::nullopt;
        if (operation.expect == Expect::absence) return absent;
        const std::string key = key_of(operation, operation.names.front());
        if (operation.expect == Expect::current) return live_version(key, now);
        const auto at = older_versions_.find(key);
        return at == older_versions_.end() ? newest_ + 1'000'000 : at->second;
    }

    [[nodiscard]] Answer expected(const Operation& operation, WallTime now) const {
        if (const auto error = misuse(operation)) return {error};
        switch (operation.verb) {
            case Verb::save:
            case Verb::save_many:
            case Verb::put:
            case Verb::put_junk:
            case Verb::erase:
            case Verb::erase_key: return {requirements_hold(operation, now) ? std::nullopt : std::optional{Errc::conflict}};
            case Verb::update:
            case Verb::refuse_update: {
                const auto error = load(operation, operation.names.front(), now).error;
                if (error || operation.verb == Verb::update) return {error};
                return {Errc::unsupported};
            }
            case Verb::load:
            case Verb::get: {
                Found found = load(operation, operation.names.front(), now);
                if (found.error) return {found.error};
                return {{}, {std::move(found)}};
            }
            case Verb::exists: {
                const auto error = load(operation, operation.names.front(), now).error;
                if (error == Errc::corrupt) return {error};
                return {{}, {}, error ? 0U : 1U};
            }
            case Verb::load_many: {
                Answer answer;
                for (const std::string& id : operation.names) answer.found.push_back(load(operation, id, now));
                return answer;
            }
            case Verb::ids: return listed("item:", operation, now);
            case Verb::keys: return listed(operation.names.front(), operation, now);
            case Verb::count: return {{}, {}, listed("item:", operation, now).found.size()};
            case Verb::for_each: return visited(operation, now);
            default: return {};
        }
    }

    /// A write has succeeded, under the version that the store gave it, if it gave one.
    void apply(const Operation& operation, WallTime now, std::optional<Version> version) {
        Change change{version, {}};
        for (const std::string& name : operation.names) {
            const std::string key = key_of(operation, name);
            const auto at = entries_.find(key);
            if (at != entries_.end() && at->second.version) older_versions_[key] = *at->second.version;
            std::optional<Entry> entry = written(operation, name, now, version);
            if (entry) {
                entries_[key] = *entry;
            } else {
                entries_.erase(key);
            }
            change.entries.emplace_back(key, std::move(entry));
        }
        if (version) newest_ = (std::max)(newest_, *version);
        if (!change.entries.empty()) changes_.push_back(std::move(change));
    }

    /// The newest version that the store has returned.
    [[nodiscard]] Version newest() const noexcept { return newest_; }
    [[nodiscard]] const Entries& entries() const noexcept { return entries_; }

    /// Whether `stored`, everything that a backend holds at `last_version`, is what the batches acknowledged up to some moment
    /// made, and all of those up to that version. An erase does not tell its version, so after it that moment is open.
    [[nodiscard]] bool is_prefix(const Entries& stored, Version last_version) {
        while (std::any_of(changes_.begin(), changes_.end(),
                           [&](const Change& change) { return change.version && *change.version <= last_version; }))
            store_next_change();
        for (;;) {
            if (same(stored, stored_)) return true;
            if (changes_.empty() || changes_.front().version) return false;
            store_next_change();
        }
    }
    /// Whether all that was acknowledged is in the prefix that is_prefix has found last.
    [[nodiscard]] bool is_all_stored() const { return same(stored_, entries_); }

private:
    [[nodiscard]] static std::optional<Errc> misuse(const Operation& operation) {
        if (operation.verb == Verb::load_many || operation.verb == Verb::keys) return std::nullopt;
        if (operation.ttl && operation.ttl->count() <= 0) return Errc::invalid_argument;
        for (const std::string& name : operation.names) {
            const bool usable = names_raw_keys(operation.verb) ? validate_raw_key(name).has_value() : is_usable_id(name);
            if (!usable) return Errc::invalid_argument;
        }
        return std::nullopt;
    }
    [[nodiscard]] static bool is_usable_id(std::string_view id) noexcept { return !id.empty() && id.size() <= 1024; }

    [[nodiscard]] Version live_version(const std::string& key, WallTime now) const {
        const auto at = entries_.find(key);
        return at == entries_.end() || at->second.expires_at.has_passed(now) ? absent : at->second.version.value_or(absent);
    }

    [[nodiscard]] bool requirements_hold(const Operation& operation, WallTime now) const {
        const auto expected = expectation(operation, now);
        return !expected || std::all_of(operation.names.begin(), operation.names.end(), [&](const std::string& name) {
            return live_version(key_of(operation, name), now) == *expected;
        });
    }

    [[nodiscard]] Found load(const Operation& operation, const std::string& name, WallTime now) const {
        const std::string key = key_of(operation, name);
        if (!names_raw_keys(operation.verb) && !is_usable_id(name)) return {key, Errc::invalid_argument};
        const auto at = entries_.find(key);
        if (at == entries_.end() || at->second.expires_at.has_passed(now)) return {key, Errc::not_found};
        return found(key, at->second, !names_raw_keys(operation.verb));
    }
    [[nodiscard]] static Found found(const std::string& key, const Entry& entry, bool as_item) {
        if (!as_item) return {key, {}, entry.bytes};  // get tells neither version nor expiry
        if (!entry.is_item) return {key, Errc::corrupt};
        return {key, {}, entry.bytes, entry.version.value_or(absent), entry.expires_at};
    }

    [[nodiscard]] Answer listed(const std::string& prefix, const Operation& operation, WallTime now) const {
        Answer answer;
        const std::string after = operation.verb == Verb::ids ? prefix + operation.after : operation.after;
        for (const auto& [key, entry] : entries_) {
            if (!key.starts_with(prefix) || entry.expires_at.has_passed(now)) continue;
            if ((!operation.after.empty() && key <= after) || answer.found.size() == operation.limit) continue;
            answer.found.push_back({key});
        }
        return answer;
    }

    [[nodiscard]] Answer visited(const Operation& operation, WallTime now) const {
        Answer answer;
        const std::size_t limit = (std::max<std::size_t>)(operation.limit, 1);  // a visitor can stop at its first visit
        for (const auto& [key, entry] : entries_) {
            if (!key.starts_with("item:") || entry.expires_at.has_passed(now) || answer.found.size() == limit) continue;
            if (!entry.is_item) {
                answer.error = Errc::corrupt;
                break;
            }
            answer.found.push_back(found(key, entry, true));
        }
        return answer;
    }

    [[nodiscard]] std::optional<Entry> written(const Operation& operation, const std::string& name, WallTime now,
                                               std::optional<Version> version) const {
        if (operation.verb == Verb::erase || operation.verb == Verb::erase_key) return std::nullopt;
        if (operation.verb == Verb::put_junk) return Entry{"\xfe\xff\xff", version, expiry(operation, now), false};
        const bool is_item = operation.verb != Verb::put || name.starts_with("item:");
        const std::string id = operation.verb == Verb::put && is_item ? name.substr(5) : name;
        Entry entry{encoded(item_of(id, operation.value)), version, expiry(operation, now), is_item};
        if (operation.verb == Verb::update) entry.expires_at = entries_.at("item:" + name).expires_at;
        return entry;
    }
    [[nodiscard]] static Expiry expiry(const Operation& operation, WallTime now) {
        return operation.ttl ? *Expiry::after(now, *operation.ttl) : Expiry{};
    }

    void store_next_change() {
        for (auto& [key, entry] : changes_.front().entries) {
            if (entry) {
                stored_[key] = std::move(*entry);
            } else {
                stored_.erase(key);
            }
        }
        changes_.pop_front();
    }
    [[nodiscard]] static bool same(const Entries& left, const Entries& right) {
        return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](const auto& a, const auto& b) {
            return a.first == b.first && a.second.bytes == b.second.bytes && a.second.version == b.second.version &&
                   a.second.expires_at == b.second.expires_at;
        });
    }

    Entries entries_;
    std::map<std::string, Version> older_versions_;
    Version newest_ = absent;
    Entries stored_;              // what a backend must hold that has stored all but changes_
    std::deque<Change> changes_;  // acknowledged, and for all that is known not stored
};

}  // namespace joinly::test
#endif
