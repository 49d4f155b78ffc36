"""What kinds of files need before they are pixels: a JPEG at a fraction and whole, colours in sRGB, a zip archive."""
