#ifndef JOINLY_FOUND_HPP
#define JOINLY_FOUND_HPP
// What a query finds. Plain values.

#include <joinly/config.hpp>
#include <joinly/loaded.hpp>

#include <string>
#include <vector>

JOINLY_NAMESPACE_BEGIN

/// A page of entities, in the query's order.
template <class T>
struct Found {
    std::vector<Loaded<T>> items;
    std::string cursor;  ///< for the query's `after`: the next page; empty when there is none
};

/// A page of ids.
struct FoundIds {
    std::vector<std::string> ids;
    std::string cursor;
};

JOINLY_NAMESPACE_END
#endif
