#ifndef JOINLY_CODEC_BINARY_VIEW_HPP
#define JOINLY_CODEC_BINARY_VIEW_HPP
// Reading some fields of an object that Binary has encoded, where the object itself is not needed: of a record that a backend or
// `store.get` has given, of a message from the network, of what the C interface hands out.
//
//     auto player = joinly::view<joinly::Player>(bytes);
//     if (!player) return fail(player.error());
//     std::string_view name = player->get<&joinly::Player::username>();        // points into `bytes`
//     std::int32_t rating = player->get<&joinly::Player::skill_rating>();
//     auto seen = player->for_each<&joinly::Player::attributes>([](std::string_view key, std::string_view value) { ... });
//
// It pays where what is left aside is long, or lists and maps: of a Player with short strings decoding is as quick.
//
// **The bytes must outlive the view, and whatever it has given**, unchanged. Views are values: a copy reads the same bytes, and any
// number of threads may read one.
//
// `view` reads the message once, without what is nested in it, and answers `corrupt` to damage; so what `get` gives of a number or
// a string is certain, and takes no time. Nested messages and elements are read when they are asked for, and are a Result or a
// Status of their own; whoever follows a struct that contains itself counts how deep it goes, for a view has no limit.
//
// | field                        | `get` gives                                                                          |
// |------------------------------|--------------------------------------------------------------------------------------|
// | bool, number, enum, time     | its value                                                                            |
// | std::string                  | std::string_view                                                                     |
// | std::vector<std::byte>       | std::span<const std::byte>                                                           |
// | a described struct           | Result<BinaryView> of it                                                             |
// | one with to_wire, from_wire  | Result of it: it is made                                                             |
// | std::optional of these       | std::optional of the same, in the Result if there is one                             |
// | std::vector, a map           | does not compile: `for_each` calls a function with each element, or key and value    |
//
// A field that is missing has the object's default; lists, maps and optionals that are missing are empty. Nothing is allocated,
// unless a default-constructed T allocates by itself, a from_wire does, or a field is missing whose default is not zero or empty,
// as in what was written before there was such a field, or stands in a nested struct of such a default. Then a default object is
// made, which the view and its copies share: what they give of it lives as long as one of them.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/codec/binary_decode.hpp>
#include <joinly/detail/codec/binary_slots.hpp>
#include <joinly/detail/codec/binary_value.hpp>
#include <joinly/detail/codec/wire.hpp>
#include <joinly/detail/codec/wire_reader.hpp>
#include <joinly/detail/codec/zero_fields.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/explain_entity.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/entity/described.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

JOINLY_NAMESPACE_BEGIN

template <described T>
class BinaryView;

namespace detail {

template <class T>
struct Viewed {
    using type = T;
};
template <class T>
requires(blob_field<T>&& string_field<T>) struct Viewed<T> {
    using type = std::string_view;
};
template <class T>
requires(blob_field<T> && !string_field<T>) struct Viewed<T> {
    using type = std::span<const std::byte>;
};
template <message_field T>
struct Viewed<T> {
    using type = BinaryView<T>;
};
/// What a value is seen as.
template <single_field T>
using viewed = typename Viewed<T>::type;

/// Whether nothing can be wrong with a value, once its own message has been read.
template <class T>
concept plainly_viewed = scalar_field<T> || blob_field<T>;

template <blob_field T>
viewed<T> view_of_bytes(std::string_view bytes) noexcept {
    if constexpr (string_field<T>) {
        return bytes;
    } else {
        return {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()};
    }
}

template <plainly_viewed T>
viewed<T> value_of_slot(const FieldSlot& slot) noexcept {
    if constexpr (scalar_field<T>) {
        using Bits = decltype(to_bits(number_of<T>{}));
        return from_number<T>(from_bits<number_of<T>>(static_cast<Bits>(slot.value)));
    } else {
        return view_of_bytes<T>({slot.data, static_cast<std::size_t>(slot.value)});
    }
}

}  // namespace detail

/// An encoded T, made by `view`. Each function takes the member it is about: `view.get<&Player::username>()`.
template <described T>
class BinaryView {
    static_assert(detail::walks_at_compile_time<T>,
                  "joinly: a view needs a description that can be followed at compile time: declare `fields` constexpr, and let it "
                  "give members of the object and nothing that is computed");

public:
    /// A field that is there once, as the table above tells.
    ///
    /// @return for what gives a Result: `corrupt`, naming the field and the byte, counted from the beginning of this view's bytes;
    ///         `incompatible` or `unsupported`, as from `view`; `unsupported` also where a struct is in several pieces, which this
    ///         library does not write.
    /// @par Complexity  O(1); of a nested struct as `view`, of a type with from_wire O(its size).
    template <auto member>
    [[nodiscard]] auto get() const {
        using Member = MemberOf<member>;
        if constexpr (detail::single_field<Member>) {
            return get_single<member, Member>();
        } else if constexpr (detail::optional_field<Member>) {
            return get_optional<member, typename Member::value_type>();
        } else {
            static_assert(detail::optional_field<Member>,
                          "joinly: `get` gives fields that are there once: go through a list or map with "
                          "`view.for_each<&T::member>(function)`");
        }
    }

