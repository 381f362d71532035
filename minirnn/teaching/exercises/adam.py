"""Exercises of tutorial 5."""

from ..verdict import Exercise

EXERCISES: dict[str, Exercise] = {}
