"""`python -m tunewright` is the command line."""

from tunewright.cli import main

main()
