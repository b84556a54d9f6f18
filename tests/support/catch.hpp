#ifndef JOINLY_TESTS_SUPPORT_CATCH_HPP
#define JOINLY_TESTS_SUPPORT_CATCH_HPP
// Catch2 under either of its names: version 3, or 2.13 as Debian 12 ships it.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
#endif
