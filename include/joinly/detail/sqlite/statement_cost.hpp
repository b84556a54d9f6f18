#ifndef JOINLY_DETAIL_SQLITE_STATEMENT_COST_HPP
#define JOINLY_DETAIL_SQLITE_STATEMENT_COST_HPP
// What a compiled statement may cost between two looks at the clock and the memory. SQLite 3.40 calls the progress handler at jumps
// only, so a row's expressions run through however many they are. What bounds them is the length of the values that they work on.

#include <joinly/config.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// Takes the statement's instructions, one after the other, as EXPLAIN lists them. All of them together cost no less than those
/// between two jumps.
class SqliteStatementCost {
public:
    /// @param function the instruction's P4: where it calls a function, `name(arguments)`.
    void add(std::string_view instruction, int p2, int p3, std::string_view function) noexcept {
        if (is_one_of(instruction, literals)) {
            per_byte_ += load;
            after_literal_ = true;
        } else if (after_literal_ && is_one_of(instruction, keeping_literals) && (instruction != "MakeRecord" || p2 == 1)) {
            if (instruction == "MakeRecord") per_byte_ -= load;  // an entry of an IN list, no longer than the statement
        } else {
            after_literal_ = false;
            add_working(instruction, p3, function);
        }
    }
    /// One more value of a row is kept.
    void add_column() noexcept { values_ += 1; }

    /// The longest value for which one row takes no more than `timeout` and no more than `max_memory_bytes`.
    [[nodiscard]] std::size_t longest_value(std::chrono::milliseconds timeout, std::size_t max_memory_bytes) const noexcept {
        const double most = std::chrono::duration<double, std::pico>{timeout}.count();
        const double root = std::sqrt(per_byte_ * per_byte_ + 4 * per_square_byte_ * most);
        const double in_time = 2 * most / (std::max)(per_byte_ + root, 1e-3);
        const double in_memory = static_cast<double>(max_memory_bytes) / (std::max)(values_ + (parses_json_ ? json_cache : 0), 1.0);
        return static_cast<std::size_t>((std::min)({in_time, in_memory, 1e15}));
    }

private:
    struct Function {
        std::string_view name;
        double per_byte;         // picoseconds, at worst
        double per_square_byte;  // for arguments of n bytes so many times n * n
    };
    static constexpr double load = 4'000;  // picoseconds a byte: to fetch or compare a value, or to be a path of json_extract
    static constexpr double call = 30'000;
    static constexpr double json_cache = 64;  // four parsed values, each up to 16 times its text
    static constexpr Function functions[] = {{"instr", call, 20},   {"replace", call, 20}, {"trim", call, 6000},
                                             {"ltrim", call, 6000}, {"rtrim", call, 6000}, {"json_patch", call, 600},
                                             {"like", 700'000, 0},  {"glob", 700'000, 0},  {"strftime", 150'000, 0}};

    static constexpr std::string_view literals[] = {"String8", "String", "Blob"};
    static constexpr std::string_view keeping_literals[] = {"Affinity", "MakeRecord", "IdxInsert"};
    static constexpr std::string_view calling[] = {"Function", "PureFunc", "AggStep", "AggStep1", "AggInverse",
                                                   "AggValue", "AggFinal", "VFilter", "VColumn"};
    static constexpr std::string_view holding[] = {"Column",     "Copy",   "Concat",    "MakeRecord",   "RowData",
                                                   "SorterData", "Insert", "IdxInsert", "SorterInsert", "Cast"};
    static constexpr std::string_view touching_nothing[] = {"Init",      "Transaction", "Halt", "Goto",    "OpenRead",
                                                            "Rewind",    "Next",        "Prev", "Integer", "Null",
                                                            "ResultRow", "Rowid",       "Noop", "Explain", "DeferredSeek"};

    template <std::size_t size>
    [[nodiscard]] static bool is_one_of(std::string_view name, const std::string_view (&names)[size]) noexcept {
        return std::find(std::begin(names), std::end(names), name) != std::end(names);
    }

    void add_working(std::string_view instruction, int p3, std::string_view function) noexcept {
        if (is_one_of(instruction, calling)) {
            values_ += instruction == "VFilter" ? json_cache : 1;  // a table-valued function of JSON keeps what it parsed
            add_function(function.substr(0, function.find('(')));
        } else if (is_one_of(instruction, holding)) {
            const double registers = instruction == "Copy" ? p3 + 1.0 : 1;
            values_ += registers;
            per_byte_ += registers * load;
        } else if (!is_one_of(instruction, touching_nothing)) {
            per_byte_ += load;
        }
    }
    void add_function(std::string_view name) noexcept {
        parses_json_ = parses_json_ || name.substr(0, 4) == "json" || name.substr(0, 2) == "->";
        const auto* const known =
            std::find_if(std::begin(functions), std::end(functions), [&](const Function& each) { return each.name == name; });
        per_byte_ += known == std::end(functions) ? call : known->per_byte;
        per_square_byte_ += known == std::end(functions) ? 0 : known->per_square_byte;
    }

    double per_byte_ = 0;
    double per_square_byte_ = 0;
    double values_ = 0;
    bool parses_json_ = false;
    bool after_literal_ = false;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
