#ifndef JOINLY_DETAIL_POLICY_LOAD_GATE_HPP
#define JOINLY_DETAIL_POLICY_LOAD_GATE_HPP
// Where loads that missed the cache meet, and where writes overtake them.
//
// Threads that miss one key at once share one backend read (a flight). A flight that a write has overtaken never lands in
// the cache, and nobody who arrives after that write may join it. While a key is being written, loads of it go to the
// backend on their own and leave the cache alone, so that no reader sees an older value than another saw before.
//
// Locks: a stripe's mutex guards its keys' states and each flight's `overtaken`; the cache's locks are taken under it, and
// it may be taken under a policy's own mutex. A flight's mutex guards its outcome and is taken alone.

#include <joinly/config.hpp>
#include <joinly/core/result.hpp>
#include <joinly/detail/hash.hpp>
#include <joinly/policy/object.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

JOINLY_NAMESPACE_BEGIN
namespace detail {

class LoadGate {
public:
    using Outcome = Result<LoadedObject>;

    /// One backend read of one key.
    class Flight {
    public:
        explicit Flight(const ObjectType& type) : type_{&type} {}

        /// Blocks until the flight has landed; nullopt when it was abandoned, and the waiter must try for itself.
        [[nodiscard]] std::optional<Outcome> wait() {
            std::unique_lock lock{mutex_};
            landed_.wait(lock, [&] { return done_; });
            return outcome_ ? std::optional<Outcome>{copy_of(*outcome_)} : std::nullopt;
        }

    private:
        friend class LoadGate;
        void land(std::optional<Outcome> outcome) {
            {
                const std::scoped_lock lock{mutex_};
                outcome_ = std::move(outcome);
                done_ = true;
            }
            landed_.notify_all();
        }

        const ObjectType* type_;
        bool overtaken_ = false;
        std::mutex mutex_;  // guards the two below
        std::optional<Outcome> outcome_;
        bool done_ = false;
        std::condition_variable landed_;
    };

    /// What a load has to do: take what was `found`, lead or join the `flight`, or, without either, read on its own.
    struct Ticket {
        std::optional<Outcome> found;
        std::shared_ptr<Flight> flight;
        bool leads = false;
    };

    /// `look_again` is the last look into the cache, under the stripe's lock: somebody may have filled it since the miss.
    template <class LookAgain>
    [[nodiscard]] Ticket enter(std::string_view key, const ObjectType& type, LookAgain&& look_again) {
        Stripe& stripe = stripe_of(key);
        const std::scoped_lock lock{stripe.mutex};
        if (std::optional<Outcome> found = look_again()) return {std::move(found), nullptr, false};
        const auto at = stripe.states.find(key);
        if (at == stripe.states.end()) {
            auto flight = std::make_shared<Flight>(type);
            add(stripe, key)->second.flight = flight;
            return {std::nullopt, std::move(flight), true};
        }
        State& state = at->second;
        if (state.writers != 0 || state.flight->type_ != &type) return {};
        return {std::nullopt, state.flight, false};
    }

    /// Ends a flight that the calling thread leads. `fill(key, outcome)` puts it into the cache; it is called, under the stripe's
    /// lock, only if no write has overtaken the flight.
    template <class Fill>
    void land(std::string_view key, const std::shared_ptr<Flight>& flight, const Outcome& outcome, Fill&& fill) {
        std::optional<Outcome> copy{copy_of(outcome)};  // may throw, so before the flight ends
        close(key, flight, [&] { fill(key, outcome); });
        flight->land(std::move(copy));
    }

    /// Ends a flight that found nothing out.
    void abandon(std::string_view key, const std::shared_ptr<Flight>& flight) {
        close(key, flight, [] {});
        flight->land(std::nullopt);
    }

    /// The whole of a load: `enter` gives the ticket, `read` reads the backend, `fill` puts the outcome into the cache.
    template <class Enter, class Read, class Fill>
    [[nodiscard]] Outcome load(std::string_view key, Enter&& enter, Read&& read, Fill&& fill) {
        for (;;) {
            Ticket ticket = enter();
            if (ticket.found) return *std::move(ticket.found);
            if (!ticket.flight) return read();
            if (!ticket.leads) {
                if (auto outcome = ticket.flight->wait()) return *std::move(outcome);
                continue;
            }
            Lead lead{*this, key, std::move(ticket.flight)};
            Outcome outcome = read();
            lead.land(outcome, fill);
            return outcome;
        }
    }

    /// The whole of a load of many keys that are not cached, with one trip to the backend for those that need one. `enter`, `fill`
    /// and `read` are as in `load`, and `read_many` reads many. Flights of this thread's own land before it waits for others', so
    /// that two of these cannot wait for each other.
    template <class Enter, class Read, class ReadMany, class Fill>
    [[nodiscard]] Status load_many(std::span<const std::string_view> keys, LoadSink sink, Enter&& enter, Read&& read,
                                   ReadMany&& read_many, Fill&& fill) {
        std::vector<std::pair<std::size_t, std::shared_ptr<Flight>>> joined;
        std::vector<std::string_view> asked;
        std::vector<std::size_t> positions;  // of the keys in `asked`
        std::vector<Lead> leads;             // one for each key in `asked`; an empty one for a key that is read on its own
        for (std::size_t i = 0; i < keys.size(); ++i) {
            Ticket ticket = enter(keys[i]);
            if (ticket.found) {
                sink(i, *std::move(ticket.found));
            } else if (ticket.flight && !ticket.leads) {
                joined.emplace_back(i, std::move(ticket.flight));
            } else {
                Lead lead{*this, keys[i], std::move(ticket.flight)};  // holds the flight even if the vector cannot grow
                leads.push_back(std::move(lead));
                asked.push_back(keys[i]);
                positions.push_back(i);
            }
        }
        if (!asked.empty()) {
            const Status done = read_many(std::span<const std::string_view>{asked}, [&](std::size_t position, Outcome outcome) {
                leads[position].land(outcome, fill);
                sink(positions[position], std::move(outcome));
            });
            leads.clear();
            if (!done) return done;
        }
        for (auto& [position, flight] : joined) {
            std::optional<Outcome> outcome = flight->wait();
            const std::string_view key = keys[position];
            sink(position, outcome ? *std::move(outcome)
                                   : load(
                                         key, [&] { return enter(key); }, [&] { return read(key); }, fill));
        }
        return {};
    }

