# What a message does not contain keeps the container it had before.
set(header joinly/detail/codec/binary_value.hpp)
set(old [[if (!container.empty()) container.clear();]])
set(new [[static_cast<void>(container);]])
set(program tests/codec/binary.test.cpp)
