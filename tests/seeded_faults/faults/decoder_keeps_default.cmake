# What a message does not contain keeps the container it had before.
set(header joinly/detail/codec/binary_value.hpp)
set(old [[container.clear();]])
set(new [[]])
set(program tests/codec/binary.test.cpp)
