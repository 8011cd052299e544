"""Measurements against peers, as ratios in one run. Machines are shared and noisy: nothing here is a test."""
