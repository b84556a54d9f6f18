#ifndef JOINLY_DETAIL_SQLITE_STATEMENT_SIZE_HPP
#define JOINLY_DETAIL_SQLITE_STATEMENT_SIZE_HPP
// How large a statement may become before it runs. SQLite puts a copy of a common table expression wherever it is named, and
// a copy of a column of a subquery, or of the statement's own, wherever that is: a chain of twenty, each naming the one before
// twice, is a million copies and a gigabyte, in a kilobyte of SQL. While it copies, SQLite 3.40 asks nobody whether to go on. So
// the tokens that it may come to are counted first.
//
// What stands between parentheses and selects is taken as often as it names the name that it names most: each time may be a copy
// of one of its columns, or of one of those within. What it holds besides subqueries is taken once more for each UNION within
// them, because SQLite may put it into each part of such a subquery.

#include <joinly/config.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class SqliteStatementSize {
public:
    explicit SqliteStatementSize(double most_tokens) noexcept : most_tokens_{most_tokens} {}

    void add_view(std::string_view name, double size) { earlier_[word(name, true)].tokens = size; }

    /// Whether the statement comes to no more than `most_tokens`. Once for an object.
    [[nodiscard]] bool fits(std::string_view sql) {
        split(sql);
        name_definitions();
        // More than one pass only where something is named before it is defined: its size is known in the next.
        double before = -1;
        for (int pass = 0; pass < most_passes; ++pass) {
            const double tokens = expand();
            if (tokens > most_tokens_) return false;
            if (tokens == before || !is_named_early_) return true;
            before = tokens;
        }
        return false;
    }

