"""Point clouds and meshes of one's own: a file for each format, `read_cloud` for all of them."""