    /// A write of `key` begins: no load that is under way may land. `drop` takes the key out of the cache.
    template <class Drop>
    void begin_write(std::string_view key, Drop&& drop) {
        Stripe& stripe = stripe_of(key);
        const std::scoped_lock lock{stripe.mutex};
        auto at = stripe.states.find(key);
        if (at == stripe.states.end()) at = add(stripe, key);
        overtake(at->second);
        ++at->second.writers;
        drop(key);
    }

    /// A write of `key` ends: with what the backend now has (the version `absent`: it changed nothing), or with null when
    /// that is unknown. Once the key's last writer has left, `keep` is given the newest of what they wrote.
    template <class Keep>
    void end_write(std::string_view key, const LoadedObject* written, Keep&& keep) {
        Stripe& stripe = stripe_of(key);
        const std::scoped_lock lock{stripe.mutex};
        const auto at = stripe.states.find(key);
        State& state = at->second;
        if (written == nullptr) {
            state.uncertain = true;
        } else if (written->version >= state.newest.version) {
            state.newest = *written;
        }
        if (--state.writers != 0) return;
        if (!state.uncertain && state.newest.version != absent) keep(key, state.newest);
        (void)remove(stripe, at);
    }

    /// A write that is over at once, under a lock that `enter` is called under too: no load that is under way may land.
    void overtake(std::string_view key) {
        if (state_count_.load() == 0) return;  // as it is nearly always: not worth a hash and a lock
        Stripe& stripe = stripe_of(key);
        const std::scoped_lock lock{stripe.mutex};
        const auto at = stripe.states.find(key);
        if (at == stripe.states.end()) return;
        overtake(at->second);
        if (at->second.writers == 0) (void)remove(stripe, at);
    }

    /// Somebody wrote, nobody knows what: no load that is under way may land, and of the writes that are, none may be kept.
    void overtake_all() {
        for (Stripe& stripe : stripes_) {
            const std::scoped_lock lock{stripe.mutex};
            for (auto at = stripe.states.begin(); at != stripe.states.end();) {
                overtake(at->second);
                at->second.uncertain = true;
                at = at->second.writers == 0 ? remove(stripe, at) : std::next(at);
            }
        }
    }

private:
    /// There is one only while a key is being loaded or written.
    struct State {
        std::shared_ptr<Flight> flight;
        std::size_t writers = 0;
        LoadedObject newest;
        bool uncertain = false;
    };
    using States = std::unordered_map<std::string, State, KeyHash, KeyEqual>;
    struct alignas(64) Stripe {
        std::mutex mutex;
        States states;
    };

    /// Counted before anybody reads the backend for it: whoever finds the count at zero later has nobody to overtake.
    [[nodiscard]] States::iterator add(Stripe& stripe, std::string_view key) {
        const auto at = stripe.states.emplace(std::string{key}, State{}).first;
        state_count_.fetch_add(1);
        return at;
    }
    [[nodiscard]] States::iterator remove(Stripe& stripe, States::iterator at) {
        state_count_.fetch_sub(1);
        return stripe.states.erase(at);
    }

    /// Abandons the flight when reading or filling throws, so that nobody waits for ever.
    class Lead {
    public:
        Lead(LoadGate& gate, std::string_view key, std::shared_ptr<Flight> flight) noexcept
            : gate_{gate}, key_{key}, flight_{std::move(flight)} {}
        Lead(Lead&&) noexcept = default;
        Lead& operator=(Lead&&) = delete;
        ~Lead() {
            if (flight_) gate_.abandon(key_, flight_);
        }
        template <class Fill>
        void land(const Outcome& outcome, Fill&& fill) {
            if (!flight_) return;
            gate_.land(key_, flight_, outcome, fill);
            flight_.reset();
        }

    private:
        LoadGate& gate_;
        std::string_view key_;
        std::shared_ptr<Flight> flight_;
    };

    /// tl::expected ends the program when copying an error finds no memory; copying the error by itself throws.
    [[nodiscard]] static Outcome copy_of(const Outcome& outcome) {
        if (outcome) return *outcome;
        return failure(outcome.error());
    }

    static void overtake(State& state) noexcept {
        if (state.flight) state.flight->overtaken_ = true;
        state.flight.reset();
    }

    template <class Fill>
    void close(std::string_view key, const std::shared_ptr<Flight>& flight, Fill&& fill) {
        Stripe& stripe = stripe_of(key);
        const std::scoped_lock lock{stripe.mutex};
        if (flight->overtaken_) return;
        fill();
        (void)remove(stripe, stripe.states.find(key));
    }

    [[nodiscard]] Stripe& stripe_of(std::string_view key) { return stripes_[hash_bytes(key, seed_) % stripes_.size()]; }

    std::uint64_t seed_ = random_seed();
    std::array<Stripe, 64> stripes_;
    std::atomic<std::size_t> state_count_{0};  // in all stripes
};

}  // namespace detail
JOINLY_NAMESPACE_END
#endif
