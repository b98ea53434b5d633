"""A drawing is what every chart shares: a style, labelled axes, honest ticks, and names at the ends of lines."""

from eslab.drawing.axes import begin, beside, cut, finish, shade, tall
from eslab.drawing.ends import held
from eslab.drawing.styles import Style, as_frame, colours_of, in_style, looks, style, styled
from eslab.drawing.ticks import figure_of, lanes_for, ticks, with_zero

__all__ = [
    "Style", "as_frame", "begin", "beside", "colours_of", "cut", "figure_of", "finish", "held", "in_style", "lanes_for",
    "looks", "shade", "style", "styled", "tall", "ticks", "with_zero",
]  # fmt: skip