    /// Calls `visit(element)` with each element of a list in its order, as `get` gives it but without a Result; of a map
    /// `visit(key, value)` with each entry, as it was written: should a key come twice, the last one counts.
    ///
    /// @return success, or as `get`: then `visit` has had those before.
    /// @par Complexity  O(fields of this object and bytes of this one).
    template <auto member, class Visit>
    [[nodiscard]] Status for_each(Visit&& visit) const {
        using Member = MemberOf<member>;
        constexpr bool is_single = detail::single_field<Member> || detail::optional_field<Member>;
        static_assert(!is_single, "joinly: `for_each` is for lists and maps: `view.get<&T::member>()` gives this field");
        if constexpr (!is_single) {
            const detail::FieldSlot& slot = slots_[place<member>];
            if (slot.data == nullptr) return {};
            detail::Decoding decoding{bytes_};
            detail::WireReader in{decoding, slot.data, bytes_.data() + bytes_.size()};
            bool ok = true;
            while (ok && !in.at_end()) {
                std::uint32_t number = 0;
                detail::WireType type{};
                ok = in.tag(number, type);
                if (!ok) break;
                ok = number == shape<member>.number ? visit_values<Member>(in, type, visit) : in.skip(type);
            }
            if (!ok) return refuse<member>(decoding);
        }
        return {};
    }

private:
    template <described U>
    friend class BinaryView;
    template <described U>
    friend Result<BinaryView<U>> view(std::string_view bytes);

    template <auto member>
    struct Field {
        static_assert(detail::member_of<T, member>, "joinly: this is no member of the viewed type");
        static constexpr std::size_t place = detail::place_of_field<T, member>();
        static_assert(place < detail::field_shapes<T>.size(),
                      "joinly: this member is no field of the description, so it is not in the bytes: let `fields` give it");
        using Type = std::remove_cvref_t<decltype(std::declval<const T&>().*member)>;
    };
    template <auto member>
    using MemberOf = typename Field<member>::Type;
    template <auto member>
    static constexpr std::size_t place = Field<member>::place;
    template <auto member>
    static constexpr const detail::FieldShape& shape = detail::field_shapes<T>[Field<member>::place];

    /// The answer to damage within a field.
    template <auto member>
    [[nodiscard]] JOINLY_COLD static tl::unexpected<Error> refuse(detail::Decoding& decoding) {
        decoding.blame(shape<member>.name);
        return decoding.refuse(detail::kind_or_object<T>());
    }

    /// False is a fault. `defaults`, if there are any, are those that the object has where it stands.
    bool read(detail::Decoding& decoding, std::string_view bytes, std::shared_ptr<const T> defaults = nullptr) {
        constexpr int known = detail::version_of<T>();
        constexpr auto& shapes = detail::field_shapes<T>;
        bytes_ = bytes;
        detail::VersionMark mark;
        detail::WireReader in{decoding, bytes};
        const bool ok = detail::read_slots_in_order<T>(in, slots_.data(), std::make_index_sequence<shapes.size()>{}) &&
                        (in.at_end() || detail::read_slots(in, shapes.data(), shapes.size(), slots_.data(), mark));
        if (!ok || !mark.is_of(known)) {
            if (!detail::is_for_build(in, mark, known)) return false;
            if constexpr (detail::has_upgrade<T>) {
                if (mark.version < static_cast<std::uint64_t>(known)) return refuse_older(decoding, mark);
            }
        }
        keep_defaults(std::move(defaults));
        return true;
    }
    JOINLY_COLD static bool refuse_older(detail::Decoding& decoding, const detail::VersionMark& mark) {
        return decoding.fail_with({Errc::unsupported, "it has description version " + std::to_string(mark.version) +
                                                          " and needs `upgrade`, which a view does not do: decode it"});
    }
    /// A view of a struct that is missing, where it has these defaults.
    static BinaryView missing(std::shared_ptr<const T> defaults) {
        BinaryView empty;
        empty.keep_defaults(std::move(defaults));
        return empty;
    }

