// query: SQL that only reads.

#include <algorithm>
#include <vector>

#include "../common/text.hpp"
#include "any_store.hpp"
#include "commands.hpp"
#include "json_line.hpp"
#include "key_text.hpp"
#include "parse.hpp"

namespace tool {
namespace {

std::string row_as_json(const joinly::SqlRow& row) {
    JsonLine line;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string& name = row.columns()[i];
        const auto& value = row[i].variant();
        if (const auto* text = std::get_if<std::string>(&value)) {
            line.bytes(name, *text);
        } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
            line.value(name, std::to_string(*integer));
        } else if (const auto* real = std::get_if<double>(&value)) {
            line.number(name, *real);
        } else if (const auto* blob = std::get_if<std::vector<std::byte>>(&value)) {
            line.bytes(name, {reinterpret_cast<const char*>(blob->data()), blob->size()});
        } else {
            line.null(name);
        }
    }
    return line.str();
}

/// Columns as wide as what is in them, numbers to the right; so the first rows are kept until it is known how wide that is.
class Table {
public:
    explicit Table(Console& console) : console_{console} {}
    ~Table() { print(); }
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    void add(const joinly::SqlRow& row) {
        if (kept_.empty() && widths_.empty()) kept_.push_back(headings(row));
        std::vector<Cell> cells;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const auto& value = row[i].variant();
            const bool is_number = std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
            const auto* bytes = std::get_if<std::vector<std::byte>>(&value);
            cells.push_back({bytes != nullptr ? key_to_text({reinterpret_cast<const char*>(bytes->data()), bytes->size()})
                                              : common::printable(row[i].to_text(), max_cell),
                             is_number});
        }
        kept_.push_back(std::move(cells));
        if (kept_.size() > rows_measured) print();
    }

private:
    struct Cell {
        std::string text;
        bool is_number = false;
    };
    static constexpr std::size_t rows_measured = 1'000;
    static constexpr std::size_t max_cell = 2'000;

    static std::vector<Cell> headings(const joinly::SqlRow& row) {
        std::vector<Cell> cells;
        for (const std::string& name : row.columns()) cells.push_back({common::printable(name), false});
        return cells;
    }
    static std::size_t width_of(const std::string& text) {  // in characters
        return static_cast<std::size_t>(
            std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
    }

    void print() {
        for (const auto& cells : kept_) {
            widths_.resize((std::max)(widths_.size(), cells.size()));
            for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = (std::max)(widths_[i], width_of(cells[i].text));
        }
        for (const auto& cells : kept_) {
            std::string line;
            for (std::size_t i = 0; i < cells.size(); ++i) {
                const std::string gap(widths_[i] - (std::min)(widths_[i], width_of(cells[i].text)), ' ');
                if (i != 0) line += "  ";
                line += cells[i].is_number ? gap + cells[i].text : cells[i].text + gap;
            }
            line.erase(line.find_last_not_of(' ') + 1);
            console_.line(line);
        }
        kept_.clear();
    }

    Console& console_;
    std::vector<std::vector<Cell>> kept_;
    std::vector<std::size_t> widths_;
};

}  // namespace

Exit query(const QueryCommandOptions& options, Console& console) {
    const auto timeout = parse_duration(options.timeout);
    if (!timeout) return console.give_up(timeout.error());
    const auto opened = options.views ? open_store(options.store, Access::write) : open_records(options.store, Access::read);
    if (!opened) return console.fail_to_open(opened.error());
    if (options.views) {
        if (auto made = opened->store->create_views(); !made) return console.give_up(made.error());
    }
    joinly::QueryOptions limits;
    if (*timeout) limits.timeout = **timeout;
    Table table{console};
    const auto done = opened->engine->query(
        options.sql,
        [&](const joinly::SqlRow& row) {
            if (console.json()) {
                console.line(row_as_json(row));
            } else {
                table.add(row);
            }
            return true;
        },
        limits);
    return done ? Exit::done : console.fail(done.error());
}

}  // namespace tool
