# What each component stands on. Used by CMakeLists.txt and by the installed joinly-config.cmake.

# joinly_find_dependencies(<component> <missing>) finds what a component needs, and sets <missing> to what is not there
# with the Debian packages that have it, or to nothing. A function, because the packages' own files set variables.
function(joinly_find_dependencies component missing)
    set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # a project that uses joinly from a folder below it sees them too
    find_package(Threads QUIET)                # first: LevelDB's own file expects it

    if(component STREQUAL "core")
        set(wanted "tl::expected (Debian: libexpected-dev)")
        find_package(tl-expected CONFIG QUIET)
        if(NOT TARGET tl::expected)
            find_path(header_dir tl/expected.hpp NO_CACHE)
            if(header_dir)
                add_library(tl::expected INTERFACE IMPORTED GLOBAL)
                target_include_directories(tl::expected INTERFACE ${header_dir})
            endif()
        endif()
        set(targets tl::expected Threads::Threads)
    elseif(component STREQUAL "sqlite")
        set(wanted "SQLite 3 and SQLiteCpp (Debian: libsqlite3-dev libsqlitecpp-dev)")
        find_package(SQLite3 QUIET)
        if(TARGET SQLite::SQLite3)  # SQLiteCpp's own file stops the whole configuration without it
            find_package(SQLiteCpp CONFIG QUIET)
        endif()
        set(targets SQLite::SQLite3 SQLiteCpp)
    elseif(component STREQUAL "leveldb")
        set(wanted "LevelDB and Snappy (Debian: libleveldb-dev libsnappy-dev)")
        find_package(leveldb CONFIG QUIET)
        set(targets leveldb::leveldb)
        if(TARGET leveldb::leveldb)
            # Debian's LevelDB links plain "snappy" without asking for its package: found out here, not by the linker.
            get_target_property(libraries leveldb::leveldb INTERFACE_LINK_LIBRARIES)
            find_library(snappy snappy NO_CACHE)
            if("snappy" IN_LIST libraries AND NOT snappy)
                list(APPEND targets Snappy::snappy)
            endif()
        endif()
    elseif(component STREQUAL "json")
        set(wanted "nlohmann-json (Debian: nlohmann-json3-dev)")
        find_package(nlohmann_json CONFIG QUIET)
        set(targets nlohmann_json::nlohmann_json)
    else()
        set(wanted "a newer joinly: this one has the components sqlite, leveldb and json")
        set(targets joinly::${component})
    endif()

    set(${missing} "" PARENT_SCOPE)
    foreach(target IN LISTS targets)
        if(NOT TARGET ${target})
            set(${missing} "${wanted}" PARENT_SCOPE)
        endif()
    endforeach()
endfunction()
