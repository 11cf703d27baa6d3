"""What the memory held and who touched it: rows, accesses and histories, replayed from a trace."""
