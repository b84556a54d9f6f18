#ifndef JOINLY_BACKEND_SQLITE_QUERY_HPP
#define JOINLY_BACKEND_SQLITE_QUERY_HPP
// What goes into SqliteBackend::query() and comes out of it. Free of the engine's headers. Plain values: no thread rule beyond
// the usual one for values.
//
//     auto rows = backend.query("SELECT username, skill_rating FROM player WHERE skill_rating > ?", 1200);
//     if (!rows) return fail(rows.error());
//     for (const joinly::SqlRow& row : *rows) print(row.get<std::string>("username").value(),
//     row.get<int>("skill_rating").value());

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/function_ref.hpp>

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// What one query may cost. A statement that goes beyond is ended, and nothing is harmed by that.
struct QueryOptions {
    /// `timed_out` after so long, the visitor's own time included. It is looked at between SQLite's steps, so that one row, or the
    /// statement's preparation, may overrun it once more; a large sort, above all one without regard to case, and a count of
    /// millions by what they take. The more functions and columns a statement has, the shorter are the values that it
    /// may read or make: so long that one row fits in the timeout and in max_memory_bytes at the functions' worst.
    std::chrono::milliseconds timeout{1000};

    /// How many rows the collecting form keeps; complete() of the result tells whether there were more.
    std::size_t max_rows = 10'000;

    /// The longest string or blob that a statement may read or make, unless timeout or max_memory_bytes ask for less; a longer one
    /// is `invalid_argument`, and the message names the bound. At most 1 GB.
    std::size_t max_value_bytes = std::size_t{1} << 20;

    /// `full` when SQLite's memory, of the whole process, has grown by so much since the statement began: sorting, DISTINCT and
    /// GROUP BY happen in memory, so that no file is written. One row may add as much once more before it is looked at. Also the
    /// most that the rows of the collecting form may hold, besides, and, at 64 bytes a token, what a statement with its copies of
    /// subqueries, views and common table expressions may come to.
    std::size_t max_memory_bytes = std::size_t{128} << 20;
};

namespace detail {

template <class T>
inline constexpr bool is_sql_optional = false;
template <class T>
inline constexpr bool is_sql_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_sql_readable = std::is_arithmetic_v<T> || std::same_as<T, std::string> ||
                                        std::same_as<T, std::string_view> || std::same_as<T, std::vector<std::byte>>;
template <class T>
inline constexpr bool is_sql_readable<std::optional<T>> = is_sql_readable<T>;

}  // namespace detail

/// A value as SQLite has it: NULL, a 64-bit integer, a double, text, or a blob.
class SqlValue {
public:
    using Variant = std::variant<std::monostate, std::int64_t, double, std::string, std::vector<std::byte>>;

    SqlValue() noexcept = default;  // NULL
    explicit SqlValue(Variant value) noexcept : value_{std::move(value)} {}

    [[nodiscard]] bool is_null() const noexcept { return value_.index() == 0; }
    [[nodiscard]] const Variant& variant() const noexcept { return value_; }
    /// "NULL", "integer", "double", "text" or "blob"
    [[nodiscard]] std::string_view type_name() const noexcept {
        constexpr std::string_view names[] = {"NULL", "integer", "double", "text", "blob"};
        return names[value_.index()];
    }

    /// The value as a T: any arithmetic type, std::string, std::string_view (valid as long as this value), std::vector<std::byte>,
    /// or a std::optional of one of them, which is empty for NULL. An integer is a double too, and a bool unless it is 0.
    ///
    /// @return `invalid_argument` when it is of another type, or does not fit.
    template <class T>
    [[nodiscard]] Result<T> as() const {
        static_assert(detail::is_sql_readable<T>,
                      "SqlValue: ask for a number, std::string, std::string_view, std::vector<std::byte>, or std::optional of one");
        if constexpr (detail::is_sql_optional<T>) {
            if (is_null()) return T{};
            auto value = as<typename T::value_type>();
            if (!value) return failure(std::move(value).error());
            return T{std::move(*value)};
        } else if constexpr (std::is_floating_point_v<T>) {
            if (const auto* real = std::get_if<double>(&value_)) return static_cast<T>(*real);
            if (const auto* integer = std::get_if<std::int64_t>(&value_)) return static_cast<T>(*integer);
            return mismatch("a number");
        } else if constexpr (std::is_integral_v<T>) {
            const auto* integer = std::get_if<std::int64_t>(&value_);
            if (integer == nullptr) return mismatch("an integer");
            if constexpr (std::same_as<T, bool>) {
                return *integer != 0;
            } else {
                return narrowed<T>(*integer);
            }
        } else if constexpr (std::same_as<T, std::vector<std::byte>>) {
            if (const auto* blob = std::get_if<T>(&value_)) return *blob;
            return mismatch("a blob");
        } else if constexpr (detail::is_sql_readable<T>) {
            if (const auto* text = std::get_if<std::string>(&value_)) return T{*text};
            return mismatch("text");
        } else {
            return failure(Errc::unsupported);  // the assertion is all there is to say
        }
    }

    /// Of text or a blob; 0 for what is neither.
    [[nodiscard]] std::size_t size_bytes() const noexcept {
        if (const auto* text = std::get_if<std::string>(&value_)) return text->size();
        if (const auto* blob = std::get_if<std::vector<std::byte>>(&value_)) return blob->size();
        return 0;
    }

