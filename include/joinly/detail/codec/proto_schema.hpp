#ifndef JOINLY_DETAIL_CODEC_PROTO_SCHEMA_HPP
#define JOINLY_DETAIL_CODEC_PROTO_SCHEMA_HPP
// Builds the text of a .proto file from descriptions.

#include <joinly/config.hpp>
#include <joinly/detail/codec/binary_encode.hpp>
#include <joinly/detail/entity/description_version.hpp>
#include <joinly/detail/entity/field_types.hpp>
#include <joinly/detail/entity/type_name.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ratio>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// LobbyState: LOBBY_STATE. What cannot be in an identifier becomes an underscore.
inline std::string upper_snake(std::string_view name) {
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    std::string upper;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (is_upper(c) && i > 0 && (is_lower(name[i - 1]) || is_digit(name[i - 1]))) upper.push_back('_');
        const bool stays = is_upper(c) || is_digit(c);
        upper.push_back(is_lower(c) ? static_cast<char>(c - 'a' + 'A') : stays ? c : '_');
    }
    return upper;
}

template <class Number>
constexpr std::string_view proto_number() {
    if constexpr (std::same_as<Number, bool>) {
        return "bool";
    } else if constexpr (std::is_floating_point_v<Number>) {
        return sizeof(Number) == 4 ? "float" : "double";
    } else if constexpr (sizeof(Number) == 8) {
        return std::is_signed_v<Number> ? "int64" : "uint64";
    } else {
        return std::is_signed_v<Number> ? "int32" : "uint32";
    }
}

template <class Period>
std::string name_of_unit() {
    if constexpr (std::same_as<Period, std::nano>) {
        return "nanoseconds";
    } else if constexpr (std::same_as<Period, std::micro>) {
        return "microseconds";
    } else if constexpr (std::same_as<Period, std::milli>) {
        return "milliseconds";
    } else if constexpr (std::same_as<Period, std::ratio<1>>) {
        return "seconds";
    } else {
        const std::string fraction = Period::den == 1 ? "" : "/" + std::to_string(Period::den);
        return "units of " + std::to_string(Period::num) + fraction + " s";
    }
}

/// Values of a Protocol Buffers enum have 32 bits; an enum that does not fit travels under its integer's name.
template <described_enum E>
constexpr bool fits_proto_enum() {
    bool fits = true;
    Entity<E>::values([&](E value, std::string_view) {
        const auto number = to_bits(to_number(value));
        fits = fits && static_cast<std::uint64_t>(static_cast<std::int32_t>(number)) == number;
    });
    return fits;
}

class ProtoSchema {
public:
    template <described T>
    std::string text_for() {
        text_ = "syntax = \"proto3\";\n";
        declare<T>();
        return text_;
    }

private:
    struct Named {
        std::string_view type;
        std::string name;
    };

    /// A type's name in this file: its own, with a number where another type of the same name was first.
    template <class T>
    std::string name() {
        for (const Named& named : names_) {
            if (named.type == full_type_name<T>()) return named.name;
        }
        const auto is_taken = [this](std::string_view name) {
            for (const Named& named : names_) {
                if (named.name == name) return true;
            }
            return false;
        };
        const std::string own{short_type_name<T>()};
        std::string name = own;
        for (int i = 2; is_taken(name); ++i) name = own + std::to_string(i);
        names_.push_back({full_type_name<T>(), name});
        return name;
    }

    template <class T>
    bool is_first_time() {
        for (const std::string_view type : declared_) {
            if (type == full_type_name<T>()) return false;
        }
        declared_.push_back(full_type_name<T>());
        return true;
    }

    template <class T>
    void declare() {
        if constexpr (message_field<T>) {
            if (is_first_time<T>()) declare_message<T>();
        } else if constexpr (described_enum<T>) {
            if constexpr (fits_proto_enum<T>()) {
                if (is_first_time<T>()) declare_enum<T>();
            }
        }
    }

