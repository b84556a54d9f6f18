#ifndef JOINLY_DETAIL_CACHE_RETIRED_HPP
#define JOINLY_DETAIL_CACHE_RETIRED_HPP
// What a shard has taken out while readers may still look at it, until it can be freed. Guarded by the shard's lock.

#include <joinly/config.hpp>
#include <joinly/detail/cache/reader_places.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class Retired {
public:
    using Free = void (*)(void* object) noexcept;

    Retired() = default;
    Retired(const Retired&) = delete;
    Retired& operator=(const Retired&) = delete;
    ~Retired() {  // nobody reads any more
        free_all(waiting_);
        free_all(fresh_);
    }

    /// Frees `object`, which is unlinked, as soon as no reader can have it: at once where nobody is inside, and where looking
    /// costs little. Otherwise it waits for the batch to fill, or for `reclaim`.
    void add(void* object, Free free, ReaderPlaces& readers) noexcept {
        JOINLY_TRY {
            if (fresh_.empty()) fresh_.reserve(batch);
            fresh_.push_back({object, free});
        }
        JOINLY_CATCH_ALL {  // no memory even for that: then readers are waited for
            for (const std::uint64_t ended = readers.end_epoch(); !readers.all_left(ended);) continue;
            free(object);
            return;
        }
        if (fresh_.size() >= batch || readers.one_reader()) reclaim(readers);
    }

    /// Frees what can be freed: everything, when no reader is inside.
    void reclaim(ReaderPlaces& readers) noexcept {
        if (!waiting_.empty() && !readers.all_left(ended_)) return;
        free_all(waiting_);
        if (fresh_.empty()) return;
        waiting_.swap(fresh_);
        ended_ = readers.end_epoch();
        if (readers.all_left(ended_)) free_all(waiting_);
    }

private:
    static constexpr std::size_t batch = 32;  // looking at other threads' places costs a few cache misses

    struct Object {
        void* object;
        Free free;
    };
    static void free_all(std::vector<Object>& objects) noexcept {
        for (const Object& each : objects) each.free(each.object);
        objects.clear();
    }

    std::vector<Object> fresh_;    // taken out since the last epoch that ended
    std::vector<Object> waiting_;  // for readers who entered in `ended_` or before
    std::uint64_t ended_ = 0;
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
