# Uses joinly as other people's projects do. -D HOW=
#   package       find_package after an installation
#   subdirectory  add_subdirectory of the source tree
#   plain         the compiler alone, with -I include
#   snippet       a CMakeLists.txt of README.md, -D SNIPPET=<file>; it may use the package, FetchContent or third_party/joinly
#   c_package     find_package of the shared library after an installation, by a project in C
#   native        the folder that builds the shared library alone is configured
#   missing       a component is wanted and its package is not there: the messages
# and besides BUILD_DIR (a built joinly), SOURCE_DIR, WORK_DIR (removed and made anew), COMPILER, GENERATOR.

cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})
set(project_dir ${SOURCE_DIR}/tests/consumer)
set(prefix ${WORK_DIR}/prefix)
set(configure ${CMAKE_COMMAND} -G ${GENERATOR} -D CMAKE_CXX_COMPILER=${COMPILER})

function(run)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK_DIR} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(install_from build_dir to)
    execute_process(COMMAND ${CMAKE_COMMAND} --install ${build_dir} --prefix ${to} WORKING_DIRECTORY ${WORK_DIR}
                    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# expect_refusal(<text> <command>...): the command fails, and says why. CMake breaks the lines of its messages.
function(expect_refusal text)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK_DIR} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    string(REGEX REPLACE "[ \n]+" " " words "${output}")
    string(FIND "${words}" "${text}" found)
    if(result EQUAL 0 OR found EQUAL -1)
        message(FATAL_ERROR "expected a refusal that says `${text}`; got result ${result} and\n${output}")
    endif()
endfunction()

function(build_and_run)
    run(${configure} -S ${project_dir} -B consumer ${ARGN})
    run(${CMAKE_COMMAND} --build consumer)
    run(consumer/small_game)
    run(consumer/game)
endfunction()

if(HOW STREQUAL "package")
    install_from(${BUILD_DIR} ${prefix})
    build_and_run(-D CMAKE_PREFIX_PATH=${prefix})
elseif(HOW STREQUAL "subdirectory")
    build_and_run(-D JOINLY_SOURCE_DIR=${SOURCE_DIR})
elseif(HOW STREQUAL "plain")
    run(${COMPILER} -std=c++20 -I ${SOURCE_DIR}/include ${project_dir}/core.cpp -o core -pthread)
    run(./core)
elseif(HOW STREQUAL "snippet")
    file(MAKE_DIRECTORY ${WORK_DIR}/third_party)
    file(CREATE_LINK ${SOURCE_DIR} ${WORK_DIR}/third_party/joinly SYMBOLIC)
    file(COPY_FILE ${SNIPPET} ${WORK_DIR}/CMakeLists.txt)
    file(COPY_FILE ${SOURCE_DIR}/tests/readme/main.cpp ${WORK_DIR}/main.cpp)
    install_from(${BUILD_DIR} ${prefix})
    run(${configure} -S . -B build -D CMAKE_PREFIX_PATH=${prefix} -D FETCHCONTENT_SOURCE_DIR_JOINLY=${SOURCE_DIR})
    run(${CMAKE_COMMAND} --build build)
    run(build/game)
elseif(HOW STREQUAL "c_package")
    install_from(${BUILD_DIR} ${prefix})
    run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${project_dir}/c -B consumer -D CMAKE_PREFIX_PATH=${prefix})
    run(${CMAKE_COMMAND} --build consumer)
    run(consumer/game sqlite game.db)
    run(consumer/game leveldb game.leveldb)
elseif(HOW STREQUAL "native")
    run(${configure} -S ${SOURCE_DIR}/examples/native -B native)
    execute_process(COMMAND ${CMAKE_COMMAND} --build native --target help WORKING_DIRECTORY ${WORK_DIR} OUTPUT_VARIABLE targets
                    COMMAND_ERROR_IS_FATAL ANY)
    if(NOT targets MATCHES "joinly_storage" OR targets MATCHES "quickstart|store.test")
        message(FATAL_ERROR "it is to build the library and nothing else, not\n${targets}")
    endif()
elseif(HOW STREQUAL "missing")
    set(no_leveldb -D CMAKE_DISABLE_FIND_PACKAGE_leveldb=ON)
    set(wanted "needs LevelDB and Snappy (Debian: libleveldb-dev libsnappy-dev)")
    install_from(${BUILD_DIR} ${prefix})
    expect_refusal("joinly's component leveldb ${wanted}"
                   ${configure} -S ${project_dir} -B consumer -D CMAKE_PREFIX_PATH=${prefix} ${no_leveldb})

    set(library_only -D JOINLY_BUILD_TESTS=OFF -D JOINLY_BUILD_EXAMPLES=OFF)
    expect_refusal("joinly::leveldb ${wanted}; JOINLY_WITH_LEVELDB asks for it"
                   ${configure} -S ${SOURCE_DIR} -B library ${library_only} ${no_leveldb} -D JOINLY_WITH_LEVELDB=ON)

    # AUTO leaves the component out, and a later find_package says how to get it.
    run(${configure} -S ${SOURCE_DIR} -B library ${library_only} ${no_leveldb} -D JOINLY_WITH_LEVELDB=AUTO)
    install_from(library ${prefix}_without_leveldb)
    expect_refusal("joinly's component leveldb needs to be installed again"
                   ${configure} -S ${project_dir} -B late -D CMAKE_PREFIX_PATH=${prefix}_without_leveldb)
    expect_refusal("joinly's component storage needs to be installed with -D JOINLY_BUILD_NATIVE=ON"
                   ${configure} -S ${project_dir} -B storage -D CMAKE_PREFIX_PATH=${prefix}_without_leveldb -D GAME_COMPONENTS=storage)
    expect_refusal("joinly's component redis needs a newer joinly"
                   ${configure} -S ${project_dir} -B unknown -D CMAKE_PREFIX_PATH=${prefix} -D GAME_COMPONENTS=redis)
else()
    message(FATAL_ERROR "-D HOW=package, subdirectory, plain, snippet, c_package, native or missing")
endif()
