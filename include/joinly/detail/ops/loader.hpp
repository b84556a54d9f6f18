#ifndef JOINLY_DETAIL_OPS_LOADER_HPP
#define JOINLY_DETAIL_OPS_LOADER_HPP
// The lines of a dump into a backend, batch by batch.

#include <joinly/config.hpp>
#include <joinly/core/batch.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/record.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/index/catalogue.hpp>
#include <joinly/detail/ops/backend_ref.hpp>
#include <joinly/detail/ops/conversion.hpp>
#include <joinly/detail/ops/dump_line.hpp>
#include <joinly/detail/printable.hpp>
#include <joinly/ops/dump_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// What the loader must know of the store's codec and the types that were named.
struct LoadedTypes {
    std::string_view codec;
    std::string_view plain_codec;
    std::optional<Status> (*encode)(std::string_view kind, std::string_view json, Change& change);
    std::optional<IndexCatalogue> (*catalogue)(std::string_view kind);
    ValueForm (*form)(std::string_view key, std::string_view value);
};

class Loader {
public:
    Loader(BackendRef target, const LoadedTypes& types, const LoadOptions& options)
        : target_{target}, types_{types}, options_{options} {}

    [[nodiscard]] Result<LoadReport> run(LineSource source) {
        if (auto ready = examine_target(); !ready) return failure(std::move(ready).error());
        std::string line;
        for (;;) {
            const auto more = source(line);
            if (!more) return failure(more.error());
            if (!*more) break;
            ++report_.lines;
            if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
            if (auto taken = take(line); !taken) return at_line(report_.lines, taken.error());
            if (pending_bytes_ < options_.batch_bytes) continue;
            if (auto put = put_pending(); !put) return failure(std::move(put).error());
            if (options_.progress && !options_.progress(report_)) return report_;
        }
        if (has_head_ && !has_ended_)
            return at_line(report_.lines,
                           {Errc::corrupt, "the dump is cut off: its last line, which tells the number of records, is missing"});
        if (auto put = put_pending(); !put) return failure(std::move(put).error());
        report_.is_finished = true;
        return report_;
    }

private:
    [[nodiscard]] static tl::unexpected<Error> at_line(std::uint64_t line, const Error& error) {
        return failure(error.code(), "line " + std::to_string(line) + ": " + std::string{error.message()});
    }

    [[nodiscard]] Status examine_target() {
        const auto last = target_.last_version();
        if (!last) return failure(last.error());
        last_version_ = *last;
        const auto empty = target_.is_empty(user_keys());
        if (!empty) return failure(empty.error());
        was_empty_ = *empty;
        return {};
    }

    [[nodiscard]] Status take(std::string_view text) {
        DumpLine line;
        if (auto read = DumpLineReader{text}.read(line); !read) return read;
        if (has_ended_) return failure(Errc::corrupt, "something stands behind the dump's last line");
        if (line.head) return take_head(line);
        if (line.end) {
            has_ended_ = true;
            if (*line.end == records_) return {};
            return failure(Errc::corrupt,
                           "the dump has " + std::to_string(records_) + " records, not " + std::to_string(*line.end));
        }
        ++records_;
        if (!line.key || line.json.has_value() == line.bytes.has_value())
            return failure(Errc::corrupt, "a record has a key, and a value or a value_base64");
        if (line.key->starts_with(catalogue_prefix) && line.bytes) {
            catalogues_[line.key->substr(catalogue_prefix.size())] = std::move(*line.bytes);
            return {};
        }
        if (auto usable = validate_raw_key(*line.key); !usable) return usable;
        return take_record(std::move(line));
    }

    [[nodiscard]] Status take_head(const DumpLine& line) {
        if (report_.lines != 1) return failure(Errc::corrupt, "a dump begins in the midst of another one");
        if (*line.head != dump_format)
            return failure(Errc::incompatible, "the dump has format " + std::to_string(*line.head) + "; this library knows 1");
        has_head_ = true;
        codec_ = line.codec;
        if (was_empty_) at_least_ = line.last_version;
        return {};
    }

