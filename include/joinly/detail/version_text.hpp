#ifndef JOINLY_DETAIL_VERSION_TEXT_HPP
#define JOINLY_DETAIL_VERSION_TEXT_HPP
// A version in a message: "absent" or "at version 7".

#include <joinly/config.hpp>
#include <joinly/core/record.hpp>

#include <string>

JOINLY_NAMESPACE_BEGIN
namespace detail {

[[nodiscard]] inline std::string version_text(Version version) {
    return version == absent ? "absent" : "at version " + std::to_string(version);
}

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
