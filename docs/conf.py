"""Settings of Sphinx: `python -m sphinx -W docs build/docs` makes the pages in build/docs, without a network."""

project = "instance_seg"
author = "the authors of instance_seg"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
html_theme = "alabaster"
html_theme_options = {
    "description": "Multi-level 3D part instance segmentation with octree networks",
    "font_family": "sans-serif",
    "page_width": "1120px",
    "sidebar_width": "260px",
}
html_show_sourcelink = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
