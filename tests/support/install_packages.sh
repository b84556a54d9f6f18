#!/usr/bin/env bash
# install_packages.sh [tests] [examples] [benchmarks] [instructions] [ci] [clang_sanitizers]: installs the Debian packages that building the
# library needs, and what is named besides, where they are not there; says which. Nothing is done, and root is not needed,
# when all are.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

wanted=(libexpected-dev libsqlitecpp-dev libsqlite3-dev libleveldb-dev libsnappy-dev nlohmann-json3-dev libzstd-dev)
# A tool that is there already serves, wherever it came from.
tool() { command -v "$1" >/dev/null || wanted+=("$2"); }
tool "${CXX:-g++}" "$(basename "${CXX:-g++}" | sed 's/^clang++/clang/')"
tool cmake cmake
tool ninja ninja-build
for group in "$@"; do
    case $group in
        tests) wanted+=(catch2) && tool protoc protobuf-compiler && tool python3 python3 ;;
        examples) wanted+=(libcli11-dev) ;;
        benchmarks) wanted+=(libbenchmark-dev python3-matplotlib libabsl-dev libtbb-dev libprotobuf-dev libmsgpack-dev libcereal-dev
                            liblmdb-dev librocksdb-dev persistent-cache-cpp-dev valgrind python3-plyvel)
                    tool protoc protobuf-compiler ;;
        instructions) wanted+=(libbenchmark-dev valgrind) ;;
        ci) tool clang++ clang && tool clang-format clang-format && tool ld.lld lld && tool ccache ccache ;;
        clang_sanitizers) wanted+=(libclang-rt-dev) ;;
        *) say "install_packages.sh: no such group: $group" && exit 2 ;;
    esac
done

if ! command -v dpkg-query >/dev/null; then
    say "This is neither Debian nor Ubuntu: what these packages hold there must be here already: ${wanted[*]}"
    exit 0
fi
missing=()
for package in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

say "Installing what is missing: ${missing[*]}"
as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || { say "This needs root or sudo. As root: apt-get install ${missing[*]}" && exit 1; }
    sudo -n true 2>/dev/null || sudo -v || { say "sudo refused. As root: apt-get install ${missing[*]}" && exit 1; }
    as_root=(sudo)
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
for attempt in 1 2 3; do
    if "${apt[@]}" -o APT::Update::Error-Mode=any update >&2; then break; fi  # without the option, a dead network is no error
    if ((attempt == 3)); then say "The package lists could not be refreshed; trying with those that are here."; else sleep 5; fi
done
"${apt[@]}" -y --no-install-recommends install "${missing[@]}" >&2 || { say "apt-get could not install them; its words are above." && exit 1; }
