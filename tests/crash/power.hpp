#ifndef JOINLY_TESTS_CRASH_POWER_HPP
#define JOINLY_TESTS_CRASH_POWER_HPP
// A machine that can lose its power. A program that links power.cpp has its own open, rename, unlink, fsync, msync and so on,
// for itself and for every library in it. For the files below one directory they keep a shadow: what a disk would surely hold.
//
// What a cut leaves:
// - of a file, its bytes at the last fsync, fdatasync or msync that returned. Sectors that were changed since may be old or
//   new, each by itself; so may the file's size;
// - of a directory, its names at its last fsync. Changes made since then are there up to some point in their order, as a file
//   system with a journal has it, each directory by itself;
// - a new file has its name once the file itself was synced, and so has every change of a name before its creation: no promise of
//   POSIX, but one of ext4, XFS and Btrfs, and what LevelDB builds upon. No such thing is granted to later changes.
// No fsync reaches the real disk meanwhile, so a cut costs milliseconds.

#include <tests/crash/workload.hpp>

#include <string>

namespace joinly::test {

/// From now on the file calls of this process count, as far as they are about files below `directory`. `shadow` is a directory
/// for what they leave behind; other processes may have used both before, one after the other. No symbolic links in the paths.
void count_syncs(const std::string& directory, const std::string& shadow);

/// For tests of the tests: so many per cent of the syncs do nothing, and say that they did it.
void swallow_syncs(unsigned percent);

enum class Unsynced {
    all_lost,
    all_kept,  ///< as when only the process crashes
    sectors,   ///< any of the changed sectors of 512 bytes
    pages,     ///< any of the changed pages of 4 KiB
};

/// Leaves in `directory` what would be there when the power comes back. No process may have it open. `shadow` is as new after it.
void cut_power(const std::string& directory, const std::string& shadow, Unsynced unsynced, Dice& dice);

}  // namespace joinly::test
#endif
