"""Text for people: tables in Markdown, and the names nearest to a misspelt one."""
