#ifndef JOINLY_DETAIL_REOPENING_HPP
#define JOINLY_DETAIL_REOPENING_HPP
// When an engine that has failed is opened again: by each write, for somebody wants it stored; by reads at once, and after an
// attempt that failed later and later. Until then a read is told why that one failed, so that a disk that stays away does not
// have each load open the database, which may read a log of many megabytes.
//
// Takes no lock: its owner's guards it.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/retry_delay.hpp>

#include <chrono>
#include <string>
#include <utility>

JOINLY_NAMESPACE_BEGIN
namespace detail {

enum class ReopenFor : bool { read, write };

class Reopening {
public:
    /// Calls `open`, which answers a Status, unless it is for a read and the last attempt that failed is too recent.
    template <class Open>
    [[nodiscard]] Status attempt(ReopenFor use, Open&& open) {
        const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch(); };
        if (use == ReopenFor::read && delay_.until() && now() < *delay_.until())
            return failure(error_.code(), std::string{error_.message()});
        Status opened = open();
        if (opened) {
            delay_.succeeded();
        } else {
            delay_.failed(now());
            error_ = opened.error();
        }
        return opened;
    }

private:
    static constexpr std::chrono::seconds longest{1};
    RetryDelay delay_{longest};
    Error error_{Errc::io};
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
