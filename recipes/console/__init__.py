"""What a command shares with its user: options, lines and bars, signals, and the loading of Keras."""
