#ifndef JOINLY_TESTS_NOEXCEPT_MIXED_HPP
#define JOINLY_TESTS_NOEXCEPT_MIXED_HPP

/// Scans a memory backend in a translation unit that is built without exceptions. @return how many records it met
int scan_without_exceptions() noexcept;

#endif
