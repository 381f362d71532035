"""Exercises of tutorial 7."""

from ..verdict import Exercise

EXERCISES: dict[str, Exercise] = {}
