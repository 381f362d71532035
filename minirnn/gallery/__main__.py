"""`python -m minirnn.gallery`."""

from . import matrix

if __name__ == "__main__":
    print(matrix())
