"""What lies on disk: whole files, run folders and their manifests, arrays larger than memory, tables."""
