"""What the studies' results file says: read by scripts/report.py and scripts/plot.py."""
