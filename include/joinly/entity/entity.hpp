#ifndef JOINLY_ENTITY_ENTITY_HPP
#define JOINLY_ENTITY_ENTITY_HPP
// How a struct is described to the library: once, outside itself. Codecs, keys and schemas all follow from this.
//
//     template <>
//     struct joinly::Entity<game::Match> {
//         static constexpr std::string_view kind = "match";
//         static constexpr auto& id(auto& match) { return match.match_id; }
//         static constexpr void fields(auto& match, auto&& field) {
//             field(1, "match_id", match.match_id);       // numbers are the wire format: never reuse one
//             field(2, "map_name", match.map_name);
//         }
//     };
//     static_assert(joinly::entity<game::Match>);         // after the description, never before: the answer is cached
//
// A struct that only stands inside others gives `fields` alone. An enum gives `values`, and any other type joins by
// saying which type it travels as:
//
//     template <>
//     struct joinly::Entity<game::Mode> {
//         static constexpr void values(auto&& value) { value(game::Mode::ranked, "ranked"); value(game::Mode::casual, "casual"); }
//     };
//     template <>
//     struct joinly::Entity<game::Uuid> {
//         static std::string to_wire(const game::Uuid& uuid);
//         static bool from_wire(const std::string& text, game::Uuid& uuid);   // false: not a Uuid
//     };
//
// # Finding entities by their fields
//
// A store finds entities by fields that are marked, and by up to three fields together (joinly/index/query.hpp shows how):
//
//         static constexpr void fields(auto& match, auto&& field) {
//             field(2, "map_name", match.map_name, joinly::indexed);     // the index has the number of the field
//         }
//         static constexpr void indexes(auto& match, auto&& index) {
//             index(1000, "map_started", match.map_name, match.started_at);      // any other number up to 65535
//         }
//
// A bool, number, enum, time or string can be indexed, a std::optional of these, and a type that travels as one. What an index
// knows an object by takes at most 1 KiB: a string that does not fit, or NaN, makes a save `invalid_argument`. A time that is finer
// than a microsecond is known as Json keeps it, if that is the codec: rounded. When an index comes
// to data that is there already, it has to be built once; and again when its fields change their type or order, or their
// default, or the description its version. So let the default of an indexed field depend neither on the time nor on chance.
// While a new build is rolled out, processes of an older one that share an SQLite file do not keep an index that it brings. When
// one of them writes, the index no longer counts as built, and queries by it are `incompatible` until it has been built again: they
// answer with everything or not at all. So build it when the last of the older ones has gone.
//
// # Changing a description
//
// Stored objects outlive builds, and while a new build is rolled out, old and new ones read what the others write. What may
// change, and what becomes of it:
//
// | change                         | under Binary                             | under Json                                     |
// |--------------------------------|------------------------------------------|------------------------------------------------|
// | a field is added               | a new number; in old records: its default | a new name; in old records: its default       |
// | a field is removed             | never use its number again               | never use its name again                       |
// | a field is renamed             | free: the number counts                  | `formerly` gives the old name; old builds find |
// |                                |                                          | only that one, so they see the default         |
// | fields change places           | free                                     | free                                           |
// | an integer becomes wider       | free; an old build cuts down what is too | free; what is too large is `corrupt` to an old |
// |                                | large for it                             | build                                          |
// | bool, integer, enum without    | free                                     | free; as a bool only 0 and 1 are read          |
// | names: one for another         |                                          |                                                |
// | an enum gets names             | free                                     | free; an integer does not read names           |
// | an enumerator is added         | free: old builds keep the number         | `corrupt` to an old build: roll out the name   |
// |                                |                                          | before anything writes it                      |
// | an enumerator is renamed       | free                                     | list it twice, the new name first              |
// | an enumerator's number         | never                                    | free; where it is indexed, with a new version, |
// |                                |                                          | for indexes know it by its number              |
// | float, double, integer:        | no: `corrupt`                            | free for what the other can hold               |
// | one for another                |                                          |                                                |
// | X becomes std::optional<X>     | free; a zero reads as none               | free                                           |
// | or back                        | free; none reads as the default          | free; none reads as the default                |
// | X becomes std::vector<X>       | free; back: the last one counts, numbers | no: `corrupt`                                  |
// |                                | are `corrupt`                            |                                                |
// | std::string becomes bytes      | free                                     | no: it is base64                               |
// | a time's unit                  | no: read in the wrong unit               | free: it is seconds                            |
// | a field's number               | never                                    | free                                           |
//
// What the table refuses takes a new field, or a version.
//
// **Fields of newer builds.** A struct with a `joinly::UnknownFields` (joinly/entity/unknown_fields.hpp) keeps what it was
// read with and does not know, and a save writes it again: a build that is a version behind loses nothing of what it rewrites.
// Without one, such fields are skipped. The library's own entities have one; nested structs need their own.
//
// **Versions**, for what the table cannot express. The first is 1 and is not written.
//
//     static constexpr int version = 3;
//     static constexpr int oldest_reader = 2;             // builds of version 2 may read, and rewrite, what this one writes
//     static joinly::Status upgrade(game::Match& match, int from) {
//         if (from < 2) match.length_ms *= 1000;          // version 1 had seconds
//         if (from < 3 && match.title.empty()) match.title = match.map_name;
//         return {};                                      // an error is the answer to the load
//     }
//
// An object that an older version wrote goes through `upgrade` each time it is read, after decoding, until it is saved: then it is
// of this version. `upgrade_all` in joinly/ops/upgrade.hpp saves all of them; indexes know an object as it was saved last. Without
// an `upgrade` the version only marks.
//
// An object that a newer version wrote is `incompatible`, naming kind and versions, and its record stays as it is, unless the
// newer version's `oldest_reader` allows this build to read it. If this build saves it then, it is of this build's
// version again, with the newer fields kept as above, and a newer build upgrades it once more: its own fields may no
// longer fit those that this build has changed. So where `oldest_reader` is below the version, the steps in between must be such
// that they can be taken twice, as the second one above; a step like the first one forbids it.
//
// A nested struct may have versions of its own; `upgrade_all` looks at those of the entity only. Golden files, one for each
// version that was ever released, show that it all still reads: see joinly/testing/golden.hpp.

#include <joinly/config.hpp>
#include <joinly/core/key.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/entity/described.hpp>
#include <joinly/entity/formerly.hpp>
#include <joinly/entity/unknown_fields.hpp>

#include <concepts>
#include <string>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// A struct that a game keeps under an id: it has a kind, an id and described fields, and a default constructor.
template <class T>
concept entity = described<T> && std::default_initializable<T> && std::copyable<T> && requires(const T& object) {
    { Entity<T>::kind } -> std::convertible_to<std::string_view>;
    { Entity<T>::id(object) } -> std::convertible_to<std::string_view>;
};

/// "lobby"
template <entity T>
inline constexpr std::string_view kind_of = Entity<T>::kind;

/// The key of an object's record, or `invalid_argument` when its id is empty or too long.
template <entity T>
[[nodiscard]] Result<std::string> key_of(const T& object) {
    return make_key(kind_of<T>, Entity<T>::id(object));
}

JOINLY_NAMESPACE_END
#endif
