"""The stories, one a file: each is a world and what happens to it."""
