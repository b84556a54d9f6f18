#ifndef JOINLY_TESTS_SUPPORT_OPENED_STORE_HPP
#define JOINLY_TESTS_SUPPORT_OPENED_STORE_HPP
// A store of a tested backend under a tested policy, in a directory of its own, with a clock that the test turns.

#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <tests/support/catch.hpp>
#include <tests/support/temp_dir.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace joinly::test {

/// In a list of tested policies: WriteBehind with a journal.
struct JournalledWriteBehind {};

/// What stands in a list of tested policies, as a policy and its options for a store in `dir`.
template <class Tested>
struct TestedPolicy {
    using Policy = Tested;
    static typename Policy::Options options(const TempDir&) { return {}; }
};
template <>
struct TestedPolicy<JournalledWriteBehind> {
    using Policy = WriteBehind;
    static Policy::Options options(const TempDir& dir) {
        Policy::Options options;
        options.journal.path = dir / "journal";
        options.journal.segment_bytes = std::size_t{1} << 20;  // each is allocated in full, for every test
        return options;
    }
};

template <class Subject, class Tested>
class OpenedStore {
public:
    using Store = joinly::Store<typename Subject::Backend, typename TestedPolicy<Tested>::Policy, ManualTraits>;

    OpenedStore() { open(); }
    Store& operator*() { return *store_; }
    Store* operator->() { return &*store_; }

    void reopen() {
        REQUIRE(store_->close());
        store_.reset();
        open();
    }
    ManualTraits traits;

private:
    void open() {
        auto opened = Store::open(Subject::options(dir_), TestedPolicy<Tested>::options(dir_), traits);
        INFO((opened ? "" : std::string{opened.error().message()}));
        REQUIRE(opened);
        store_.emplace(std::move(*opened));
    }
    TempDir dir_;
    std::optional<Store> store_;
};

}  // namespace joinly::test
#endif
