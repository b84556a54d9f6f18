#ifndef JOINLY_DETAIL_ENTITY_TYPE_NAME_HPP
#define JOINLY_DETAIL_ENTITY_TYPE_NAME_HPP
// What a type is called in the source, without RTTI.

#include <joinly/config.hpp>

#include <cstddef>
#include <string_view>

JOINLY_NAMESPACE_BEGIN
namespace detail {

/// "game::Match", spelled as this compiler does: good to tell types apart within one program, not for storage.
template <class T>
constexpr auto full_type_name() {
#if defined(_MSC_VER) && !defined(__clang__)
    std::string_view name = __FUNCSIG__;  // auto __cdecl ...full_type_name<struct game::Match>(void)
    name.remove_prefix(name.find("full_type_name<") + 15);
    name.remove_suffix(name.size() - name.rfind(">("));
    for (const std::string_view keyword : {"struct ", "class ", "enum "}) {
        if (name.starts_with(keyword)) name.remove_prefix(keyword.size());
    }
#else
    std::string_view name = __PRETTY_FUNCTION__;  // constexpr auto ...full_type_name() [with T = game::Match]
    name.remove_prefix(name.find("T = ") + 4);
    name.remove_suffix(1);
#endif
    return name;
}

/// "Match": without namespaces and template arguments.
template <class T>
constexpr std::string_view short_type_name() {
    std::string_view name = full_type_name<T>();
    name = name.substr(0, name.find('<'));
    return name.substr(name.rfind(':') + 1);  // npos + 1 is 0
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
