"""The WeChat stand-in: a stateful server that behaves as WeChat does, for development and tests."""