    [[nodiscard]] Status take_record(DumpLine&& line) {
        Change change{std::move(*line.key), std::nullopt, line.expires_at, absent, ValueForm::bytes, std::nullopt};
        const std::string_view key = change.key;
        const std::string_view kind = kind_in_key(key);
        if (was_empty_ && options_.keep_versions) change.version = line.version;
        if (line.json) {
            const auto encoded = types_.encode(kind, *line.json, change);
            if (!encoded)
                return failure_at(key, Error{Errc::unsupported,
                                             "its value is readable, so its type must be named, as in load_dump<Player>(...)"});
            if (!*encoded) return failure_at(key, encoded->error());
        } else {
            if (auto fits = accept_bytes(kind); !fits) return failure_at(key, fits.error());
            change.form = types_.form(key, *line.bytes);
            change.value = std::move(line.bytes);
            if (!are_index_terms(line.index_terms)) return failure_at(key, Error{Errc::corrupt, "its index terms are damaged"});
            if (!line.index_terms.empty()) change.index_terms = std::move(line.index_terms);
        }
        if (!kind.empty()) {
            if (auto settled = settle(kind, line.json.has_value()); !settled) return failure_at(key, settled.error());
        }
        ascending_ = ascending_ && (last_key_.empty() || last_key_ < key);
        last_key_ = key;
        pending_bytes_ += change.key.size() + change.value->size() + sizeof(Change);
        pending_.push_back(std::move(change));
        pending_lines_.push_back(report_.lines);
        return {};
    }

    [[nodiscard]] static bool are_index_terms(std::string_view packed) noexcept {
        while (const auto term = take_index_term(packed)) {
            if (term->size() > max_index_term_bytes) return false;
        }
        return packed.empty();
    }

    [[nodiscard]] Status accept_bytes(std::string_view kind) const {
        if (codec_.empty() || codec_ == types_.codec || codec_ == types_.plain_codec || kind.empty()) return {};
        if (std::find(options_.raw_kinds.begin(), options_.raw_kinds.end(), kind) != options_.raw_kinds.end()) return {};
        return failure(Errc::unsupported, "its value is " + codec_ + "'s, and this store has " + std::string{types_.codec} +
                                              ": name its type when dumping, or list the kind in raw_kinds if it is no entity");
    }

    /// Before the first record of a kind, and of each form: what the store says about its indexes must hold with it as well.
    [[nodiscard]] Status settle(std::string_view kind, bool readable) {
        if (kind == last_settled_.first && readable == last_settled_.second) return {};
        last_settled_ = std::pair{std::string{kind}, readable};
        if (!settled_.insert(last_settled_).second) return {};
        const std::string key = catalogue_key(kind);
        auto stored = target_.read(key);
        if (!stored && stored.error() != Errc::not_found) return failure(stored.error());
        const auto listed = stored ? decode_catalogue(stored->value) : Result<IndexCatalogue>{};
        if (!listed) return failure(listed.error());
        const auto is_new = target_.is_empty(kind_range(kind));
        if (!is_new) return failure(is_new.error());
        const auto of_dump = catalogues_.find(kind);
        IndexCatalogue complete = *listed;
        if (readable) {
            const IndexCatalogue declared = *types_.catalogue(kind);
            complete = *is_new && !is_pending(kind) ? declared : indexes_only_in(declared, missing(declared, *listed));
        } else if (of_dump != catalogues_.end()) {
            const auto dumped = decode_catalogue(of_dump->second);
            if (!dumped) return failure(dumped.error());
            if (*is_new && !is_pending(kind)) complete = *dumped;
            if (!indexes_only_in(complete, *dumped).empty()) return unknown_indexes();
        } else if (!listed->empty()) {
            return unknown_indexes();
        }
        const Version found = stored ? stored->version : absent;
        if (complete != *listed) {
            catalogue_changes_.put(key, encode_catalogue(complete));
            catalogue_changes_.require(key, found);
            if (auto written = write_catalogue(); !written) return written;
        }
        settled_at_.insert_or_assign(key, complete == *listed ? found : last_version_);
        return {};
    }
    [[nodiscard]] static tl::unexpected<Error> unknown_indexes() {
        return failure(Errc::incompatible, "the store has indexes of the kind which these bytes do not know: name its type");
    }
    [[nodiscard]] bool is_pending(std::string_view kind) const {
        return std::any_of(pending_.begin(), pending_.end(), [&](const Change& change) { return kind_in_key(change.key) == kind; });
    }
    [[nodiscard]] Status write_catalogue() {
        const Batch batch = std::exchange(catalogue_changes_, {});
        const auto written = target_.write(batch);
        if (!written) return failure(written.error());
        last_version_ = *written;
        return {};
    }

