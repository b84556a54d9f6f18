#include <joinly/backend/leveldb_options.hpp>

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include "bare_engine.hpp"

namespace tool {
namespace {

class BareLevelDb final : public BareEngine {
public:
    joinly::Status open(const std::string& path) {
        const joinly::LevelDbOptions usual;
        filter_.reset(leveldb::NewBloomFilterPolicy(usual.bloom_bits_per_key));
        cache_.reset(leveldb::NewLRUCache(usual.block_cache_bytes));
        leveldb::Options options;
        options.create_if_missing = true;
        options.paranoid_checks = usual.paranoid_checks;
        options.write_buffer_size = usual.write_buffer_bytes;
        options.filter_policy = filter_.get();
        options.block_cache = cache_.get();
        read_options_.verify_checksums = usual.verify_checksums;
        leveldb::DB* db = nullptr;
        const auto status = leveldb::DB::Open(options, path, &db);
        db_.reset(db);
        return outcome(status);
    }

    joinly::Status put(std::span<const KeyAndValue> rows) override {
        leveldb::WriteBatch batch;
        for (const KeyAndValue& row : rows) batch.Put(row.key, row.value);
        leveldb::WriteOptions options;
        options.sync = true;
        return outcome(db_->Write(options, &batch));
    }

    joinly::Result<std::string> get(const std::string& key) override {
        std::string value;
        if (auto got = outcome(db_->Get(read_options_, key, &value)); !got) return joinly::failure(got.error());
        return value;
    }

    joinly::Result<std::uint64_t> read_all() override {
        std::uint64_t rows = 0;
        std::string copy;  // somebody reads it
        const std::unique_ptr<leveldb::Iterator> at{db_->NewIterator(read_options_)};
        for (at->SeekToFirst(); at->Valid(); at->Next(), ++rows) {
            copy.assign(at->key().data(), at->key().size()).append(at->value().data(), at->value().size());
        }
        if (auto read = outcome(at->status()); !read) return joinly::failure(read.error());
        return rows;
    }

private:
    static joinly::Status outcome(const leveldb::Status& status) {
        if (status.ok()) return {};
        return joinly::failure(status.IsNotFound() ? joinly::Errc::not_found : joinly::Errc::io, status.ToString());
    }

    std::unique_ptr<const leveldb::FilterPolicy> filter_;
    std::unique_ptr<leveldb::Cache> cache_;
    leveldb::ReadOptions read_options_;
    std::unique_ptr<leveldb::DB> db_;  // last: it uses the others
};

}  // namespace

joinly::Result<std::unique_ptr<BareEngine>> open_bare_leveldb(const std::string& path) {
    auto engine = std::make_unique<BareLevelDb>();
    if (auto opened = engine->open(path); !opened) return joinly::failure(opened.error());
    return engine;
}

}  // namespace tool
