"""Search for better settings, with keras-tuner: trials that resume, and the command around them."""