    void keep_defaults(std::shared_ptr<const T> defaults) {
        defaults_ = std::move(defaults);
        if (defaults_ == nullptr && lacks_nonzero()) defaults_ = std::make_shared<const T>();
    }
    /// Whether a field is missing whose default is not zero; beyond the 64th, whatever it is.
    [[nodiscard]] bool lacks_nonzero() const {
        detail::DefaultMask missing = 0;
        bool is_beyond = false;
        for (std::size_t at = 0; at < slots_.size(); ++at) {
            if (slots_[at].data != nullptr || detail::field_shapes<T>[at].is_repeated) continue;
            is_beyond |= at >= 64;
            if (at < 64) missing |= detail::DefaultMask{1} << at;
        }
        return is_beyond || (missing != 0 && (missing & detail::nonzero_defaults<T>()) != 0);
    }

    template <auto member, class Member>
    [[nodiscard]] auto get_single() const {
        const detail::FieldSlot& slot = slots_[place<member>];
        if constexpr (detail::plainly_viewed<Member>) {
            if (slot.data != nullptr) return detail::value_of_slot<Member>(slot);
            if (defaults_ == nullptr) return detail::viewed<Member>{};
            return view_of_object(defaults_.get()->*member);
        } else if constexpr (detail::message_field<Member>) {
            return get_message<member, Member>(slot);
        } else {
            Member value = defaults_ == nullptr ? T{}.*member : defaults_.get()->*member;
            return slot.data == nullptr ? Result<Member>{std::move(value)} : converted<member>(slot, std::move(value));
        }
    }
    template <auto member, class Value>
    [[nodiscard]] auto get_optional() const {
        using Found = std::optional<detail::viewed<Value>>;
        const detail::FieldSlot& slot = slots_[place<member>];
        if constexpr (detail::plainly_viewed<Value>) {
            return slot.data == nullptr ? Found{} : Found{detail::value_of_slot<Value>(slot)};
        } else {
            if (slot.data == nullptr) return Result<Found>{Found{}};
            const auto in_optional = [](auto&& value) { return Found{std::move(value)}; };
            if constexpr (detail::message_field<Value>) {
                return message_in<member, Value>(slot, nullptr).map(in_optional);
            } else {
                return converted<member>(slot, Value{}).map(in_optional);
            }
        }
    }

    template <detail::plainly_viewed Member>
    static detail::viewed<Member> view_of_object(const Member& value) noexcept {
        if constexpr (detail::scalar_field<Member>) {
            return value;
        } else {
            return {value.data(), value.size()};
        }
    }

    template <auto member, class Member>
    [[nodiscard]] Result<BinaryView<Member>> get_message(const detail::FieldSlot& slot) const {
        std::shared_ptr<const T> around = defaults_;
        constexpr std::size_t at = place<member>;
        if (around == nullptr && (at >= 64 || (detail::nonzero_defaults<T>() >> at % 64 & 1) != 0))
            around = std::make_shared<const T>();
        std::shared_ptr<const Member> defaults;
        if (around != nullptr) defaults = std::shared_ptr<const Member>{around, std::addressof(around.get()->*member)};
        if (slot.data == nullptr) return BinaryView<Member>::missing(std::move(defaults));
        return message_in<member, Member>(slot, std::move(defaults));
    }
    template <auto member, class Message>
    [[nodiscard]] Result<BinaryView<Message>> message_in(const detail::FieldSlot& slot,
                                                         std::shared_ptr<const Message> defaults) const {
        detail::Decoding decoding{bytes_};
        BinaryView<Message> nested;
        if (slot.value == detail::FieldSlot::in_pieces) {
            refuse_pieces(decoding);
        } else if (nested.read(decoding, {slot.data, static_cast<std::size_t>(slot.value)}, std::move(defaults))) {
            return nested;
        }
        return refuse<member>(decoding);
    }
    JOINLY_COLD static bool refuse_pieces(detail::Decoding& decoding) {
        return decoding.fail_with({Errc::unsupported, "it is in several pieces, which a view does not merge: decode the object"});
    }

    /// `value` made from what it travels as.
    template <auto member, class Value>
    [[nodiscard]] Result<Value> converted(const detail::FieldSlot& slot, Value value) const {
        detail::Decoding decoding{bytes_};
        if (convert(decoding, slot, value)) return value;
        return refuse<member>(decoding);
    }
    template <detail::single_field Value>
    static bool convert(detail::Decoding& decoding, const detail::FieldSlot& slot, Value& value) {
        if constexpr (wire_convertible<Value>) {
            detail::converted_type_of<Value> wire{};
            if (!convert(decoding, slot, wire)) return false;
            return Entity<Value>::from_wire(std::as_const(wire), value) ||
                   decoding.fail(slot.data, "the value is not one that from_wire accepts");
        } else if constexpr (detail::scalar_field<Value>) {
            value = detail::value_of_slot<Value>(slot);
            return true;
        } else if constexpr (detail::blob_field<Value>) {
            detail::assign_bytes(value, {slot.data, static_cast<std::size_t>(slot.value)});
            return true;
        } else {
            return detail::take_nested(decoding, {slot.data, static_cast<std::size_t>(slot.value)}, value, true);
        }
    }

