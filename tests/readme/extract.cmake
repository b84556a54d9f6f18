# Takes the programs and commands out of README.md. Included by tests/CMakeLists.txt.
#
# Above each block of C++, C, Python, CMake or sh stands a comment that makes it a test:
#     <!-- snippet: name -->                  the block is a whole program, a whole CMakeLists.txt, or commands for a shell
#     <!-- snippet: name in harness.cpp -->   it replaces the line "// SNIPPET" (in CMake "# SNIPPET") of that file here; what it
#                                             includes comes before that file, which need not include it then

# joinly_extract_snippets(<file> <language> <out dir> <names>): writes <out dir>/<name>.<language> for each block of a
# language (cpp, c, python, cmake, sh), and sets <names>. A block without its comment, or a name given twice, is an error.
function(joinly_extract_snippets file language out_dir names)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} rest)
    set(found "")
    set(fence "\n```${language}\n")
    while(TRUE)
        string(FIND "${rest}" "${fence}" start)
        if(start EQUAL -1)
            break()
        endif()
        string(SUBSTRING "${rest}" 0 ${start} before)
        string(LENGTH "\n```${language}" fence_length)  # the block begins with the end of the line
        math(EXPR start "${start} + ${fence_length}")
        string(SUBSTRING "${rest}" ${start} -1 rest)
        string(FIND "${rest}" "\n```" end)
        string(SUBSTRING "${rest}" 0 ${end} block)
        string(SUBSTRING "${rest}" ${end} -1 rest)

        if(NOT before MATCHES "<!-- snippet: ([a-z0-9_]+)( in ([a-z0-9_.]+))? -->$")
            message(FATAL_ERROR "${file}: no <!-- snippet: name --> above the ${language} block that begins with\n${block}")
        endif()
        set(name ${CMAKE_MATCH_1})
        set(harness "${CMAKE_MATCH_3}")
        if(name IN_LIST found)
            message(FATAL_ERROR "${file}: two ${language} snippets are named ${name}")
        endif()
        list(APPEND found ${name})
        if(harness)
            set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${harness})
            file(READ ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${harness} program)
            string(REGEX REPLACE "(//|#) SNIPPET" "SNIPPET" program "${program}")
            string(REGEX MATCHALL "\n#include [^\n]+" includes "${block}")
            string(REGEX REPLACE "\n#include [^\n]+" "" block "${block}")
            string(REPLACE "SNIPPET" "${block}" block "${program}")
            string(PREPEND block ${includes} "\n")
        endif()
        joinly_write(${out_dir}/${name}.${language} "${block}\n")
    endwhile()
    set(${names} ${found} PARENT_SCOPE)
endfunction()
