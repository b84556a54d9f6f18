#ifndef JOINLY_TESTS_MODEL_RANDOM_OPERATIONS_HPP
#define JOINLY_TESTS_MODEL_RANDOM_OPERATIONS_HPP
// Long sequences of operations from a seed, made to hurt: few keys, hostile ones, time that jumps, faults that come and go.

#include <tests/model/operation.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace joinly::test {

[[nodiscard]] inline std::vector<std::string> hostile_ids() {
    using namespace std::string_literals;
    return {"a"s,
            "aa"s,
            "a:b"s,
            ":"s,
            "::"s,
            "\0"s,
            "a\0"s,
            "a\0b"s,
            "%"s,
            "%s%n"s,
            "\""s,
            "'"s,
            "'; DROP TABLE record; --"s,
            "\n"s,
            "\r\n"s,
            "\xff"s,
            "\xff\xff"s,
            "\xc3("s,
            "\xf0\x9f\x8e\xae"s,
            "b"s,
            " "s,
            std::string(max_id_bytes, 'x'),
            std::string(max_id_bytes - 1, 'x') + 'y',
            ""s,
            std::string(max_id_bytes + 1, 'x')};
}

[[nodiscard]] inline std::vector<std::string> hostile_raw_keys() {
    using namespace std::string_literals;
    return {"item"s,
            "item;"s,
            "items:a"s,
            "ite"s,
            "zone"s,
            "a\0b"s,
            "\x01"s,
            "\x7f"s,
            "\xff"s,
            "\xff\xff\xff"s,
            "Item:a"s,
            "item:"s,
            "item:" + std::string(max_id_bytes + 1, 'x'),
            std::string(max_key_bytes, 'k'),
            ""s,
            "\0key"s,
            std::string(max_key_bytes + 1, 'k')};
}

class RandomOperations {
public:
    explicit RandomOperations(std::uint64_t seed) : random_{seed} {
        std::shuffle(ids_.begin(), ids_.end(), random_);
        std::shuffle(raw_keys_.begin(), raw_keys_.end(), random_);
    }

    [[nodiscard]] std::vector<Operation> draw(std::size_t count) {
        std::vector<Operation> operations;
        while (operations.size() < count) operations.push_back(next());
        return operations;
    }

    [[nodiscard]] std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

    template <class T>
    [[nodiscard]] T one_of(const std::vector<T>& choices) {
        return choices[below(choices.size())];
    }

private:
    [[nodiscard]] Operation next() {
        Operation operation{verb()};
        switch (operation.verb) {
            case Verb::save_many:
            case Verb::load_many:
                for (std::size_t n = below(5); n > 0; --n) operation.names.push_back(often_the_same(ids_));
                break;
            case Verb::put:
            case Verb::put_junk:
            case Verb::get:
            case Verb::erase_key:
                operation.names.push_back(below(2) == 0 ? often_the_same(raw_keys_) : "item:" + some_valid_id());
                break;
            case Verb::keys: {
                using namespace std::string_literals;
                operation.names.push_back(
                    one_of<std::string>({""s, "item"s, "item:"s, "item:a"s, "\xff"s, "\xff\xff"s, "z"s, "\0"s, "\0x"s}));
                break;
            }
            case Verb::save:
            case Verb::update:
            case Verb::refuse_update:
            case Verb::erase:
            case Verb::load:
            case Verb::exists: operation.names.push_back(often_the_same(ids_)); break;
            case Verb::advance:
            case Verb::set_wall: operation.by = time_step(operation.verb == Verb::set_wall); break;
            case Verb::refuse_writes:
            case Verb::lose_answers: operation.code = one_of<Errc>({Errc::io, Errc::full}); break;
            case Verb::refuse_reads: operation.code = Errc::timed_out; break;  // another code, so that it is known who refused
            default: break;
        }
        if (is_write(operation.verb)) add_write_options(operation);
        if (operation.verb == Verb::ids || operation.verb == Verb::keys || operation.verb == Verb::for_each) add_page(operation);
        return operation;
    }

    /// Each verb as often as it stands for.
    [[nodiscard]] Verb verb() {
        static const std::vector<std::pair<Verb, int>> weights = {
            {Verb::save, 22},  {Verb::save_many, 6},   {Verb::update, 8},        {Verb::refuse_update, 1}, {Verb::erase, 9},
            {Verb::load, 16},  {Verb::load_many, 5},   {Verb::exists, 3},        {Verb::ids, 3},           {Verb::for_each, 2},
            {Verb::count, 1},  {Verb::put, 5},         {Verb::put_junk, 1},      {Verb::get, 5},           {Verb::erase_key, 3},
            {Verb::keys, 3},   {Verb::flush, 4},       {Verb::pump, 6},          {Verb::advance, 8},       {Verb::set_wall, 2},
            {Verb::reopen, 1}, {Verb::drop, 1},        {Verb::refuse_writes, 1}, {Verb::lose_answers, 1},  {Verb::refuse_reads, 1},
            {Verb::heal, 5},   {Verb::compare_all, 2},
        };
        int total = 0;
        for (const auto& weight : weights) total += weight.second;
        int left = static_cast<int>(below(static_cast<std::size_t>(total)));
        for (const auto& [verb, weight] : weights) {
            if ((left -= weight) < 0) return verb;
        }
        return Verb::compare_all;
    }

    /// The first few of a list most of the time, so that operations meet.
    [[nodiscard]] const std::string& often_the_same(const std::vector<std::string>& names) {
        return names[below(below(4) == 0 ? names.size() : 4)];
    }
    [[nodiscard]] std::string some_valid_id() {
        for (;;) {
            const std::string& id = often_the_same(ids_);
            if (validate_id("item", id)) return id;
        }
    }

    void add_write_options(Operation& operation) {
        using namespace std::chrono_literals;
        if (operation.verb != Verb::erase && operation.verb != Verb::erase_key) operation.value = static_cast<int>(1 + below(1000));
        if (below(4) == 0) operation.expect = one_of<Expect>({Expect::absence, Expect::current, Expect::current, Expect::older});
        const bool takes_ttl = operation.verb == Verb::save || operation.verb == Verb::save_many || operation.verb == Verb::put;
        if (takes_ttl && below(3) == 0) {
            operation.ttl = one_of<std::chrono::milliseconds>(
                {1ms, 10ms, 10ms, 50ms, 50ms, 1s, 1h, 24h * 400, (std::chrono::milliseconds::max)(), 0ms, -1ms});
        }
    }

    void add_page(Operation& operation) {
        if (below(2) == 0) return;
        operation.limit = below(6);
        if (operation.verb == Verb::ids && below(2) == 0) operation.after = one_of(ids_);
        if (operation.verb == Verb::keys && below(2) == 0)
            operation.after = below(2) == 0 ? one_of(raw_keys_) : "item:" + one_of(ids_);
    }

    [[nodiscard]] std::chrono::milliseconds time_step(bool any_direction) {
        using namespace std::chrono_literals;
        const auto step = one_of<std::chrono::milliseconds>({1ms, 10ms, 10ms, 50ms, 1s, 1h, 24h * 365});
        return any_direction && below(2) == 0 ? -step : step;
    }

    std::mt19937_64 random_;
    std::vector<std::string> ids_ = hostile_ids();
    std::vector<std::string> raw_keys_ = hostile_raw_keys();
};

}  // namespace joinly::test
#endif