    /// What follows the tag of a list's or map's field.
    template <class Container, class Visit>
    static bool visit_values(detail::WireReader& in, detail::WireType type, Visit& visit) {
        if constexpr (detail::map_field<Container>) {
            std::string_view entry;
            return in.delimited(entry) && visit_entry<Container>({in.decoding(), entry}, visit);
        } else {
            using Element = typename Container::value_type;
            if (type == detail::wire_type_of_field<Element>()) return visit_element<Element>(in, visit);
            std::string_view packed;
            if (!in.delimited(packed)) return false;
            detail::WireReader within{in.decoding(), packed};
            bool ok = true;
            while (ok && !within.at_end()) ok = visit_element<Element>(within, visit);
            return ok;
        }
    }
    template <class Element, class Visit>
    static bool visit_element(detail::WireReader& in, Visit& visit) {
        detail::viewed<Element> element{};
        if (!read_value<Element>(in, element)) return false;
        visit(std::move(element));
        return true;
    }
    template <class Map, class Visit>
    static bool visit_entry(detail::WireReader in, Visit& visit) {
        using Key = typename Map::key_type;
        using Mapped = typename Map::mapped_type;
        detail::viewed<Key> key{};
        detail::viewed<Mapped> mapped{};
        bool has_mapped = false;
        while (!in.at_end()) {
            std::uint32_t number = 0;
            detail::WireType type{};
            if (!in.tag(number, type)) return false;
            bool ok = true;
            if (number == 1) {
                ok = type == detail::wire_type_of_field<Key>() ? read_value<Key>(in, key) : in.fail_type();
            } else if (number == 2) {
                if (detail::message_field<Mapped> && has_mapped) return refuse_pieces(in.decoding());
                has_mapped = true;
                ok = type == detail::wire_type_of_field<Mapped>() ? read_value<Mapped>(in, mapped) : in.fail_type();
            } else {
                ok = in.skip(type);
            }
            if (!ok) return false;
        }
        if constexpr (detail::message_field<Mapped>) {
            if (!has_mapped) mapped = BinaryView<Mapped>::missing(nullptr);
        }
        visit(std::move(key), std::move(mapped));
        return true;
    }
    template <class Value>
    static bool read_value(detail::WireReader& in, detail::viewed<Value>& value) {
        if constexpr (detail::blob_field<Value>) {
            std::string_view bytes;
            if (!in.delimited(bytes)) return false;
            value = detail::view_of_bytes<Value>(bytes);
            return true;
        } else if constexpr (detail::message_field<Value>) {
            std::string_view bytes;
            return in.delimited(bytes) && value.read(in.decoding(), bytes);
        } else {
            return detail::take_value(in, value, true);
        }
    }

    BinaryView() = default;

    std::string_view bytes_;
    std::array<detail::FieldSlot, detail::count_fields<T>()> slots_ = {};
    std::shared_ptr<const T> defaults_;  // null: all that is missing is zero or empty
};

/// Looks into an encoded T without making it. See above for how long `bytes` must last.
///
/// @return the view; or `corrupt`, naming the field and the byte; `incompatible`: a newer build wrote it, and not for this one to
///         read, or it is compressed; `unsupported`: an older one wrote it, and it is to go through the description's `upgrade`,
///         which takes an object: decode it.
/// @par Complexity  O(fields of T); where some are missing, one or two default-constructed T besides, with the structs in them.
template <described T>
[[nodiscard]] Result<BinaryView<T>> view(std::string_view bytes) {
    if constexpr (detail::explain_fields<T>()) {
        detail::Decoding decoding{bytes};
        Result<BinaryView<T>> seen{BinaryView<T>{}};  // read where it is returned: it is large
        if (seen->read(decoding, bytes)) return seen;
        return detail::refuse_binary(decoding, bytes, detail::kind_or_object<T>());
    } else {
        return failure(Errc::unsupported);
    }
}
/// The bytes of a temporary string would be gone.
template <described T, class Temporary>
requires std::same_as<std::remove_const_t<Temporary>, std::string>
void view(Temporary&& bytes) = delete;

JOINLY_NAMESPACE_END
#endif
