"""Review of findings by people: queue, decisions, agreement, precision. Standard library only."""
