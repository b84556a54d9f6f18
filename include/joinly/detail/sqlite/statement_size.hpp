#ifndef JOINLY_DETAIL_SQLITE_STATEMENT_SIZE_HPP
#define JOINLY_DETAIL_SQLITE_STATEMENT_SIZE_HPP
// How large a statement may become before it runs. SQLite puts a copy of a common table expression wherever it is named, and
// a copy of a subquery's column wherever that is: a chain of twenty, each naming the one before twice, is a million copies and a
// gigabyte, in a kilobyte of SQL. While it compiles, SQLite 3.40 asks nobody whether to go on. So the names are counted first.
//
// A copy comes of a way from the statement's end to its source. There are at most as many ways as the product of how often each
// common table expression is named, and, for each SELECT, of how often it names the column that it names most.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/sqlite/api.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class SqliteStatementSize {
public:
    static constexpr double most_copies = 1 << 16;

    explicit SqliteStatementSize(std::string_view sql) {
        split(sql);
        name_definitions();
        multiply();
    }

    [[nodiscard]] double copies() const noexcept { return copies_; }

private:
    using Counts = std::map<std::string, double>;
    struct Group {  // what stands between parentheses
        Counts counts;
        double stars = 0;
        bool selects = false;
    };

    [[nodiscard]] static bool is_word(char c) noexcept {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
               static_cast<unsigned char>(c) >= 0x80;
    }
    [[nodiscard]] static bool names_something(const std::string& token) noexcept {
        return is_word(token.front()) && !(token.front() >= '0' && token.front() <= '9');
    }

    /// Words in lower case, without their quotes, and single characters. A string may be a name, too.
    void split(std::string_view sql) {
        for (std::size_t at = 0; at < sql.size();) {
            const char c = sql[at];
            if (sql.substr(at, 2) == "--") {
                at = (std::min)(sql.find('\n', at), sql.size());
            } else if (sql.substr(at, 2) == "/*") {
                const std::size_t close = sql.find("*/", at + 2);
                at = close == std::string_view::npos ? sql.size() : close + 2;
            } else if (c == '\'' || c == '"' || c == '`' || c == '[') {
                const std::size_t close = (std::min)(sql.find(c == '[' ? ']' : c, at + 1), sql.size());
                add_word(sql.substr(at + 1, close - at - 1));
                at = close + 1;
            } else if (is_word(c)) {
                std::size_t end = at;
                while (end < sql.size() && is_word(sql[end])) ++end;
                add_word(sql.substr(at, end - at));
                at = end;
            } else {
                if (c > ' ') tokens_.emplace_back(1, c);
                ++at;
            }
        }
    }
    void add_word(std::string_view word) {
        std::string token;
        for (const char c : word) {
            if (is_word(c)) token.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
        }
        tokens_.push_back(token.empty() ? "''" : std::move(token));
    }

    /// `name AS (`, `name(columns) AS NOT MATERIALIZED (`
    void name_definitions() {
        std::vector<std::size_t> opened;
        std::size_t matching = 0;  // where the parenthesis that was closed last had opened
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            if (tokens_[i] == "(") opened.push_back(i);
            if (tokens_[i] == ")" && !opened.empty()) {
                matching = opened.back();
                opened.pop_back();
            }
            if (tokens_[i] != "as" || i == 0) continue;
            std::size_t next = i + 1;
            while (next < tokens_.size() && (tokens_[next] == "not" || tokens_[next] == "materialized")) ++next;
            if (next == tokens_.size() || tokens_[next] != "(") continue;
            const std::size_t name = tokens_[i - 1] == ")" ? matching - (matching > 0) : i - 1;
            definitions_[tokens_[name]] = -1;  // the definition itself is no use
        }
    }

    void count(Counts& counts, std::size_t i) {
        static constexpr std::string_view no_columns[] = {"select", "from", "as", "and",  "or",   "not",  "null", "is",
                                                          "in",     "on",   "by", "case", "when", "then", "else", "end"};
        const bool is_followed = i + 1 < tokens_.size() && (tokens_[i + 1] == "(" || tokens_[i + 1] == ".");
        if (const auto definition = definitions_.find(tokens_[i]); definition != definitions_.end()) {
            definition->second += 1;
        } else if (!is_followed && names_something(tokens_[i]) &&
                   std::find(std::begin(no_columns), std::end(no_columns), tokens_[i]) == std::end(no_columns)) {
            counts[tokens_[i]] += 1;
        }
    }

    void multiply() {
        std::vector<Group> groups(1);
        groups.front().selects = true;
        const auto leave = [&] {
            Group inner = std::move(groups.back());
            groups.pop_back();
            if (inner.selects || groups.empty()) {
                double most = 1;
                for (const auto& [name, times] : inner.counts) most = (std::max)(most, times);
                copies_ *= most + inner.stars;
            } else {
                for (const auto& [name, times] : inner.counts) groups.back().counts[name] += times;
                groups.back().stars += inner.stars;
            }
        };
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            if (tokens_[i] == "(") {
                groups.emplace_back();
            } else if (tokens_[i] == ")") {
                if (groups.size() > 1) leave();
            } else if (tokens_[i] == "*") {
                if (i > 0 && (tokens_[i - 1] == "." || tokens_[i - 1] == ",")) groups.back().stars += 1;
            } else {
                if (tokens_[i] == "select") groups.back().selects = true;
                count(groups.back().counts, i);
            }
        }
        while (!groups.empty()) leave();
        for (const auto& [name, times] : definitions_) copies_ *= (std::max)(times, 1.0);
    }

    std::vector<std::string> tokens_;
    Counts definitions_;
    double copies_ = 1;
};

[[nodiscard]] inline Status sqlite_expands_little(std::string_view sql) {
    if (SqliteStatementSize{sql}.copies() <= SqliteStatementSize::most_copies) return {};
    return failure(Errc::invalid_argument,
                   "the statement's subqueries and common table expressions name each other so often that it might be copied more "
                   "than 65536 times over: name each once, or ask for less at a time");
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
