"""Compiled rooms: arrays in, arrays filled. Nothing here checks or prints; `minirnn.engine` calls them."""
