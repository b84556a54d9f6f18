#!/usr/bin/env python3
"""Times the compiler: what joinly/store.hpp costs a translation unit, beside the standard headers that it cannot do without.

    include/standard   the standard headers that joinly/store.hpp and what it includes name, and tl/expected.hpp
    include/store      joinly/store.hpp and the description of one entity
    entity/described   each further description, of eight fields
    entity/kept        each further entity that is saved to a store and loaded from it
Costs are those of the compiler's CPU time at -O0, object file included.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import results  # noqa: E402

INCLUDE = pathlib.Path(__file__).parent.parent / "include"
MORE = 16  # entities

DESCRIBED = """
namespace game {{
struct Guild{n} {{
    std::string guild_id;
    std::string name;
    std::int32_t rating = 0;
    std::int64_t founded = 0;
    double share = 0;
    bool is_open = false;
    std::optional<std::string> motto;
    std::vector<std::string> members;
}};
}}
template <>
struct joinly::Entity<game::Guild{n}> {{
    static constexpr std::string_view kind = "guild{n}";
    static constexpr auto& id(auto& guild) {{ return guild.guild_id; }}
    static constexpr void fields(auto& guild, auto&& field) {{
        field(1, "guild_id", guild.guild_id);
        field(2, "name", guild.name);
        field(3, "rating", guild.rating);
        field(4, "founded", guild.founded);
        field(5, "share", guild.share);
        field(6, "is_open", guild.is_open);
        field(7, "motto", guild.motto);
        field(8, "members", guild.members);
    }}
}};
static_assert(joinly::entity<game::Guild{n}>);
"""
KEPT = """
joinly::Status keep{n}(joinly::Store<joinly::MemoryBackend, joinly::WriteThrough>& store) {{
    auto saved = store.save(game::Guild{n}{{}});
    if (!saved) return joinly::failure(saved.error());
    auto loaded = store.load<game::Guild{n}>("owls");
    return loaded ? joinly::Status{{}} : joinly::failure(loaded.error());
}}
"""


def standard_headers(compile_command):
    """What our headers that joinly/store.hpp leads to name in angle brackets."""
    said = subprocess.run([*compile_command, "-MM", "-x", "c++", "-"], input="#include <joinly/store.hpp>\n",
                          capture_output=True, text=True, check=True).stdout
    ours = [pathlib.Path(path) for path in re.findall(r"\S*/joinly/\S+\.hpp", said)]
    return sorted({name for file in ours for name in re.findall(r"^#include <([a-z_]+)>", file.read_text(), re.MULTILINE)})


def sources(compile_command):
    standard = "".join(f"#include <{name}>\n" for name in standard_headers(compile_command))
    store = "#include <joinly/store.hpp>\n"
    kept = store + "#include <joinly/backend/memory.hpp>\n"

    def all_of(count, *texts):
        return "".join(text.format(n=n) for n in range(count) for text in texts)

    return {
        "include/standard": standard + "#include <tl/expected.hpp>\n",
        "include/store": store + all_of(1, DESCRIBED),
        "include/store_with_more": store + all_of(1 + MORE, DESCRIBED),
        "kept/one": kept + all_of(1, DESCRIBED, KEPT),
        "kept/more": kept + all_of(1 + MORE, DESCRIBED, KEPT),
    }


def cpu_seconds(compile_command, source):
    child = subprocess.Popen([*compile_command, "-c", "-o", os.devnull, source])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    if status:
        sys.exit(f"{source} does not compile")
    return usage.ru_utime + usage.ru_stime


def main():
    given, _ = results.arguments(__doc__.split("\n", maxsplit=1)[0]).parse_known_args()
    cache = (given.build / "CMakeCache.txt").read_text() if given.build else ""
    compiler = re.search(r"^CMAKE_CXX_COMPILER:[^=]*=(.*)$", cache, re.MULTILINE)
    compile_command = [compiler[1] if compiler else "c++", "-std=c++20", "-O0", f"-I{INCLUDE}"]
    costs = {}
    with tempfile.TemporaryDirectory() as directory:
        files = {}
        for name, text in sources(compile_command).items():
            files[name] = pathlib.Path(directory) / (name.replace("/", "_") + ".cpp")
            files[name].write_text(text)
        for _ in range(1 if os.environ.get("JOINLY_QUICK") else given.benchmark_repetitions):  # a quarter of a minute each
            for name, file in files.items():
                costs.setdefault(name, []).append(cpu_seconds(compile_command, file) * 1e9)

    def each_more(many, one):
        return [(after - before) / MORE for after, before in zip(costs.pop(many), costs[one])]

    costs["entity/described"] = each_more("include/store_with_more", "include/store")
    costs["entity/kept"] = each_more("kept/more", "kept/one")
    for name, times in costs.items():
        print(f"{name:24} {sorted(times)[len(times) // 2] / 1e6:8.1f} ms")
    if given.benchmark_out:
        results.write(given.benchmark_out, given.benchmark_context, costs, {})


if __name__ == "__main__":
    main()
