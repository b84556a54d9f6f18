#ifndef TOOL_KNOWN_KINDS_HPP
#define TOOL_KNOWN_KINDS_HPP
// The kinds that the tool shows, and takes, as JSON: the library's own. A game that builds the tool for itself adds its entities at
// the end.

#include <joinly/entity/entity.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/match.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/entity/queue.hpp>
#include <joinly/entity/queue_claims.hpp>

#include <string_view>
#include <type_traits>

namespace tool {

template <joinly::entity... T>
struct Kinds {
    template <class U>
    static constexpr bool has = (std::is_same_v<T, U> || ...);

    /// Calls `visit(std::type_identity<T>{})` for the T whose kind `key` begins with. False: there is none.
    template <class Visit>
    static bool visit(std::string_view key, Visit visit) {
        const std::string_view kind = key.substr(0, key.find(':'));
        return kind.size() < key.size() && ((kind == joinly::kind_of<T> ? (visit(std::type_identity<T>{}), true) : false) || ...);
    }
    /// Calls it for each.
    template <class Visit>
    static void visit_all(Visit visit) {
        (visit(std::type_identity<T>{}), ...);
    }
    /// Calls it with all of them at once.
    template <class Call>
    static auto apply(Call call) {
        return call(std::type_identity<T>{}...);
    }
};

/// To be added to here and, for their codecs, in codec_binary.cpp and codec_json.cpp.
using KnownKinds = Kinds<joinly::Lobby, joinly::Match, joinly::Player, joinly::Queue, joinly::QueueClaims>;

template <class T>
concept known = KnownKinds::has<T>;

}  // namespace tool
#endif
