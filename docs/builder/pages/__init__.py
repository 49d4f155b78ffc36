"""Pages that follow from the code and from results/, or what is drawn for them: a module each."""
