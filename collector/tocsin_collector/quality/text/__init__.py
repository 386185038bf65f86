"""Text outputs: what a model's answers are like, measured from the texts alone and against a reference. Pure.

One file a measure; ``MEASURES`` names them all. Nothing here keeps a text: what comes out are counts.
"""
