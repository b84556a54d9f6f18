#ifndef TOOL_STORE_OF_HPP
#define TOOL_STORE_OF_HPP
// A typed store behind the run-time interface: here the library's templates meet the kinds that it knows.

#include <joinly/ops/sql_views.hpp>
#include <joinly/store.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "any_store.hpp"
#include "codecs.hpp"

namespace tool {

template <class Codec>
class StoreOf final : public AnyStore {
    using Store = joinly::Store<AnyBackend, joinly::NoCache, TraitsOf<Codec>>;

public:
    [[nodiscard]] static joinly::Result<std::unique_ptr<AnyStore>> open(std::shared_ptr<Engine> engine) {
        auto store = Store::open({std::move(engine)});
        if (!store) return joinly::failure(std::move(store).error());
        return std::make_unique<StoreOf>(std::move(*store));
    }
    explicit StoreOf(Store store) : store_{std::move(store)} {}

    joinly::Result<std::string> readable(std::string_view key, std::string_view value) const override {
        joinly::Result<std::string> text{value};
        KnownKinds::visit(key, [&]<class T>(std::type_identity<T>) { text = to_json<T>(key, value); });
        return text;
    }

    joinly::Result<joinly::Version> put(std::string_view key, std::string value, const joinly::SaveOptions& options) override {
        joinly::Result<joinly::Version> version{joinly::absent};
        const bool known =
            KnownKinds::visit(key, [&]<class T>(std::type_identity<T>) { version = save_json<T>(key, value, options); });
        return known ? version : store_.put(key, std::move(value), options);
    }

    joinly::Status erase(std::string_view key, const joinly::EraseOptions& options) override {
        return store_.erase_key(key, options);
    }
    joinly::Result<joinly::SweepReport> sweep(std::chrono::microseconds budget, OnExpired on_expired) override {
        return store_.sweep(budget, on_expired);
    }

    joinly::Status rebuild_indexes(OnBuilt on_built) override {
        joinly::Status outcome;
        const auto rebuild = [&]<class T>(std::type_identity<T>) -> joinly::Status {
            if (auto no_others = require_no_others<T>(); !no_others) return no_others;
            const auto built = store_.template rebuild_indexes<T>();
            return built ? store_.template verify_indexes<T>() : joinly::Status{joinly::failure(built.error())};
        };
        KnownKinds::visit_all([&]<class T>(std::type_identity<T> type) {
            if (store_.template verify_indexes<T>()) return;
            if (auto built = rebuild(type); built) {
                on_built(joinly::kind_of<T>);
            } else if (outcome) {
                outcome = std::move(built);
            }
        });
        return outcome;
    }

    joinly::Status create_views() override {
        if constexpr (Codec::form == joinly::ValueForm::text) {
            return KnownKinds::apply([&]<class... T>(std::type_identity<T>...) { return joinly::create_views<T...>(store_); });
        } else {
            return joinly::failure(joinly::Errc::unsupported, "SQL looks into JSON only: migrate the store to sqlite+json:PATH");
        }
    }

private:
    /// Building the indexes that T's description has would strike out those that only somebody else's has.
    template <class T>
    joinly::Status require_no_others() {
        namespace detail = joinly::detail;
        const auto stored = detail::load_catalogue(detail::StoreAccess::core(store_), joinly::kind_of<T>);
        if (!stored) return joinly::failure(stored.error());
        const auto declared = detail::index_catalogue<T>();
        const bool all_known = std::all_of(stored->indexes.begin(), stored->indexes.end(), [&](const auto& index) {
            return std::any_of(declared.begin(), declared.end(), [&](const auto& known) { return known.number == index.number; });
        });
        if (all_known) return {};
        return joinly::failure(joinly::Errc::incompatible, std::string{joinly::kind_of<T>} +
                                                               ": the store has indexes that this program does not know, and would "
                                                               "lose: call rebuild_indexes in the one that does");
    }

    template <class T>
    static joinly::Result<std::string> to_json(std::string_view key, std::string_view value) {
        T object;
        if (auto decoded = Codec::decode(value, object); !decoded) return joinly::failure_at(key, decoded.error());
        std::string text;
        if (encode_json(object, text)) return text;
        object.unknown_fields.clear();  // a newer build's, of a binary value: JSON of this build has no names for them
        if (auto encoded = encode_json(object, text); !encoded) return joinly::failure_at(key, encoded.error());
        return text;
    }

    template <class T>
    joinly::Result<joinly::Version> save_json(std::string_view key, std::string_view text, const joinly::SaveOptions& options) {
        T object;
        if (auto decoded = decode_json(text, object); !decoded)
            return joinly::failure(joinly::Errc::invalid_argument, std::string{decoded.error().message()});
        if (!Codec::name.ends_with("json") && !object.unknown_fields.empty())
            return joinly::failure(joinly::Errc::invalid_argument,
                                   "the value has members that are no fields of a " + fields_of<T>());
        auto& id = joinly::Entity<T>::id(object);
        const std::string_view wanted = joinly::id_of(joinly::kind_of<T>, key);
        if (id.empty()) id = wanted;
        if (id == wanted) return store_.save(std::move(object), options);
        return joinly::failure(joinly::Errc::invalid_argument, "the value says that its id is '" + std::string{id} +
                                                                   "', and the key '" + std::string{wanted} + "'");
    }

    /// "player: player_id, username"
    template <class T>
    static std::string fields_of() {
        std::string text{joinly::kind_of<T>};
        const T object{};
        joinly::Entity<T>::fields(object, [&, gap = ": "](auto, std::string_view field, const auto&...) mutable {
            text.append(gap).append(field);
            gap = ", ";
        });
        return text;
    }

    Store store_;
};

}  // namespace tool
#endif
