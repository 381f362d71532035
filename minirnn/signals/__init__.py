"""Signals of any origin, a module each: arrays in, arrays or a small result out. Needs no Network; scipy alone.

`envelope` and `alignment` serve sounds and units' activity alike, `pitch` is for sounds, `wav` reads them.
"""
