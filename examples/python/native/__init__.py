"""The shared library joinly_storage, as Python calls it. See native.bindings."""