private:
    struct Weight {
        double tokens = 0;
        double unions = 0;
        std::map<std::string, double> names;

        void add(Weight other) {
            tokens += other.tokens;
            unions += other.unions;
            if (names.size() < other.names.size()) names.swap(other.names);
            for (const auto& [name, times] : other.names) names[name] += times;
        }
    };
    enum class Clause { other, from, on, by };  // in `on` a name may be a column's or a table's
    struct Group {                              // what stands between parentheses
        Weight own;
        Weight inner;    // subqueries in expressions, which may name columns of this one's sources
        Weight sources;  // what it selects from: that may not, but columns of what is around it
        double stars = 0;
        Clause clause = Clause::other;
        bool selects = false;
        const std::string* defines = nullptr;
    };

    static constexpr int most_passes = 4;
    static constexpr std::string_view keywords[] = {
        "select", "from",  "as",     "and",   "or",     "not",    "null",      "is",   "in",          "on",
        "by",     "case",  "when",   "then",  "else",   "end",    "union",     "all",  "distinct",    "where",
        "group",  "order", "having", "limit", "window", "except", "intersect", "join", "materialized"};
    static constexpr std::string_view ending_clauses[] = {"where",  "group", "order",  "having",   "limit",
                                                          "window", "union", "except", "intersect"};

    template <std::size_t size>
    [[nodiscard]] static bool is_one_of(std::string_view token, const std::string_view (&words)[size]) noexcept {
        return std::find(std::begin(words), std::end(words), token) != std::end(words);
    }
    [[nodiscard]] static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    [[nodiscard]] static bool is_word(char c) noexcept {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
               static_cast<unsigned char>(c) >= 0x80;
    }
    [[nodiscard]] static bool names_something(std::string_view token) noexcept {
        return token.front() == '"' || (is_word(token.front()) && !is_digit(token.front()) && !is_one_of(token, keywords));
    }

    /// In lower case, and what is in quotes without them; what would then be taken for something else keeps one.
    [[nodiscard]] static std::string word(std::string_view text, bool is_quoted) {
        std::string token;
        for (const char c : text) {
            if (is_word(c)) token.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
        }
        if (token.empty() || (is_quoted && (is_digit(token.front()) || is_one_of(token, keywords)))) token.insert(0, 1, '"');
        return token;
    }
    /// A string, which keeps its quote, is the name of a table where nothing else can stand.
    [[nodiscard]] static std::string table_name(const std::string& token) {
        return token.front() == '\'' ? token.substr(1) : token;
    }

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
                const bool is_string = c == '\'' && (tokens_.empty() || tokens_.back() != ".");
                tokens_.push_back((is_string ? "'" : "") + word(sql.substr(at + 1, close - at - 1), true));
                at = close + 1;
            } else if (is_word(c)) {
                std::size_t end = at;
                while (end < sql.size() && is_word(sql[end])) ++end;
                const bool is_blob = (c == 'x' || c == 'X') && end == at + 1 && end < sql.size() && sql[end] == '\'';  // x'00'
                if (!is_blob) tokens_.push_back(word(sql.substr(at, end - at), false));
                at = end;
            } else {
                if (c > ' ') tokens_.emplace_back(1, c);
                ++at;
            }
        }
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
            defined_at_[next] = table_name(tokens_[name]);
            earlier_.try_emplace(defined_at_[next]);
        }
    }

    /// The whole statement's tokens, with what has been learnt of definitions before.
    [[nodiscard]] double expand() {
        groups_.assign(1, Group{});
        groups_.front().selects = true;
        defined_.clear();
        is_named_early_ = false;
        for (std::size_t i = 0; i < tokens_.size(); ++i) {
            if (tokens_[i] == "(") {
                const auto definition = defined_at_.find(i);
                Group group;
                group.clause = inherited(i);
                if (definition != defined_at_.end()) group.defines = &definition->second;
                groups_.push_back(std::move(group));
            } else if (tokens_[i] == ")") {
                if (groups_.size() > 1) leave();
            } else {
                count(i);
            }
            const double known = groups_.back().inner.tokens + groups_.back().sources.tokens;
            if (known > most_tokens_) return known;
        }
        while (groups_.size() > 1) leave();
        for (auto& [name, weight] : defined_) earlier_[name] = std::move(weight);
        return total(std::move(groups_.front())).tokens;
    }

    /// FROM (a JOIN b), but not the arguments of FROM json_each(a)
    [[nodiscard]] Clause inherited(std::size_t parenthesis) const {
        const Clause clause = groups_.back().clause;
        if (clause == Clause::by) return Clause::other;
        const bool is_call = parenthesis > 0 && names_something(tokens_[parenthesis - 1]);
        return clause == Clause::from && is_call ? Clause::on : clause;
    }

    void count(std::size_t i) {
        Group& group = groups_.back();
        const std::string& token = tokens_[i];
        const std::string_view before = i == 0 ? std::string_view{} : tokens_[i - 1];
        const std::string_view after = i + 1 == tokens_.size() ? std::string_view{} : tokens_[i + 1];
        group.own.tokens += 1;
        if (token == "union") group.own.unions += 1;
        if (token == "select") group.selects = true;
        if (token == "from" || token == "join") group.clause = Clause::from;
        if (token == "on") group.clause = Clause::on;
        if (token == "by" && before != "indexed") group.clause = Clause::by;
        if (token == "select" || is_one_of(token, ending_clauses)) group.clause = Clause::other;
        const bool is_all = token == "*" && (before == "." || before == "," || before == "select" || before == "distinct");
        if (is_all || (group.clause == Clause::by && is_digit(token.front()))) group.stars += 1;  // a column, by its place
        if (after == ".") return;
        const bool may_be_table = group.clause == Clause::from || group.clause == Clause::on || before == "in";
        const bool is_table = may_be_table && before != "as" && earlier_.count(table_name(token)) != 0;
        if (is_table) mention(table_name(token));
        if (names_something(token) && after != "(" && !(is_table && group.clause == Clause::from)) group.own.names[token] += 1;
    }

    void mention(const std::string& name) {
        for (const Group& open : groups_) {
            if (open.defines != nullptr && *open.defines == name) return;  // recursion makes no copy
        }
        const auto known = defined_.find(name);
        if (known == defined_.end() && !defined_at_.empty()) is_named_early_ = true;
        inside(groups_.back()).add(known == defined_.end() ? earlier_.at(name) : known->second);
    }
    [[nodiscard]] static Weight& inside(Group& group) noexcept {
        return group.clause == Clause::from ? group.sources : group.inner;
    }

    void leave() {
        const std::string* const defines = groups_.back().defines;
        Group inner = std::move(groups_.back());
        groups_.pop_back();
        Group& outer = groups_.back();
        if (inner.selects) {
            Weight weight = total(std::move(inner));
            if (defines == nullptr) {
                inside(outer).add(std::move(weight));
            } else {  // two of one name count as both
                defined_[*defines].add(std::move(weight));
            }
        } else {
            outer.stars += inner.stars;
            outer.own.add(std::move(inner.own));
            outer.inner.add(std::move(inner.inner));
            outer.sources.add(std::move(inner.sources));
        }
    }

    [[nodiscard]] static Weight total(Group group) {
        const double parts = 1 + group.inner.unions + group.sources.unions;
        Weight sum = std::move(group.own);
        sum.tokens *= parts;
        sum.add(std::move(group.inner));
        double most = 0;
        for (const auto& [name, times] : sum.names) most = (std::max)(most, times);
        most = (std::max)(most + group.stars, 1.0);
        sum.add(std::move(group.sources));
        sum.tokens *= most;
        for (auto& [name, times] : sum.names) times *= most * parts;
        return sum;
    }

    const double most_tokens_;
    std::vector<std::string> tokens_;
    std::map<std::size_t, std::string> defined_at_;  // by the parenthesis
    std::map<std::string, Weight> earlier_;          // views, and what the pass before has seen defined
    std::map<std::string, Weight> defined_;          // what this pass has
    std::vector<Group> groups_;
    bool is_named_early_ = false;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