    [[nodiscard]] Status put_pending() {
        const bool surely_new = was_empty_ && ascending_;
        pending_bytes_ = 0;
        for (int tries = 0;; ++tries) {
            Batch batch;
            if (surely_new) {
                batch.changes = std::move(pending_);
            } else if (auto chosen = choose(batch); !chosen) {
                return chosen;
            }
            if (was_empty_) {
                follow_on(batch);
            } else {
                for (const auto& [key, version] : settled_at_) batch.require(key, version);
            }
            const auto written = batch.changes.empty() ? Result<Version>{last_version_} : target_.write(batch);
            if (!written && (written.error() != Errc::conflict || surely_new || tries == most_tries))
                return at_line(pending_lines_.front(), written.error());
            if (!written) continue;
            last_version_ = *written;
            report_.loaded += batch.changes.size();
            report_.skipped += pending_lines_.size() - batch.changes.size();
            if (surely_new) pending_ = std::move(batch.changes);  // for its room
            pending_.clear();
            pending_lines_.clear();
            return {};
        }
    }

    /// What of the pending records is to be put, and what must hold for that.
    [[nodiscard]] Status choose(Batch& batch) const {
        std::set<std::string_view> seen;
        batch.changes.reserve(pending_.size());
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            const Change& change = pending_[i];
            if (options_.existing != Existing::overwrite) {
                const std::uint64_t line = pending_lines_[i];
                const auto there = target_.read(change.key);
                if (!there && there.error() != Errc::not_found) return at_line(line, there.error());
                if (const bool twice = !seen.insert(change.key).second; there || twice) {
                    if (options_.existing == Existing::skip) continue;
                    return at_line(line, {Errc::conflict, printable(change.key) + (there ? " is there already" : " comes twice")});
                }
                batch.require(change.key, absent);
            }
            batch.changes.push_back(change);
            if (!change.index_terms) batch.changes.back().index_terms.emplace();
        }
        return {};
    }

    /// Nobody else may have written, and the versions come in.
    void follow_on(Batch& batch) const {
        batch.after = last_version_;
        batch.version = (std::max)(last_version_ + 1, at_least_);
        for (const Change& change : batch.changes) batch.version = (std::max)(batch.version, change.version);
    }

    static constexpr int most_tries = 10;

    BackendRef target_;
    const LoadedTypes& types_;
    const LoadOptions& options_;
    LoadReport report_;
    bool was_empty_ = false;  // and nobody else writes
    Version last_version_ = absent;
    Version at_least_ = absent;  // what the store's last version will be
    bool has_head_ = false;
    bool has_ended_ = false;
    std::uint64_t records_ = 0;                                   // in the dump
    std::string codec_;                                           // the dump's
    std::map<std::string, std::string, std::less<>> catalogues_;  // of the dump's kinds
    std::set<std::pair<std::string, bool>> settled_;
    std::map<std::string, Version> settled_at_;  // the store's catalogues, which must stay like that
    std::pair<std::string, bool> last_settled_;
    std::vector<Change> pending_;
    std::vector<std::uint64_t> pending_lines_;  // where each of them stands
    std::size_t pending_bytes_ = 0;
    Batch catalogue_changes_;
    bool ascending_ = true;
    std::string last_key_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
