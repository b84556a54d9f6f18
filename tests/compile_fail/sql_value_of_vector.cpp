// expect: SqlValue: ask for a number, std::string, std::string_view, std::vector<std::byte>, or std::optional of one
#include <joinly/backend/sqlite_query.hpp>

#include <vector>

int main() { return joinly::SqlValue{}.as<std::vector<int>>() ? 0 : 1; }
