"""The studio: the painters of the collection that needs no network and no data.

    scenes        what is painted: a subject in a mood
      moods         its colours
      sketch        the sketchbook it is drawn in
      outdoors      hills, sea, mountain, river, forest, city, pond
      indoors       still life, bouquet, portrait, interior; and the abstract
    photographs   the photographs in scikit-image and scikit-learn
    painters      who paints
      oils          the hands that paint on canvas
      paper         the hands that draw, print, wash or cut
      glass         the hands that lead panes or set cubes
      materials     papers, pigments, and the brush
    strokes       the tools: Hertzmann's strokes, fields, noise, relief
    building      the collection on disk, in the layout of the archive
    claims        whether networks see in it what the course says
    trials        the trainings that this is judged by

What they painted ships with the package, see artnb.paintings.studio; this is how it was made.
"""
