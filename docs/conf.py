"""How Sphinx builds these pages."""

project = "fcall"
author = "the fcall authors"
copyright = "the fcall authors"  # no year: it would be wrong next January

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True
myst_heading_anchors = 3

html_theme = "furo"
html_title = "fcall"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["fcall.css"]
