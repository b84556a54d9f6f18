"""Where the library is looked for, and which ones are refused."""

from __future__ import annotations

import _ctypes
import os
import re
import sys
import unittest
import unittest.mock
from pathlib import Path

from native import library
from native.library import ENVIRONMENT_VARIABLE, find_library, load_library
from tests.test_storage import InFolder


class Finding(InFolder):
    """On Linux, in a tree of empty files that has the package in examples/python/native, and without JOINLY_LIBRARY."""

    def setUp(self) -> None:
        super().setUp()
        self.tree = Path.cwd().resolve()
        for patch in (
            unittest.mock.patch.dict(os.environ),
            unittest.mock.patch.object(sys, "platform", "linux"),
            unittest.mock.patch.object(library, "__file__", str(self.tree / "examples/python/native/library.py")),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        os.environ.pop(ENVIRONMENT_VARIABLE, None)

    def file(self, path: str) -> str:
        (self.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (self.tree / path).touch()
        return str(self.tree / path)

    def test_the_places_in_their_order(self) -> None:
        self.assertEqual(find_library(), "libjoinly_storage.so")  # for the system's loader
        for place in (
            "build/tests/examples/native",
            "build/debug/examples/native",
            "build/examples/native",
            "examples/native",
            "examples/python",
            "examples/python/native",
        ):
            with self.subTest(place=place):
                path = self.file(f"{place}/libjoinly_storage.so")
                for name in ("joinly_storage", "joinly_storage.dll", "libjoinly_storage.so", "libjoinly_storage.dylib"):
                    self.assertEqual(find_library(name), path)

    def test_the_variable_comes_before_all(self) -> None:
        self.file("examples/python/native/libjoinly_storage.so")
        os.environ[ENVIRONMENT_VARIABLE] = "/somewhere/libelse.so"
        self.assertEqual(find_library(), "/somewhere/libelse.so")
        self.assertEqual(find_library("/dir/libjoinly_storage.so"), "/somewhere/libelse.so")

    def test_a_path_is_that_file(self) -> None:
        self.file("examples/python/native/libjoinly_storage.so")
        for name in ("lib/libjoinly_storage.so", "lib/libjoinly_storage.so.1", "lib/plain", "lib/other.so"):
            with self.subTest(name=name):
                path = self.file(name)
                self.file("lib/libother.so")
                self.assertEqual(find_library(path), path)
                self.assertEqual(find_library(name), path)
        os.chdir("lib")
        self.assertEqual(find_library("./libjoinly_storage.so.1"), str(self.tree / "lib/libjoinly_storage.so.1"))

    def test_a_path_is_translated_to_the_platforms_name(self) -> None:
        path = self.file("lib/libjoinly_storage.so")
        for name in ("joinly_storage", "joinly_storage.dll", "libjoinly_storage.dylib"):
            self.assertEqual(find_library(f"lib/{name}"), path)
        self.file("lib/joinly_storage.dll")  # for another platform
        self.assertEqual(find_library("lib/joinly_storage.dll"), path)
        for platform, name in (("win32", "joinly_storage.dll"), ("darwin", "libjoinly_storage.dylib")):
            path = self.file(f"lib/{name}")
            with self.subTest(platform=platform), unittest.mock.patch.object(sys, "platform", platform):
                for other in ("joinly_storage", "joinly_storage.dll", "libjoinly_storage.so", "libjoinly_storage.dylib"):
                    self.assertEqual(find_library(f"lib/{other}"), path)

    def test_a_path_without_a_file_is_never_another_library(self) -> None:
        self.file("examples/python/native/libjoinly_storage.so")
        for name in ("/no/such/joinly_storage.dll", "/no/such/libjoinly_storage.so", "./joinly_storage.dll"):
            with self.subTest(name=name), self.assertRaisesRegex(OSError, f"^{re.escape(os.path.abspath(name))}: .*cmake"):
                load_library(name)


class Refusing(unittest.TestCase):
    def setUp(self) -> None:
        for patch in (unittest.mock.patch.dict(os.environ), unittest.mock.patch.dict(library._loaded, clear=True)):
            patch.start()
            self.addCleanup(patch.stop)

    def test_a_library_that_is_another_one(self) -> None:
        os.environ[ENVIRONMENT_VARIABLE] = getattr(_ctypes, "__file__", "libc.so.6")
        with self.assertRaisesRegex(OSError, "is no joinly_storage"):
            load_library()

    def test_a_library_with_another_interface(self) -> None:
        with unittest.mock.patch.object(library, "_ABI_MAJOR", 2):
            for _ in range(2):  # nor is it loaded the second time
                with self.assertRaisesRegex(OSError, "has interface 1; this package was written for 2"):
                    load_library()
        load_library()

    def test_it_is_loaded_once(self) -> None:
        self.assertIs(load_library("joinly_storage.dll"), load_library("libjoinly_storage.so"))


if __name__ == "__main__":
    unittest.main()
