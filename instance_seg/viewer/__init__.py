"""Segmented shapes in a browser: one HTML file that needs no other file and no network."""
