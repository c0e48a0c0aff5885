"""Live panels: each a box of controls, charts and words, in a module of its own."""
