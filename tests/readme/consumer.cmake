cmake_minimum_required(VERSION 3.25)
project(game LANGUAGES CXX)
add_executable(game main.cpp)
# SNIPPET