    /// As it may be shown to people: NULL as "NULL", a blob as x'0a1b'.
    [[nodiscard]] std::string to_text() const {
        char digits[32];
        if (const auto* text = std::get_if<std::string>(&value_)) return *text;
        if (const auto* integer = std::get_if<std::int64_t>(&value_)) return std::to_string(*integer);
        if (const auto* real = std::get_if<double>(&value_))
            return {digits, std::to_chars(digits, digits + sizeof digits, *real).ptr};
        const auto* blob = std::get_if<std::vector<std::byte>>(&value_);
        if (blob == nullptr) return "NULL";
        std::string hex{"x'"};
        for (const std::byte byte : *blob) {
            hex.push_back("0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4]);
            hex.push_back("0123456789abcdef"[std::to_integer<unsigned>(byte) & 0xf]);
        }
        return hex + '\'';
    }

    friend bool operator==(const SqlValue&, const SqlValue&) = default;

private:
    [[nodiscard]] tl::unexpected<Error> mismatch(const char* wanted) const {
        return failure(Errc::invalid_argument,
                       "it is " + std::string{is_null() ? "NULL (ask for a std::optional)" : type_name()} + ", not " + wanted);
    }
    template <class T>
    [[nodiscard]] static Result<T> narrowed(std::int64_t value) {
        const auto narrow = static_cast<T>(value);
        if (static_cast<std::int64_t>(narrow) == value && (narrow < T{}) == (value < 0)) return narrow;
        return failure(Errc::invalid_argument, std::to_string(value) + " does not fit");
    }

    Variant value_;
};

/// One row of a result. It holds its values, so it may be kept.
class SqlRow {
public:
    using Columns = std::vector<std::string>;

    SqlRow(std::shared_ptr<const Columns> columns, std::vector<SqlValue> values) noexcept
        : columns_{std::move(columns)}, values_{std::move(values)} {}

    [[nodiscard]] const Columns& columns() const noexcept { return *columns_; }
    [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
    [[nodiscard]] const SqlValue& operator[](std::size_t column) const noexcept { return values_[column]; }

    /// The value of a column, by its name in the result (`SELECT max(version) AS newest`) or its position from 0; of two with one
    /// name, the first.
    /// @return otherwise `invalid_argument`, naming the column: there is none, or see SqlValue::as.
    template <class T>
    [[nodiscard]] Result<T> get(std::string_view column) const {
        for (std::size_t i = 0; i < size(); ++i) {
            if ((*columns_)[i] == column) return get<T>(i);
        }
        return failure(Errc::invalid_argument, "the result has no column '" + std::string{column} + "'; " + names());
    }
    template <class T>
    [[nodiscard]] Result<T> get(std::size_t column) const {
        if (column >= size())
            return failure(Errc::invalid_argument, "the result has no column " + std::to_string(column) + "; " + names());
        auto value = values_[column].template as<T>();
        if (value) return value;
        return failure(Errc::invalid_argument, "column '" + (*columns_)[column] + "': " + std::string{value.error().message()});
    }

private:
    [[nodiscard]] std::string names() const {
        std::string all{"there are"};
        for (const std::string& name : *columns_) all.append(" '").append(name).append("'");
        return all;
    }

    std::shared_ptr<const Columns> columns_;  // one for all rows of a result
    std::vector<SqlValue> values_;
};

/// The rows of a result, in its order.
class SqlRows {
public:
    SqlRows(std::shared_ptr<const SqlRow::Columns> columns, std::vector<SqlRow> rows, bool complete) noexcept
        : columns_{std::move(columns)}, rows_{std::move(rows)}, complete_{complete} {}

    [[nodiscard]] const SqlRow::Columns& columns() const noexcept { return *columns_; }
    /// False: `max_rows` were kept, and there were more.
    [[nodiscard]] bool complete() const noexcept { return complete_; }

    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    [[nodiscard]] const SqlRow& operator[](std::size_t row) const noexcept { return rows_[row]; }
    [[nodiscard]] auto begin() const noexcept { return rows_.begin(); }
    [[nodiscard]] auto end() const noexcept { return rows_.end(); }

private:
    std::shared_ptr<const SqlRow::Columns> columns_;
    std::vector<SqlRow> rows_;
    bool complete_;
};

/// What stands for a `?` of a statement: nullptr, a bool (1 or 0), a number, text, or bytes. It borrows text and bytes, and is
/// meant to be made in the call's own parentheses.
class SqlArgument {
public:
    using Bytes = std::span<const std::byte>;
    using Variant = std::variant<std::monostate, std::int64_t, std::uint64_t, double, std::string_view, Bytes>;

    SqlArgument(std::nullptr_t) noexcept {}
    template <class T>
    requires std::is_arithmetic_v<T> SqlArgument(T number)
    noexcept {
        if constexpr (std::is_floating_point_v<T>) {
            value_ = static_cast<double>(number);
        } else if constexpr (std::same_as<T, bool> || std::is_signed_v<T>) {
            value_ = static_cast<std::int64_t>(number);
        } else {
            value_ = static_cast<std::uint64_t>(number);
        }
    }
    template <class T>
    requires(std::convertible_to<const T&, std::string_view> && !std::same_as<T, std::nullptr_t>) SqlArgument(const T& text)
    noexcept : value_{std::string_view{text}} {}
    template <class T>
    requires(std::convertible_to<const T&, Bytes> && !std::convertible_to<const T&, std::string_view>) SqlArgument(const T& bytes)
    noexcept : value_{Bytes{bytes}} {}

    [[nodiscard]] const Variant& variant() const noexcept { return value_; }

private:
    Variant value_;
};

/// Called for each row of a result; return false to stop. It may call the backend, and may throw: the query ends cleanly and the
/// exception travels on.
using SqlVisitor = detail::FunctionRef<bool(const SqlRow& row)>;

JOINLY_NAMESPACE_END
#endif
