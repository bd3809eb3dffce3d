"""Neural style transfer: recipes, the optimisation of a picture, its metrics and the search for settings."""
