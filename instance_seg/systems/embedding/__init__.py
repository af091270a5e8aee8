"""ASIS and JSNet: instances as clusters of a learned embedding."""
