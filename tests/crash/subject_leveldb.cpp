#include <joinly/backend/leveldb.hpp>

#include <tests/crash/subject_of.hpp>

namespace joinly::test {

OpenedSubject open_leveldb_subject(const Setup& setup, const std::string& directory) {
    LevelDbOptions options{.path = directory + "/store", .sync = setup.sync};
    options.write_buffer_bytes = std::size_t{256} << 10;  // small, so that logs become tables all the time
    return open_subject_of(LevelDbBackend::open(options), setup, directory);
}

}  // namespace joinly::test
