"""What kinds of image files need before they are pixels: a JPEG at a fraction and whole, colours in sRGB."""
