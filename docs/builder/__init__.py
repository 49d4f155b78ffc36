"""The pages of the site that follow from the code and from results/, in both languages."""
