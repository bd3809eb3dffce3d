"""Photograph to Monet and back, learned from unpaired pictures (Zhu et al., ICCV 2017)."""
