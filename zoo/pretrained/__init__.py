"""Pretrained weights: files of several kinds, and whether a download site can be reached."""
