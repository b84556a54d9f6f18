# Runs a program where nothing is yet, so that it finds nothing of an earlier run.
#
#     cmake -D PROGRAM=<file> -D "ARGUMENTS=<list>" -D WORK_DIR=<directory, removed and made anew> -P run_in_empty_dir.cmake

cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} WORKING_DIRECTORY ${WORK_DIR} COMMAND_ERROR_IS_FATAL ANY)
