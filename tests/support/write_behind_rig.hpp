#ifndef JOINLY_TESTS_SUPPORT_WRITE_BEHIND_RIG_HPP
#define JOINLY_TESTS_SUPPORT_WRITE_BEHIND_RIG_HPP

#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/entities.hpp>
#include <tests/support/failing_backend.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace joinly::test {

/// A write-behind store that flushes only when the test says so, unless its options say otherwise.
struct WriteBehindRig {
    using Store = joinly::Store<FailingBackend, WriteBehind, ManualTraits>;

    explicit WriteBehindRig(WriteBehindOptions options = {.drive = Drive::caller})
        : store{*Store::open({.control = control}, options, traits)} {}

    std::int32_t rating(std::string_view id) {
        auto loaded = store.load<Account>(id);
        return loaded ? (*loaded)->skill_rating : -1;
    }
    std::int32_t stored_rating(std::string_view id) {
        auto record = control->records.read("player:" + std::string{id});
        Account stored;
        return record && joinly::Binary::decode(record->value, stored) ? stored.skill_rating : -1;
    }

    std::shared_ptr<FailingBackend::Control> control = std::make_shared<FailingBackend::Control>();
    ManualTraits traits;
    Store store;
};

}  // namespace joinly::test
#endif
