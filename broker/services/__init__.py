"""One use case each, grouped by what they are about.

What stands in no group is what all of them share. Which group may know which is a contract in
pyproject.toml.
"""
