#ifndef JOINLY_JOINLY_HPP
#define JOINLY_JOINLY_HPP
// Store, policies, memory backend, entities and cache, for trying out: add backend/sqlite.hpp, backend/leveldb.hpp or
// codec/json.hpp, each of which needs its library. A program that counts its build time includes what it uses.

#include <joinly/backend/memory.hpp>
#include <joinly/cache/cache.hpp>
#include <joinly/cache/lru.hpp>
#include <joinly/cache/s3_fifo.hpp>
#include <joinly/cache/sieve.hpp>
#include <joinly/codec/proto_schema.hpp>
#include <joinly/entity/lobby.hpp>
#include <joinly/entity/match.hpp>
#include <joinly/entity/player.hpp>
#include <joinly/entity/queue.hpp>
#include <joinly/ops/migrate.hpp>
#include <joinly/ops/prometheus.hpp>
#include <joinly/policy/write_behind.hpp>
#include <joinly/store.hpp>
#include <joinly/version.hpp>

#endif
