"""The papers' analyses, a module each: arrays in, a small result with named arrays out. None of them needs a Network."""
