#ifndef JOINLY_CORE_RANGE_DIGEST_HPP
#define JOINLY_CORE_RANGE_DIGEST_HPP
// Whether a range of keys still holds what it held: how a transaction that has read a range knows at its commit that nothing
// has come, gone or changed there. Of use within one process only: its seed is a secret, lest anybody choose keys that collide.

#include <joinly/config.hpp>
#include <joinly/core/index_entry.hpp>
#include <joinly/core/record.hpp>
#include <joinly/detail/hash.hpp>

#include <cstdint>
#include <string_view>

JOINLY_NAMESPACE_BEGIN

/// Add every live record of the range, in any order. 64 bits: two contents that differ pass for the same once in 10^19 times.
class RangeDigest {
public:
    explicit RangeDigest(std::uint64_t seed) noexcept : seed_{seed} {}

    /// Index entries count by their keys alone: an entry that goes and comes back leads to a record of another version.
    void add(std::string_view key, Version version) noexcept {
        if (is_index_entry(key)) version = absent;
        sum_ += detail::folded_multiply(detail::hash_bytes(key, seed_), version ^ seed_ ^ 0x9e3779b97f4a7c15U);
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return sum_; }

private:
    std::uint64_t seed_;
    std::uint64_t sum_ = 0;
};

JOINLY_NAMESPACE_END
#endif
