"""S3DIS: six areas of an office building, room by room (datasets.md)."""