    template <described T>
    void declare_message() {
        text_ += "\nmessage " + name<T>() + " {\n";
        const T object{};
        DefaultMask always_written = nonzero_defaults<T>();
        Entity<T>::fields(object, [&](auto number, std::string_view name, const auto& member, auto&&...) {
            using Member = std::remove_cvref_t<decltype(member)>;
            const bool has_presence = (always_written & 1) != 0;
            always_written >>= 1;
            text_ += "  " + type_of_member<Member>(has_presence) + ' ';
            text_ += name;
            text_ += " = " + std::to_string(number) + ';' + comment<innermost_type_of<Member>>() + '\n';
        });
        declare_version<T>();
        text_ += "}\n";
        Entity<T>::fields(object, [this](auto, std::string_view, const auto& member, auto&&...) {
            this->template declare<innermost_type_of<std::remove_cvref_t<decltype(member)>>>();
        });
    }

    /// Who writes such messages must set these, or they are taken for version 1.
    template <described T>
    void declare_version() {
        const auto declare = [this](std::string_view name, std::uint32_t number, int value) {
            text_ +=
                "  int32 joinly_" + std::string{name} + " = " + std::to_string(number) + ";  // " + std::to_string(value) + '\n';
        };
        if (version_of<T>() > 1) declare("version", version_number, version_of<T>());
        if (oldest_reader_of<T>() != version_of<T>()) declare("oldest_reader", oldest_reader_number, oldest_reader_of<T>());
    }

    /// proto3 wants a zero, and wants it first.
    template <described_enum E>
    void declare_enum() {
        const std::string prefix = upper_snake(name<E>()) + '_';
        std::string zero;
        std::string others;
        std::vector<std::int64_t> numbers;
        bool has_alias = false;
        Entity<E>::values([&](E value, std::string_view name) {
            const auto number = static_cast<std::int64_t>(to_number(value));
            for (const std::int64_t earlier : numbers) has_alias = has_alias || earlier == number;
            numbers.push_back(number);
            (number == 0 ? zero : others) += "  " + prefix + upper_snake(name) + " = " + std::to_string(number) + ";\n";
        });
        if (zero.empty()) zero = "  " + prefix + "UNSPECIFIED = 0;\n";
        text_ += "\nenum " + name<E>() + " {\n" + (has_alias ? "  option allow_alias = true;\n" : "") + zero + others + "}\n";
    }

    template <class Member>
    std::string type_of_member(bool has_presence) {
        if constexpr (single_field<Member>) {
            const bool is_message = message_field<wire_type_of<Member>>;  // which always has presence
            return (has_presence && !is_message ? "optional " : "") + type_of_value<wire_type_of<Member>>();
        } else if constexpr (optional_field<Member>) {
            return "optional " + type_of_value<innermost_type_of<Member>>();
        } else if constexpr (map_field<Member>) {
            return "map<" + type_of_key<wire_type_of<typename Member::key_type>>() + ", " +
                   type_of_value<innermost_type_of<Member>>() + '>';
        } else {
            return "repeated " + type_of_value<innermost_type_of<Member>>();
        }
    }

    template <class T>
    std::string type_of_key() {
        if constexpr (string_field<T>) {
            return "string";
        } else {
            return std::string{proto_number<number_of<T>>()};
        }
    }

    template <class T>
    std::string type_of_value() {
        if constexpr (string_field<T>) {
            return "string";
        } else if constexpr (bytes_field<T>) {
            return "bytes";
        } else if constexpr (message_field<T>) {
            return name<T>();
        } else {
            if constexpr (described_enum<T>) {
                if constexpr (fits_proto_enum<T>()) return name<T>();
            }
            // Some libraries count days in 32 bits: the file should not depend on that, and the wire does not.
            using Count = std::conditional_t<time_field<T> && std::is_integral_v<number_of<T>>, std::int64_t, number_of<T>>;
            return std::string{proto_number<Count>()};
        }
    }

    template <class T>
    static std::string comment() {
        if constexpr (time_field<T>) {
            return "  // " + name_of_unit<typename T::period>() + " since the Unix epoch, UTC";
        } else {
            return {};
        }
    }

    std::string text_;
    std::vector<Named> names_;
    std::vector<std::string_view> declared_;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
