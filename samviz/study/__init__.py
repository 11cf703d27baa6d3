"""`samviz study`: does it learn? Train what a figure of docs/learning.md needs, measure, draw, fill in."""
