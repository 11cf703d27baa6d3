"""`python -m samviz.cli`."""

from samviz.cli import main

main()
